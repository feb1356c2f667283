#include "services/imap_gateway/client_view.h"

#include <algorithm>

#include "common/imap/fetch_response.h"
#include "common/imap/response.h"
#include "services/imap_gateway/flags.h"

namespace mailmesh::imap_gateway {

uint64_t OwnStore::Apply(uint64_t flags) const {
  switch (mode) {
    case imap::Store::Mode::kReplace:
      return bits;
    case imap::Store::Mode::kAdd:
      return flags | bits;
    case imap::Store::Mode::kRemove:
      return flags & ~bits;
  }
  return flags;
}

void ClientView::AddRecent(uint32_t first, uint32_t last) {
  if (!recent_.empty() && recent_.back().second >= first) {
    recent_.back().second = std::max(recent_.back().second, last);
  } else {
    recent_.emplace_back(first, last);
  }
}

bool ClientView::IsRecent(uint32_t uid) const {
  const auto after = std::upper_bound(recent_.begin(), recent_.end(), std::make_pair(uid, UINT32_MAX));
  return after != recent_.begin() && std::prev(after)->second >= uid;
}

uint32_t ClientView::CountRecent() const {
  uint32_t count = 0;
  for (const auto& [first, last] : recent_) count += known_->CountWithin(first, last);
  return count;
}

ClientView::Told ClientView::Begin(VersionPtr newest, const Options& options) {
  options_ = options;
  const VersionPtr before = known_;
  diff_ = Compare(*before, *newest, options.with_modseq);
  seen_ = newest;
  holding_expunged_ = false;
  if (diff_.expunged.empty() || options.may_expunge) {
    known_ = std::move(newest);
  } else {
    known_ = KeepExpunged(*before, *newest, diff_.expunged);
    holding_expunged_ = true;
    diff_ = Compare(*before, *known_, options.with_modseq);
  }
  if (options.silent != nullptr) {
    std::erase_if(diff_.flags_changed, [&](uint32_t sequence) {
      const Message now = known_->At(sequence);
      if (!options.silent->uids.Contains(now.uid)) return false;
      const Message was = before->At(before->SequenceOf(now.uid));
      return options.silent->Apply(was.flags) == now.flags;
    });
  }
  // RFC 7162, 3.1.3: a CONDSTORE-aware client is told the new MODSEQ even of what it changed silently; see commands/store.
  expunges_written_ = 0;
  flags_written_ = 0;
  numbers_written_ = diff_.empty() && known_->keywords().size() == keywords_told_;
  return Told{static_cast<uint32_t>(diff_.expunged.size()), diff_.added,
              static_cast<uint32_t>(diff_.flags_changed.size())};
}

bool ClientView::Write(std::string& out, size_t limit) {
  // RFC 3501, 7.4.1: each EXPUNGE renumbers what follows, so that the i-th in ascending order is told i less.
  while (expunges_written_ < diff_.expunged.size()) {
    if (out.size() >= limit) return false;
    const uint32_t number = diff_.expunged[expunges_written_] - static_cast<uint32_t>(expunges_written_);
    imap::AppendExpunge(out, SequenceNumber(number));
    ++expunges_written_;
  }
  if (!numbers_written_) WriteNumbers(out);
  WriteFlags(out, limit);
  if (flags_written_ < diff_.flags_changed.size()) return false;
  diff_ = Diff();
  expunges_written_ = flags_written_ = 0;
  return true;
}

void ClientView::WriteNumbers(std::string& out) {
  numbers_written_ = true;
  if (diff_.added > 0) {
    imap::AppendExists(out, known_->size());
    imap::AppendRecent(out, CountRecent());
  }
  if (known_->keywords().size() != keywords_told_) WriteKeywords(out);
}

// RFC 3501, 7.2.6: the client is told a keyword before it sees it on a message.
void ClientView::WriteKeywords(std::string& out) {
  const std::vector<std::string_view> names = Views(known_->keywords());
  imap::AppendFlagsResponse(out, imap::kSettableFlags, names);
  if (!options_.read_only) {
    const bool may_create = names.size() < kMaxKeywords;
    imap::AppendUntaggedStatus(out, imap::Condition::kOk,
                               imap::ResponseCode::PermanentFlags(imap::kSettableFlags, names, may_create),
                               "Flags permitted.");
  }
  keywords_told_ = names.size();
}

void ClientView::WriteFlags(std::string& out, size_t limit) {
  FlagNames names(known_->keywords());
  while (flags_written_ < diff_.flags_changed.size() && out.size() < limit) {
    const uint32_t sequence = diff_.flags_changed[flags_written_++];
    const Message message = known_->At(sequence);
    names.Set(message.flags, IsRecent(message.uid));
    imap::FetchResponse response(&out, SequenceNumber(sequence));
    if (options_.with_uid) response.Uid(Uid(message.uid));
    if (options_.with_modseq) response.ModSeq(ModSeq(message.modseq));
    response.Flags(names.system(), names.names());
    response.End();
  }
}

}  // namespace mailmesh::imap_gateway
