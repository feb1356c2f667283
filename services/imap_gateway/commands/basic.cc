// The commands that need nothing: CAPABILITY, NOOP, LOGOUT, CHECK (RFC 3501, 6.1 and 6.4.1), ID (RFC 2971), ENABLE
// (RFC 5161), NAMESPACE (RFC 2342).
#include "common/telemetry/version.h"
#include "services/imap_gateway/session.h"
#include "services/imap_gateway/store_calls.h"

namespace mailmesh::imap_gateway {
namespace {

using imap::Code;
using imap::Condition;

}  // namespace

Session::Result Session::On(imap::Capability) {
  const std::vector<std::string> words = CapabilityWords();
  const std::vector<std::string_view> views(words.begin(), words.end());
  imap::AppendCapability(out_, views);
  co_return Ok("Capability completed.");
}

// RFC 3501, 6.1.2: what has changed is told by Finish().
Session::Result Session::On(imap::Noop) { co_return Ok("NOOP completed."); }

Session::Result Session::On(imap::Logout) {
  imap::AppendUntaggedStatus(out_, Condition::kBye, Code::kNone, "Logging out.");
  Ok("Logout completed.");
  imap::AppendStatus(out_, tag_, Condition::kOk, {}, "Logout completed.");
  replied_ = true;
  co_return Next::kClose;
}

Session::Result Session::On(imap::Id) {
  const std::pair<std::string_view, std::string_view> fields[] = {{"name", "Mailmesh"}};
  imap::AppendId(out_, fields);
  co_return Ok("ID completed.");
}

Session::Result Session::On(imap::Enable command) {
  std::vector<std::string_view> enabled;
  for (const std::string& name : command.capabilities) {
    // RFC 7162, 3.1. RFC 5161, 3.1: others are ignored, and "each corresponding ENABLED response SHOULD only contain extensions
    // enabled by the corresponding ENABLE command".
    if (name != "CONDSTORE" || condstore_told_) continue;
    condstore_told_ = true;
    EnableCondstore();
    enabled.push_back("CONDSTORE");
  }
  imap::AppendEnabled(out_, enabled);
  co_return Ok("Enabled.");
}

Session::Result Session::On(imap::Namespace) {
  const imap::NamespaceEntry personal[] = {{"", '/'}};
  imap::AppendNamespace(out_, personal, {}, {}, false);
  co_return Ok("Namespace completed.");
}

// RFC 3501, 6.4.1: everything that was acknowledged is durable already.
Session::Result Session::On(imap::Check) { co_return ViewIsCurrent() ? Ok("Check completed.") : Next::kGoOn; }

}  // namespace mailmesh::imap_gateway
