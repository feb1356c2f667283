#include "services/imap_gateway/list_selection.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "common/imap/mailbox_name.h"

namespace mailmesh::imap_gateway {
namespace {

using imap::ListPattern;
using mailbox::v1::Mailbox;

bool Exists(const Mailbox& mailbox) { return !mailbox.mailbox_id().empty(); }

std::vector<ListPattern> Patterns(const imap::List& command) {
  std::vector<ListPattern> patterns;
  for (const std::string& pattern : command.patterns) patterns.emplace_back(command.reference, pattern);
  return patterns;
}

bool MatchesAny(const std::vector<ListPattern>& patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(), [name](const ListPattern& p) { return p.Matches(name); });
}

imap::ListAttributes Attributes(const Mailbox& mailbox, const imap::List& command) {
  imap::ListAttributes attributes = mailbox.has_children() ? imap::kHasChildren : imap::kHasNoChildren;
  if (!Exists(mailbox)) {
    // RFC 5258, 3.4: a client that speaks LIST-EXTENDED knows \NonExistent, which says \NoSelect too.
    attributes |= command.extended && !mailbox.no_select() ? imap::kNonExistentMailbox : imap::kNoSelect;
  } else if (mailbox.no_select()) {
    attributes |= imap::kNoSelect;
  }
  if (mailbox.subscribed() && (command.select.subscribed || command.returns.subscribed)) attributes |= imap::kSubscribed;
  if (!mailbox.special_use().empty()) {
    attributes |= imap::SpecialUseByName("\\" + mailbox.special_use()).value_or(0);
  }
  return attributes;
}

bool Selected(const Mailbox& mailbox, const imap::List& command) {
  if (command.select.subscribed && !mailbox.subscribed()) return false;
  if (command.select.special_use && mailbox.special_use().empty()) return false;
  // Names that are only subscribed to are there for that selection alone.
  return command.select.subscribed || Exists(mailbox) || mailbox.no_select();
}

// The levels above a name, the nearest first: "a/b/c" -> "a/b", "a".
template <class F>
void ForEachParent(std::string_view name, F f) {
  for (size_t end = name.rfind(imap::kHierarchySeparator); end != std::string_view::npos;
       end = name.rfind(imap::kHierarchySeparator, end - 1)) {
    f(name.substr(0, end));
    if (end == 0) break;
  }
}

// RFC 3501, 6.3.8: an empty pattern asks for the separator and the root of the reference.
ListedName Root(std::string_view reference) {
  ListedName root;
  if (!reference.empty() && reference.back() == imap::kHierarchySeparator) root.name = reference;
  root.attributes = imap::kNoSelect;
  return root;
}

}  // namespace

std::vector<ListedName> SelectForList(const imap::List& command, const std::vector<Mailbox>& mailboxes) {
  if (!command.extended && command.patterns.size() == 1 && command.patterns.front().empty()) {
    return {Root(command.reference)};
  }
  const std::vector<ListPattern> patterns = Patterns(command);
  // RFC 5258, 3.5: parents with a subscribed child that the selection itself does not show.
  std::set<std::string, std::less<>> with_subscribed_child;
  if (command.select.recursive_match) {
    for (const Mailbox& mailbox : mailboxes) {
      if (!mailbox.subscribed()) continue;
      ForEachParent(mailbox.name(), [&](std::string_view parent) { with_subscribed_child.emplace(parent); });
    }
  }
  std::vector<ListedName> listed;
  for (const Mailbox& mailbox : mailboxes) {
    const bool child = with_subscribed_child.contains(mailbox.name());
    if (!Selected(mailbox, command) && !child) continue;
    if (!MatchesAny(patterns, mailbox.name())) continue;
    ListedName entry;
    entry.name = mailbox.name();
    entry.attributes = Attributes(mailbox, command);
    entry.child_subscribed = child;
    entry.selectable = Exists(mailbox) && !mailbox.no_select();
    listed.push_back(std::move(entry));
  }
  return listed;
}

std::vector<ListedName> SelectForLsub(const imap::Lsub& command, const std::vector<Mailbox>& mailboxes) {
  const ListPattern pattern(command.reference, command.pattern);
  if (command.pattern.empty()) return {Root(command.reference)};
  std::map<std::string, imap::ListAttributes, std::less<>> names;
  for (const Mailbox& mailbox : mailboxes) {
    if (!mailbox.subscribed()) continue;
    if (pattern.Matches(mailbox.name())) {
      names[mailbox.name()] = mailbox.no_select() ? imap::kNoSelect : 0;
      continue;
    }
    // RFC 3501, 6.3.9: "foo/bar" subscribed and "%" asked: "foo" is answered, with \Noselect.
    ForEachParent(mailbox.name(), [&](std::string_view parent) {
      if (pattern.Matches(parent)) names.try_emplace(std::string(parent), imap::kNoSelect);
    });
  }
  std::vector<ListedName> listed;
  for (const auto& [name, attributes] : names) {
    ListedName entry;
    entry.name = name;
    entry.attributes = attributes;
    listed.push_back(std::move(entry));
  }
  return listed;
}

}  // namespace mailmesh::imap_gateway
