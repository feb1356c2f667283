// A client that sends anything: the first octet chooses the mechanism, lines are its responses ("-": none).
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "common/sasl/server_session.h"

using namespace mailmesh;

namespace {

class Backend final : public sasl::ServerBackend {
 public:
  absl::StatusOr<std::optional<sasl::Credentials>> Find(std::string_view name) override {
    if (name != "alice") return std::optional<sasl::Credentials>();
    sasl::Credentials credentials;
    credentials.account_id = "1";
    credentials.scram_sha256 = sasl::DecoyScramKeys(sasl::ScramHash::kSha256, base::Secret("keys"), "alice", 4096);
    credentials.scram_sha1 = sasl::DecoyScramKeys(sasl::ScramHash::kSha1, base::Secret("keys"), "alice", 4096);
    return std::optional<sasl::Credentials>(std::move(credentials));
  }
  bool KnowsPassword(const sasl::Credentials&, const base::Secret&) override { return false; }
  absl::StatusOr<bool> CheckPassword(const std::optional<sasl::Credentials>& credentials, const base::Secret& password) override {
    return credentials.has_value() && password.Reveal() == "secret";
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const sasl::ServerSasl* const library = new sasl::ServerSasl({base::Secret("decoy"), 4096});
  if (size == 0) return 0;
  Backend backend;
  const sasl::Mechanism mechanism = sasl::kMechanisms[data[0] % sasl::kMechanisms.size()];
  auto session = library->NewSession(mechanism, {std::string(32, 'b'), "alice"}, &backend);
  if (!session.ok()) std::abort();
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (int round = 0; round < 8; ++round) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    auto step = (*session)->Step(line == "-" ? std::nullopt : std::optional<std::string_view>(line));
    if (step.ok() && std::holds_alternative<sasl::ServerHash>(*step)) step = (*session)->HashPassword();
    (void)(*session)->name();
    if (!step.ok()) {
      // A client's doing is never a fault of ours.
      if (!absl::IsUnauthenticated(step.status()) && !absl::IsInvalidArgument(step.status())) std::abort();
      return 0;
    }
    if (auto* success = std::get_if<sasl::ServerSuccess>(&*step)) {
      if (success->account_id != "1") std::abort();
      return 0;
    }
    if (end == std::string_view::npos) return 0;
    rest.remove_prefix(end + 1);
  }
  return 0;
}
