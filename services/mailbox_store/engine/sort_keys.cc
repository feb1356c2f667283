#include "services/mailbox_store/engine/sort_keys.h"

#include <algorithm>
#include <utility>

#include "common/base/status.h"
#include "common/imap/envelope.h"
#include "common/mime/base_subject.h"
#include "common/text/collation.h"
#include "services/mailbox_store/engine/errors.h"

namespace mailmesh::mailbox_store {
namespace {

using mailbox::v1::SortCriterion;

constexpr int kMaxCriteria = 50;

// So that the order of unsigned numbers is that of signed ones.
uint64_t Biased(int64_t number) { return static_cast<uint64_t>(number) ^ (uint64_t{1} << 63); }

uint64_t FirstOctets(std::string_view text) {
  uint64_t number = 0;
  for (size_t i = 0; i < sizeof(number); ++i) number = number << 8 | (i < text.size() ? static_cast<uint8_t>(text[i]) : 0);
  return number;
}

imap::EnvelopeList ListOf(SortCriterion::Key key) {
  switch (key) {
    case SortCriterion::KEY_CC:
      return imap::EnvelopeList::kCc;
    case SortCriterion::KEY_TO:
      return imap::EnvelopeList::kTo;
    default:
      return imap::EnvelopeList::kFrom;
  }
}

}  // namespace

absl::StatusOr<int64_t> SentSeconds(StoredMessage& message) {
  ASSIGN_OR_RETURN(const SearchRecord* record, message.Search());
  if (record->has_date) return record->sent_seconds;
  ASSIGN_OR_RETURN(const EntryRecord* entry, message.Entry());
  return entry->internal_seconds;
}

bool SortKeys::Column::is_text() const {
  return key == SortCriterion::KEY_CC || key == SortCriterion::KEY_FROM || key == SortCriterion::KEY_TO ||
         key == SortCriterion::KEY_SUBJECT;
}

void SortKeys::Column::AddText(std::string_view text) {
  starts.push_back(texts.size());
  const size_t start = texts.size();
  text::AppendCollationKey(text.substr(0, kMaxSortText), &texts);
  AddNumber(FirstOctets(std::string_view(texts).substr(start)));
}

std::string_view SortKeys::Column::TextAt(uint32_t index) const {
  const size_t end = index + 1 < starts.size() ? starts[index + 1] : texts.size();
  return std::string_view(texts).substr(starts[index], end - starts[index]);
}

int SortKeys::Column::Compare(uint32_t a, uint32_t b) const {
  if (numbers[a] != numbers[b]) return numbers[a] < numbers[b] ? -1 : 1;
  if (!is_text()) return 0;
  const int order = TextAt(a).compare(TextAt(b));
  return reverse ? -order : order;
}

absl::Status SortKeys::Check(const Criteria& criteria) {
  if (criteria.size() > kMaxCriteria) return LimitReached("sort criteria");
  for (const SortCriterion& criterion : criteria) {
    if (criterion.key() == SortCriterion::KEY_UNSPECIFIED || !SortCriterion::Key_IsValid(criterion.key())) {
      return InvalidRequest("sort criterion");
    }
  }
  return absl::OkStatus();
}

SortKeys::SortKeys(const Criteria& criteria) {
  for (const SortCriterion& criterion : criteria) {
    // A criterion that stands before decides nothing any more.
    const auto same = [&](const Column& column) { return column.key == criterion.key(); };
    if (std::any_of(columns_.begin(), columns_.end(), same)) continue;
    columns_.push_back(Column{criterion.key(), criterion.reverse(), {}, {}, {}});
  }
}

absl::Status SortKeys::Add(StoredMessage& message) {
  uids_.push_back(message.uid());
  for (Column& column : columns_) RETURN_IF_ERROR(AddTo(column, message));
  return absl::OkStatus();
}

absl::Status SortKeys::AddTo(Column& column, StoredMessage& message) {
  switch (column.key) {
    case SortCriterion::KEY_ARRIVAL: {
      ASSIGN_OR_RETURN(const EntryRecord* entry, message.Entry());
      column.AddNumber(Biased(entry->internal_seconds));
      return absl::OkStatus();
    }
    case SortCriterion::KEY_DATE: {
      ASSIGN_OR_RETURN(const int64_t sent, SentSeconds(message));
      column.AddNumber(Biased(sent));
      return absl::OkStatus();
    }
    case SortCriterion::KEY_SIZE:
      column.AddNumber(message.record().size);
      return absl::OkStatus();
    case SortCriterion::KEY_SUBJECT: {
      ASSIGN_OR_RETURN(const SearchRecord* record, message.Search());
      column.AddText(mime::ExtractBaseSubject(record->First(kSubject)).text);
      return absl::OkStatus();
    }
    default: {
      ASSIGN_OR_RETURN(const std::string_view envelope, message.Envelope());
      if (!imap::FirstMailbox(envelope, ListOf(column.key), &scratch_)) return Damaged("envelope");
      column.AddText(scratch_);
      return absl::OkStatus();
    }
  }
}

std::vector<uint32_t> SortKeys::Sort() && {
  if (columns_.empty()) return std::move(uids_);
  std::vector<std::pair<uint64_t, uint32_t>> order(uids_.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = {columns_.front().numbers[i], i};
  const bool decided = columns_.size() == 1 && !columns_.front().is_text();
  std::sort(order.begin(), order.end(), [this, decided](const auto& a, const auto& b) {
    if (a.first != b.first || decided) return a < b;
    for (const Column& column : columns_) {
      if (const int by_column = column.Compare(a.second, b.second); by_column != 0) return by_column < 0;
    }
    return a.second < b.second;
  });
  std::vector<uint32_t> sorted(order.size());
  for (size_t i = 0; i < order.size(); ++i) sorted[i] = uids_[order[i].second];
  return sorted;
}

}  // namespace mailmesh::mailbox_store
