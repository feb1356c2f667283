#include "services/fetcher/maildrop.h"

#include <algorithm>
#include <numeric>

namespace mailmesh::fetcher {

void Maildrop::Add(pop3::MessageNumber number, std::string_view unique_id) {
  Message message;
  message.number = number;
  message.id_offset = ids_.size();
  message.id_size = unique_id.size();
  ids_.append(unique_id);
  messages_.push_back(message);
}

void Maildrop::Seal() {
  // Listings are in the order of numbers (RFC 1939, 5), but nobody makes a server keep to it. What comes twice counts once.
  const auto less = [](const Message& a, const Message& b) { return a.number < b.number; };
  if (!std::is_sorted(messages_.begin(), messages_.end(), less)) std::stable_sort(messages_.begin(), messages_.end(), less);
  const auto same = [](const Message& a, const Message& b) { return a.number == b.number; };
  messages_.erase(std::unique(messages_.begin(), messages_.end(), same), messages_.end());
  messages_.shrink_to_fit();
  ids_.shrink_to_fit();
  by_id_.resize(messages_.size());
  std::iota(by_id_.begin(), by_id_.end(), 0u);
  std::sort(by_id_.begin(), by_id_.end(), [this](uint32_t a, uint32_t b) { return unique_id(a) < unique_id(b); });
}

void Maildrop::SetSize(pop3::MessageNumber number, uint64_t size_bytes) {
  const auto place =
      std::lower_bound(messages_.begin(), messages_.end(), number, [](const Message& m, pop3::MessageNumber n) { return m.number < n; });
  if (place != messages_.end() && place->number == number) place->size_bytes = size_bytes;
}

bool Maildrop::MarkSeen(std::string_view id) {
  auto place = std::lower_bound(by_id_.begin(), by_id_.end(), id, [this](uint32_t i, std::string_view wanted) { return unique_id(i) < wanted; });
  bool found = false;
  for (; place != by_id_.end() && unique_id(*place) == id; ++place) {
    found = true;
    if (messages_[*place].seen) continue;
    messages_[*place].seen = 1;
    ++seen_count_;
  }
  return found;
}

}  // namespace mailmesh::fetcher
