// The client machine against a hostile server: the same events whole and in pieces.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/pop3/client_machine.h"

using namespace mailmesh::pop3;

namespace {

std::string Run(std::string_view input, size_t piece) {
  ClientOptions options;
  options.max_message_size = 1000;
  ClientMachine machine(options);
  std::string log;
  std::string content;
  while (!input.empty()) {
    std::string_view part = input.substr(0, piece);
    input.remove_prefix(part.size());
    for (;;) {
      const client::Event event = machine.Next(part);
      if (std::holds_alternative<client::NeedInput>(event)) break;
      content += machine.TakeContent();
      if (std::holds_alternative<client::MessageContent>(event)) continue;
      log.push_back(static_cast<char>('a' + event.index()));
      if (std::holds_alternative<client::Failed>(event)) return log;
      if (std::holds_alternative<client::AuthChallenged>(event)) (void)machine.AuthRespond({});
      if (machine.in_flight() > 0) continue;
      (void)machine.Capa();
      (void)machine.Stat();
      (void)machine.Uidl();
      (void)machine.List(1);
      (void)machine.Retr(1);
      (void)machine.Dele(1);
    }
    if (!part.empty()) std::abort();
  }
  return log + content;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (Run(input, input.size()) != Run(input, 1 + data[0] % 16)) std::abort();
  return 0;
}
