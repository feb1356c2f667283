// A server that sends anything: the first octet chooses the mechanism, lines are its challenges.
#include <cstdint>
#include <string>
#include <string_view>

#include "common/sasl/client_session.h"

using namespace mailmesh;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const sasl::Mechanism mechanism = sasl::kMechanisms[data[0] % sasl::kMechanisms.size()];
  auto session = sasl::ClientSession::Create(mechanism, {"alice", base::Secret("secret")}, std::string(32, 'b'));
  if (!session.ok()) return 0;
  (void)(*session)->InitialResponse();
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (int round = 0; round < 8; ++round) {
    const size_t end = rest.find('\n');
    // A real count of iterations would take the fuzzer's time; bounds on it have tests of their own.
    if (rest.find(",i=") != std::string_view::npos && rest.find(",i=4\n") == std::string_view::npos) return 0;
    if (!(*session)->Respond(rest.substr(0, end)).ok()) return 0;
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  (void)(*session)->CheckSuccess();
  return 0;
}
