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
  for (const std::string& pattern : command.patterns) {
    // RFC 5258, 3: "the empty string MUST be ignored for the purpose of matching".
    if (!pattern.empty()) patterns.emplace_back(command.reference, pattern);
  }
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

// RFC 5258, 3.5: a name above some that the selection itself shows.
struct Parent {
  // One of them the patterns do not show: only then is a parent that is not selected itself worth an answer.
  bool child_not_listed = false;
};
using Parents = std::map<std::string, Parent, std::less<>>;

Parents FindParents(const imap::List& command, const std::vector<Mailbox>& mailboxes,
                    const std::vector<ListPattern>& patterns) {
  Parents parents;
  for (const Mailbox& mailbox : mailboxes) {
    if (!Selected(mailbox, command)) continue;
    const bool listed = MatchesAny(patterns, mailbox.name());
    ForEachParent(mailbox.name(), [&](std::string_view name) {
      Parent& parent = parents.try_emplace(std::string(name)).first->second;
      parent.child_not_listed = parent.child_not_listed || !listed;
    });
  }
  return parents;
}

// RFC 5258, 3.5, the table: parents that do not exist.
void AddMissingParents(const Parents& parents, const std::vector<Mailbox>& mailboxes,
                       const std::vector<ListPattern>& patterns, std::vector<ListedName>& listed) {
  if (parents.empty()) return;
  std::set<std::string_view> names;
  for (const Mailbox& mailbox : mailboxes) names.insert(mailbox.name());
  for (const auto& [name, parent] : parents) {
    if (names.contains(name) || !parent.child_not_listed || !MatchesAny(patterns, name)) continue;
    ListedName entry;
    entry.name = name;
    entry.attributes = imap::kNonExistentMailbox;
    entry.child_subscribed = true;
    listed.push_back(std::move(entry));
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
  const Parents parents = command.select.recursive_match ? FindParents(command, mailboxes, patterns) : Parents();
  std::vector<ListedName> listed;
  for (const Mailbox& mailbox : mailboxes) {
    const auto parent = parents.find(mailbox.name());
    if (!Selected(mailbox, command) && (parent == parents.end() || !parent->second.child_not_listed)) continue;
    if (!MatchesAny(patterns, mailbox.name())) continue;
    ListedName entry;
    entry.name = mailbox.name();
    entry.attributes = Attributes(mailbox, command);
    entry.child_subscribed = parent != parents.end();
    entry.selectable = Exists(mailbox) && !mailbox.no_select();
    listed.push_back(std::move(entry));
  }
  AddMissingParents(parents, mailboxes, patterns, listed);
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
