// SORT and THREAD (RFC 5256): what matches is found as by SEARCH; order and threads are made in the store, by UID.
#include <algorithm>

#include "common/imap/search_response.h"
#include "services/imap_gateway/fetch/whole_stream.h"
#include "services/imap_gateway/message_set.h"
#include "services/imap_gateway/session.h"
#include "services/imap_gateway/store_calls.h"

namespace mailmesh::imap_gateway {
namespace {

using imap::ThreadNode;
using mailbox::v1::SortCriterion;
using mailbox::v1::ThreadMessagesRequest;

// gRPC takes 4 MiB: ten octets a range.
constexpr size_t kMaxRanges = 300'000;

SortCriterion::Key ToKey(imap::SortCriterion::Key key) {
  switch (key) {
    case imap::SortCriterion::Key::kArrival:
      return SortCriterion::KEY_ARRIVAL;
    case imap::SortCriterion::Key::kCc:
      return SortCriterion::KEY_CC;
    case imap::SortCriterion::Key::kDate:
      return SortCriterion::KEY_DATE;
    case imap::SortCriterion::Key::kFrom:
      return SortCriterion::KEY_FROM;
    case imap::SortCriterion::Key::kSize:
      return SortCriterion::KEY_SIZE;
    case imap::SortCriterion::Key::kSubject:
      return SortCriterion::KEY_SUBJECT;
    case imap::SortCriterion::Key::kTo:
      return SortCriterion::KEY_TO;
  }
  return SortCriterion::KEY_UNSPECIFIED;
}

ThreadMessagesRequest::Algorithm ToAlgorithm(imap::Thread::Algorithm algorithm) {
  switch (algorithm) {
    case imap::Thread::Algorithm::kOrderedSubject:
      return ThreadMessagesRequest::ALGORITHM_ORDEREDSUBJECT;
    case imap::Thread::Algorithm::kReferences:
      return ThreadMessagesRequest::ALGORITHM_REFERENCES;
  }
  return ThreadMessagesRequest::ALGORITHM_UNSPECIFIED;
}

// What is to be looked at: those that the view found, and the rest of the condition. Where they are too many ranges, all
// that the client knows, and the whole of the condition.
template <class Request>
void Narrow(const SearchProgram& program, const imap::SequenceSet& found, const ClientView& client, Request& request) {
  if (found.ranges().size() > kMaxRanges) {
    request.mutable_within()->add_first(1);
    request.mutable_within()->add_last(client.known().max_uid());
    *request.mutable_key() = program.WholeForStore(client);
    return;
  }
  *request.mutable_within() = ToUidSet(found, client.known());
  if (program.for_store().has_value()) {
    *request.mutable_key() = *program.for_store();
  } else {
    request.mutable_key()->mutable_all_of();
  }
}

// From preorder with depths to nodes that point at each other.
class ForestBuilder {
 public:
  void Add(uint32_t number, uint32_t depth) {
    const auto node = static_cast<uint32_t>(nodes_.size());
    nodes_.push_back(ThreadNode{number});
    depth = std::min(depth, static_cast<uint32_t>(last_.size()));
    if (depth < last_.size()) {
      nodes_[last_[depth]].next_sibling = node;
      last_.resize(depth);
    } else if (depth > 0) {
      nodes_[last_[depth - 1]].first_child = node;
    }
    last_.push_back(node);
  }

  const std::vector<ThreadNode>& nodes() const { return nodes_; }
  uint32_t root() const { return nodes_.empty() ? ThreadNode::kNone : 0; }

 private:
  std::vector<ThreadNode> nodes_;
  // The last node at each depth.
  std::vector<uint32_t> last_;
};

}  // namespace

Session::Result Session::On(imap::Sort command) {
  if (!ViewIsCurrent()) co_return Next::kGoOn;
  const std::optional<SearchProgram> program = PrepareSearch(std::move(command.key), command.charset);
  if (!program.has_value()) co_return Next::kGoOn;
  const imap::SequenceSet found = program->MatchView(selected_->client);
  std::vector<uint32_t> sorted;
  uint64_t modseq = 0;
  if (!found.empty()) {
    mailbox::v1::SortMessagesRequest request;
    request.set_mailbox_id(selected_->id);
    for (const imap::SortCriterion& criterion : command.criteria) {
      SortCriterion* added = request.add_criteria();
      added->set_key(ToKey(criterion.key));
      added->set_reverse(criterion.reverse);
    }
    Narrow(*program, found, selected_->client, request);
    auto responses = co_await ReadWhole(store_.get(), &Methods::SortMessages, std::move(request));
    if (!responses.ok()) co_return Fail(responses.status(), "SORT");
    for (const mailbox::v1::SortMessagesResponse& response : *responses) {
      for (const uint32_t uid : response.uids()) {
        const uint32_t sequence = known().SequenceOf(uid);
        if (sequence == 0) continue;
        sorted.push_back(command.uid ? uid : sequence);
        if (program->uses_modseq()) modseq = std::max(modseq, known().At(sequence).modseq);
      }
    }
  }
  imap::AppendSort(out_, sorted, ModSeq(modseq));
  co_return Ok("Sort completed.");
}

Session::Result Session::On(imap::Thread command) {
  if (!ViewIsCurrent()) co_return Next::kGoOn;
  const std::optional<SearchProgram> program = PrepareSearch(std::move(command.key), command.charset);
  if (!program.has_value()) co_return Next::kGoOn;
  const imap::SequenceSet found = program->MatchView(selected_->client);
  ForestBuilder forest;
  if (!found.empty()) {
    ThreadMessagesRequest request;
    request.set_mailbox_id(selected_->id);
    request.set_algorithm(ToAlgorithm(command.algorithm));
    Narrow(*program, found, selected_->client, request);
    auto responses = co_await ReadWhole(store_.get(), &Methods::ThreadMessages, std::move(request));
    if (!responses.ok()) co_return Fail(responses.status(), "THREAD");
    for (const mailbox::v1::ThreadMessagesResponse& response : *responses) {
      for (int i = 0; i < response.uids_size() && i < response.depths_size(); ++i) {
        const uint32_t uid = response.uids(i);
        forest.Add(command.uid || uid == 0 ? uid : known().SequenceOf(uid), response.depths(i));
      }
    }
  }
  imap::AppendThread(out_, forest.nodes(), forest.root());
  co_return Ok("Thread completed.");
}

}  // namespace mailmesh::imap_gateway
