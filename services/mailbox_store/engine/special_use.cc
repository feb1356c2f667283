#include "services/mailbox_store/engine/special_use.h"

#include <algorithm>

#include "common/base/status.h"
#include "common/text/ascii.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/mailbox_tree.h"

namespace mailmesh::mailbox_store {

absl::StatusOr<std::string_view> ClaimSpecialUse(Txn& txn, std::string_view name, std::string_view use) {
  if (use.empty()) return std::string_view();
  const auto known = std::find_if(std::begin(kSpecialUses), std::end(kSpecialUses),
                                  [use](std::string_view one) { return text::EqualsIgnoreAsciiCase(one, use); });
  if (known == std::end(kSpecialUses)) return BadSpecialUse("not known");
  if (name == kInboxName) return BadSpecialUse("INBOX has none");
  // RFC 6154, 3: "If the server cannot create a mailbox with the designated special use defined ... because it only allows one mailbox
  // to have it, the server MUST NOT create the mailbox".
  const std::string prefix = keys::Account(txn.number());
  ASSIGN_OR_RETURN(const auto names, txn.ScanNames(prefix, kv::PrefixEnd(prefix)));
  for (const auto& [other, record] : names) {
    if (record.special_use() == *known) return BadSpecialUse("another mailbox has it");
  }
  return *known;
}

}  // namespace mailmesh::mailbox_store
