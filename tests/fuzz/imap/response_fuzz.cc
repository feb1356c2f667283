// The first octet says where the rest is split: whole and split tell the same, and each response parses or is refused.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "common/imap/response_parser.h"
#include "common/imap/response_reader.h"

namespace {

using mailmesh::imap::ResponseReader;

void Feed(ResponseReader& reader, std::string_view octets, std::string& log) {
  using namespace mailmesh::imap;
  const std::unique_ptr<char[]> own(new char[octets.size() + 1]);
  octets.copy(own.get(), octets.size());
  std::string_view input(own.get(), octets.size());
  for (;;) {
    const ResponseReader::Event event = reader.Next(&input);
    if (event.kind == ResponseReader::Kind::kNeedInput || event.kind == ResponseReader::Kind::kFatal) return;
    if (event.kind != ResponseReader::Kind::kLiteralData) log.append(1, static_cast<char>('0' + static_cast<int>(event.kind)));
    log.append(event.text);
    if (event.kind != ResponseReader::Kind::kResponse) continue;
    auto response = ParseResponse(event.text, event.streamed);
    if (!response.ok() || !std::holds_alternative<DataResponse>(*response)) continue;
    ReadList(std::get<DataResponse>(*response)).status().IgnoreError();
    ReadFetch(std::get<DataResponse>(std::move(*response))).status().IgnoreError();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view octets(reinterpret_cast<const char*>(data + 1), size - 1);
  const ResponseReader::Limits limits{.max_line = 200, .max_response = 500, .max_kept_literal = 10, .max_literal = 1000};
  ResponseReader whole(limits), split(limits);
  std::string expected, actual;
  Feed(whole, octets, expected);
  const size_t step = data[0] % 32 + 1;
  for (size_t i = 0; i < octets.size(); i += step) Feed(split, octets.substr(i, step), actual);
  if (expected != actual) std::abort();
  return 0;
}
