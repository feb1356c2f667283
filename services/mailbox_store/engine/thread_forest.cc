#include "services/mailbox_store/engine/thread_forest.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace mailmesh::mailbox_store {
namespace {

// RFC 5256, 2.2: by sent date, then as in the mailbox.
std::vector<uint32_t> ByDate(std::span<const ThreadedMessage> messages) {
  std::vector<std::pair<int64_t, uint32_t>> keys(messages.size());
  for (uint32_t i = 0; i < keys.size(); ++i) keys[i] = {messages[i].sent_seconds, i};
  std::sort(keys.begin(), keys.end());
  std::vector<uint32_t> order(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) order[i] = keys[i].second;
  return order;
}

}  // namespace

std::vector<ThreadLine> ThreadBySubject(std::span<const ThreadedMessage> messages) {
  // Threads are found in the order of their first message's date.
  absl::flat_hash_map<uint64_t, uint32_t> threads;
  std::vector<uint32_t> thread_of(messages.size());
  std::vector<uint32_t> sizes;
  const std::vector<uint32_t> order = ByDate(messages);
  for (const uint32_t index : order) {
    const auto [it, added] = threads.try_emplace(messages[index].subject, static_cast<uint32_t>(sizes.size()));
    if (added) sizes.push_back(0);
    thread_of[index] = it->second;
    ++sizes[it->second];
  }
  std::vector<uint32_t> next(sizes.size());
  std::exclusive_scan(sizes.begin(), sizes.end(), next.begin(), 0u);
  const std::vector<uint32_t> starts = next;
  std::vector<ThreadLine> lines(messages.size());
  for (const uint32_t index : order) {
    const uint32_t thread = thread_of[index];
    const uint32_t at = next[thread]++;
    lines[at] = ThreadLine{messages[index].uid, at == starts[thread] ? 0u : 1u};
  }
  return lines;
}

ReferenceThreader::Node ReferenceThreader::NewNode(uint32_t message) {
  const Node node = static_cast<Node>(nodes_.size());
  nodes_.push_back(Entry{kNone, node, message});
  return node;
}

ReferenceThreader::Node ReferenceThreader::NodeOf(uint64_t id) {
  const auto [it, added] = by_id_.try_emplace(id, static_cast<Node>(nodes_.size()));
  if (added) NewNode(kNone);
  return it->second;
}

void ReferenceThreader::Add(const ThreadedMessage& message, uint64_t id, std::span<const uint64_t> references) {
  const auto index = static_cast<uint32_t>(messages_.size());
  messages_.push_back(message);
  // RFC 5256, 3 (1)(A): of several messages with one id, the first has it.
  Node node = id == 0 ? NewNode(index) : NodeOf(id);
  if (IsDummy(node)) nodes_[node].message = index;
  if (nodes_[node].message != index) node = NewNode(index);
  message_nodes_.push_back(node);
  starts_.push_back(static_cast<uint32_t>(references_.size()));
  for (const uint64_t reference : references) references_.push_back(NodeOf(reference));
}

ReferenceThreader::Node ReferenceThreader::Top(Node node) {
  while (nodes_[node].toward_top != node) {
    nodes_[node].toward_top = nodes_[nodes_[node].toward_top].toward_top;
    node = nodes_[node].toward_top;
  }
  return node;
}

// `child` is the top of its tree. False: it would be its own ancestor.
bool ReferenceThreader::Link(Node parent, Node child) {
  const Node top = Top(parent);
  if (top == child) return false;
  nodes_[child].parent = parent;
  nodes_[child].toward_top = top;
  return true;
}

// RFC 5256, 3 (1).
void ReferenceThreader::LinkAll() {
  starts_.push_back(static_cast<uint32_t>(references_.size()));
  // (B): the last reference is the parent, whatever others say.
  for (size_t i = 0; i < messages_.size(); ++i) {
    if (starts_[i] < starts_[i + 1]) Link(references_[starts_[i + 1] - 1], message_nodes_[i]);
  }
  // (A): each reference is the parent of the next, if that has none. A message without references loses what earlier
  // messages said of it, (B), so that only later ones count.
  for (uint32_t i = 0; i < messages_.size(); ++i) {
    for (uint32_t at = starts_[i]; at + 1 < starts_[i + 1]; ++at) {
      const Node child = references_[at + 1];
      if (nodes_[child].parent != kNone) continue;
      if (!IsDummy(child) && nodes_[child].message >= i) continue;
      Link(references_[at], child);
    }
  }
}

// RFC 5256, 3 (2) and (3). Afterwards parents are messages, or dummies that have no parent and several children.
void ReferenceThreader::DropDummies() {
  // The nearest ancestor that stays, or the top, even if that is a dummy.
  for (const Node node : message_nodes_) {
    Node parent = nodes_[node].parent;
    while (parent != kNone && IsDummy(parent) && nodes_[parent].parent != kNone) {
      const Node grandparent = nodes_[parent].parent;
      // Shortens the way for those who come after.
      if (IsDummy(grandparent) && nodes_[grandparent].parent != kNone) {
        nodes_[parent].parent = nodes_[grandparent].parent;
      }
      parent = grandparent;
    }
    nodes_[node].parent = parent;
  }
  std::vector<uint32_t> children(nodes_.size());
  for (const Node node : message_nodes_) {
    if (nodes_[node].parent != kNone) ++children[nodes_[node].parent];
  }
  for (const Node node : message_nodes_) {
    Node& parent = nodes_[node].parent;
    if (parent != kNone && IsDummy(parent) && children[parent] == 1) parent = kNone;
    if (parent == kNone) roots_.push_back(node);
  }
  for (Node node = 0; node < nodes_.size(); ++node) {
    if (IsDummy(node) && children[node] > 1) roots_.push_back(node);
  }
}

bool ReferenceThreader::Before(Node a, Node b) const {
  const uint32_t x = nodes_[a].message;
  const uint32_t y = nodes_[b].message;
  return std::pair(messages_[x].sent_seconds, x) < std::pair(messages_[y].sent_seconds, y);
}

void ReferenceThreader::FindFirstChildren() {
  first_.assign(nodes_.size(), kNone);
  for (const Node node : message_nodes_) {
    const Node parent = nodes_[node].parent;
    if (parent == kNone) continue;
    if (first_[parent] == kNone || Before(node, first_[parent])) first_[parent] = node;
  }
}

// RFC 5256, 3 (4) and the last of (6).
void ReferenceThreader::SortRoots() {
  FindFirstChildren();
  std::sort(roots_.begin(), roots_.end(), [this](Node a, Node b) { return Before(Speaker(a), Speaker(b)); });
}

// RFC 5256, 3 (5)(C). `found`: the root that the subject's table has.
void ReferenceThreader::Merge(Node root, Node* found, std::vector<Node>* added) {
  const auto reply = [this](Node node) { return messages_[nodes_[node].message].is_reply; };
  if (IsDummy(*found)) {
    // Of a dummy: its children are moved when all is merged, by its parent.
    nodes_[root].parent = *found;
    return;
  }
  if (!IsDummy(root) && reply(root) && !reply(*found)) {
    nodes_[root].parent = *found;
    return;
  }
  const Node dummy = NewNode(kNone);
  nodes_[root].parent = dummy;
  nodes_[*found].parent = dummy;
  added->push_back(dummy);
  *found = dummy;
}

// RFC 5256, 3 (5).
void ReferenceThreader::GatherBySubject() {
  const auto message_of = [this](Node root) -> const ThreadedMessage& {
    return messages_[nodes_[Speaker(root)].message];
  };
  absl::flat_hash_map<uint64_t, Node> table;
  for (const Node root : roots_) {
    const uint64_t subject = message_of(root).subject;
    if (subject == 0) continue;
    const auto [it, is_new] = table.try_emplace(subject, root);
    if (is_new || IsDummy(it->second)) continue;
    if (IsDummy(root) || (message_of(it->second).is_reply && !message_of(root).is_reply)) it->second = root;
  }
  std::vector<Node> added;
  for (const Node root : roots_) {
    const uint64_t subject = message_of(root).subject;
    if (subject == 0) continue;
    Node& found = table[subject];
    if (found != root && nodes_[root].parent == kNone) Merge(root, &found, &added);
  }
  for (const Node node : message_nodes_) {
    // "Append the current message's children to the children of the message in the table."
    Node& parent = nodes_[node].parent;
    if (parent != kNone && IsDummy(parent) && nodes_[parent].parent != kNone) parent = nodes_[parent].parent;
  }
  roots_.insert(roots_.end(), added.begin(), added.end());
  std::erase_if(roots_, [this](Node root) { return nodes_[root].parent != kNone; });
}

// RFC 5256, 3 (6): siblings come in the order of their dates because all messages are hung up in that order.
std::vector<ThreadLine> ReferenceThreader::Write() {
  SortRoots();
  std::vector<Node> first(nodes_.size(), kNone);
  std::vector<Node> next(nodes_.size(), kNone);
  const std::vector<uint32_t> order = ByDate(messages_);
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    const Node node = message_nodes_[*it];
    const Node parent = nodes_[node].parent;
    if (parent == kNone) continue;
    next[node] = first[parent];
    first[parent] = node;
  }
  std::vector<ThreadLine> lines;
  lines.reserve(messages_.size());
  std::vector<std::pair<Node, uint32_t>> stack;
  for (const Node root : roots_) {
    stack.emplace_back(root, 0);
    while (!stack.empty()) {
      const auto [node, depth] = stack.back();
      stack.pop_back();
      lines.push_back(ThreadLine{IsDummy(node) ? 0 : messages_[nodes_[node].message].uid, depth});
      if (next[node] != kNone) stack.emplace_back(next[node], depth);
      if (first[node] != kNone) stack.emplace_back(first[node], depth + 1);
    }
  }
  return lines;
}

std::vector<ThreadLine> ReferenceThreader::Finish() && {
  LinkAll();
  DropDummies();
  SortRoots();
  GatherBySubject();
  return Write();
}

}  // namespace mailmesh::mailbox_store
