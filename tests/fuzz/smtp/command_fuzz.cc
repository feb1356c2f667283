// Commands: what is taken can be written again, and is then read as the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/smtp/command_parser.h"
#include "common/smtp/command_writer.h"

using namespace mailmesh::smtp;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  ParseOptions options;
  options.offered = {Extension::kSize, Extension::k8BitMime, Extension::kSmtpUtf8,   Extension::kBinaryMime,
                     Extension::kDsn,  Extension::kAuth,     Extension::kRequireTls, Extension::kChunking};
  options.utf8_transaction = true;
  const ParsedCommand parsed = ParseCommand(line, options);
  if (!parsed.ok()) return 0;
  const auto write = [&](const ParsedCommand& command) {
    std::string out;
    if (const Mail* mail = std::get_if<Mail>(&command.command())) AppendMail(*mail, options.offered, out);
    if (const Rcpt* rcpt = std::get_if<Rcpt>(&command.command())) AppendRcpt(*rcpt, options.offered, true, out);
    return out;
  };
  const std::string written = write(parsed);
  if (written.empty()) return 0;
  // Nothing that was read may hold a line end, and a path must survive the way out and in (its quoting may grow it past
  // the limits, which is the one reason to be refused).
  if (written.find_first_of("\r\n") != written.size() - 2) std::abort();
  const ParsedCommand again = ParseCommand(std::string_view(written).substr(0, written.size() - 2), options);
  if (again.ok() && write(again) != written) std::abort();
  return 0;
}
