// THREAD's two algorithms, over what they need to know of each message: no store, no I/O.
//
// Texts come as 64-bit hashes, for only their equality counts. The parent of a message is found in two passes rather than
// one, first by the last reference of each message, then by the order of the references within each: so no link is ever
// taken back, a loop is found by union-find, and time is linear but for one sort, whatever the references say. Only where
// messages contradict each other in a circle can this choose another link of the circle than RFC 5256, 3 (1) would.
// Thread-safety: one thread. RFC 5256, 3 (ORDEREDSUBJECT, REFERENCES).
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_THREAD_FOREST_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_THREAD_FOREST_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace mailmesh::mailbox_store {

struct ThreadedMessage {
  uint32_t uid = 0;
  int64_t sent_seconds = 0;
  // Of the base subject; 0: it is empty.
  uint64_t subject = 0;
  bool is_reply = false;
};

// One message of a forest in preorder. UID 0: a message that is not there.
struct ThreadLine {
  uint32_t uid = 0;
  uint32_t depth = 0;
  bool operator==(const ThreadLine&) const = default;
};

std::vector<ThreadLine> ThreadBySubject(std::span<const ThreadedMessage> messages);

class ReferenceThreader {
 public:
  // In mailbox order. `id`: 0 if it has none. `references`: the oldest first.
  void Add(const ThreadedMessage& message, uint64_t id, std::span<const uint64_t> references);
  std::vector<ThreadLine> Finish() &&;

 private:
  // An index into messages_, or beyond them into the dummies.
  using Node = uint32_t;
  static constexpr Node kNone = UINT32_MAX;

  struct Entry {
    Node parent = kNone;
    // Union-find: leads to the top of the tree that the node is in.
    Node toward_top = kNone;
    // Index into messages_; kNone: a dummy.
    uint32_t message = kNone;
  };

  Node NewNode(uint32_t message);
  Node NodeOf(uint64_t id);
  Node Top(Node node);
  bool Link(Node parent, Node child);
  void LinkAll();
  void DropDummies();
  void GatherBySubject();
  bool IsDummy(Node node) const { return nodes_[node].message == kNone; }
  bool Before(Node a, Node b) const;
  // Of a dummy: its first child.
  Node Speaker(Node root) const { return IsDummy(root) ? first_[root] : root; }
  void FindFirstChildren();
  void SortRoots();
  void Merge(Node root, Node* found, std::vector<Node>* added);
  std::vector<ThreadLine> Write();

  std::vector<ThreadedMessage> messages_;
  std::vector<Node> message_nodes_;
  std::vector<Entry> nodes_;
  absl::flat_hash_map<uint64_t, Node> by_id_;
  // References of message i: references_[starts_[i]] to references_[starts_[i + 1]].
  std::vector<Node> references_;
  std::vector<uint32_t> starts_;
  std::vector<Node> roots_;
  std::vector<Node> first_;
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_THREAD_FOREST_H_
