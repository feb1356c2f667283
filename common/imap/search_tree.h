// Builds the simplified tree of a search condition from its keys in prefix order, without recursion. Internal.
#ifndef MAILMESH_COMMON_IMAP_SEARCH_TREE_H_
#define MAILMESH_COMMON_IMAP_SEARCH_TREE_H_

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "common/imap/search_key.h"

namespace mailmesh::imap::internal {

// A tree and its depth; leaves have depth 1.
struct SearchNode {
  SearchKey key;
  size_t depth = 1;
};

// An inner node whose children are still coming.
class SearchFrame {
 public:
  // `missing`: how many operands it waits for; 0: a list, which its parenthesis ends.
  SearchFrame(SearchKey::Kind kind, size_t missing) : missing_(missing) { key_.kind = kind; }

  SearchKey::Kind kind() const { return key_.kind; }
  bool is_list() const { return key_.kind == SearchKey::Kind::kAnd; }
  bool complete() const { return missing_ == 0; }
  // Another OR as operand of this one: one operand is replaced by two. "OR a OR b c" needs no frame for the inner.
  void Widen() { ++missing_; }

  // AND within AND and OR within OR become one.
  void Add(SearchNode child) {
    if (missing_ > 0) --missing_;
    if (child.key.kind != key_.kind || key_.kind == SearchKey::Kind::kNot) {
      depth_ = std::max(depth_, child.depth);
      key_.children.push_back(std::move(child.key));
      return;
    }
    depth_ = std::max(depth_, child.depth - 1);
    if (key_.children.empty()) {
      key_.children = std::move(child.key.children);
      return;
    }
    for (SearchKey& grandchild : child.key.children) key_.children.push_back(std::move(grandchild));
  }

  // An AND of one key is that key; NOT NOT is nothing. The frame is used up.
  SearchNode Finish() {
    if (is_list() && key_.children.size() == 1) return {Only(key_), depth_};
    if (key_.kind == SearchKey::Kind::kNot && key_.children.front().kind == SearchKey::Kind::kNot) {
      SearchKey inner = Only(key_);
      return {Only(inner), depth_ - 1};
    }
    return {std::move(key_), depth_ + 1};
  }

 private:
  static SearchKey Only(SearchKey& parent) {
    SearchKey child = std::move(parent.children.front());
    return child;
  }

  SearchKey key_;
  size_t missing_;
  size_t depth_ = 0;  // of the deepest child
};

}  // namespace mailmesh::imap::internal

#endif  // MAILMESH_COMMON_IMAP_SEARCH_TREE_H_
