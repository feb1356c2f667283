// What SORT compares: the keys of each message by each criterion, gathered once and then sorted in memory.
//
// A number is one 64-bit key; a text is its first eight octets as one, and the rest of it where those do not decide.
// Thread-safety: one thread. Memory: 20 octets a message, 16 more and the text (at most kMaxSortText octets) for each criterion.
// RFC 5256, 3 (SORT); RFC 5051 (texts).
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_SORT_KEYS_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_SORT_KEYS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "mailmesh/mailbox/v1/mailbox_service.pb.h"
#include "services/mailbox_store/engine/stored_message.h"

namespace mailmesh::mailbox_store {

// Texts that agree in this many octets are equal.
inline constexpr size_t kMaxSortText = 256;

class SortKeys {
 public:
  using Criteria = google::protobuf::RepeatedPtrField<mailbox::v1::SortCriterion>;

  // InvalidArgument: an unknown criterion. ResourceExhausted/LIMIT: too many.
  static absl::Status Check(const Criteria& criteria);
  explicit SortKeys(const Criteria& criteria);

  absl::Status Add(StoredMessage& message);
  // UIDs; messages that are equal stay in the order in which they came. The keys are used up.
  std::vector<uint32_t> Sort() &&;

 private:
  struct Column {
    mailbox::v1::SortCriterion::Key key;
    bool reverse;
    // Ordered so that smaller comes first, also in reverse.
    std::vector<uint64_t> numbers;
    // Of text: where each begins in `texts`; one more at the end.
    std::vector<size_t> starts;
    std::string texts;

    bool is_text() const;
    void AddNumber(uint64_t number) { numbers.push_back(reverse ? ~number : number); }
    void AddText(std::string_view text);
    std::string_view TextAt(uint32_t index) const;
    // Negative: a before b.
    int Compare(uint32_t a, uint32_t b) const;
  };

  absl::Status AddTo(Column& column, StoredMessage& message);

  std::vector<uint32_t> uids_;
  std::vector<Column> columns_;
  std::string scratch_;
};

// RFC 5256, 2.2: the Date field in UTC, or the internal date.
absl::StatusOr<int64_t> SentSeconds(StoredMessage& message);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_SORT_KEYS_H_
