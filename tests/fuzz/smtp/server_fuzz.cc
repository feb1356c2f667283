// The server machine: the same dialogue whole and in pieces says the same, and every answer that is owed can be given.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "common/smtp/replies.h"
#include "common/smtp/server_machine.h"

using namespace mailmesh::smtp;

namespace {

// `early`: it was closed for what lay behind a refused DATA, which only a whole read can see.
std::string Run(std::string_view input, size_t piece, Protocol protocol, bool& early) {
  ServerOptions options;
  options.protocol = protocol;
  options.name = "mx";
  options.offer.extensions = {Extension::kPipelining, Extension::kSize, Extension::kChunking, Extension::kBinaryMime,
                              Extension::kSmtpUtf8,   Extension::kDsn,  Extension::kAuth,     Extension::k8BitMime};
  options.offer.max_size = 200;
  options.offer.auth_mechanisms = {"PLAIN"};
  ServerMachine machine(options);
  machine.Greet();
  std::string taken;
  std::string content;
  while (!input.empty()) {
    std::string_view part = input.substr(0, piece);
    input.remove_prefix(part.size());
    for (;;) {
      const server::Event event = machine.Next(part);
      content += machine.TakeContent();
      if (std::holds_alternative<server::EndContent>(event)) taken += std::exchange(content, {});
      if (std::holds_alternative<server::BeginContent>(event)) {
        content.clear();
        machine.Answer(replies::kStartMailInput);
      }
      if (std::holds_alternative<server::AuthReceived>(event)) machine.Challenge("x");
      if (machine.awaiting_answer()) machine.AnswerAll(replies::kOk);
      if (machine.awaiting_answer()) std::abort();
      if (const auto* close = std::get_if<server::Close>(&event)) {
        early = close->reason == server::CloseReason::kImproperPipelining;
        return machine.output() + taken;
      }
      if (std::holds_alternative<server::NeedInput>(event)) break;
    }
    if (!part.empty()) std::abort();
  }
  return machine.output() + taken;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const Protocol protocol = (data[0] & 1) != 0 ? Protocol::kLmtp : Protocol::kSmtp;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  bool early = false;
  const std::string whole = Run(input, input.size(), protocol, early);
  if (early) return 0;
  const std::string pieces = Run(input, 1 + data[0] / 2 % 16, protocol, early);
  if (!early && whole != pieces) std::abort();
  return 0;
}
