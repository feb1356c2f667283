#include "services/smtp_ingress/completion.h"

#include <algorithm>

#include "common/mime/compose.h"
#include "common/text/ascii.h"

namespace mailmesh::smtp_ingress {
namespace {

// Longer than any name that matters, with the white space that RFC 5322, 4.5 lets stand before the colon.
constexpr size_t kMaxStart = 80;
constexpr std::string_view kWhiteSpace = " \t";

}  // namespace

std::string Completion::Feed(std::string_view octets) {
  std::string out;
  while (!octets.empty() && state_ != State::kBody) {
    if (state_ == State::kLineStart) {
      TakeLineStart(octets, out);
    } else {
      TakeLine(octets, out);
    }
  }
  out.append(octets);
  return out;
}

// Collects the start of a line until it is known what it is: a blank line, the rest of a folded field, or a field's name.
void Completion::TakeLineStart(std::string_view& octets, std::string& out) {
  const char c = octets.front();
  if (start_.empty() && kWhiteSpace.find(c) != std::string_view::npos) {
    state_ = State::kLine;  // RFC 5322, 2.2.3: folded; dropped or kept with its field
    return;
  }
  start_.push_back(c);
  octets.remove_prefix(1);
  if (start_ == "\r\n" || start_ == "\n") {
    EndHeader(out);
    out += start_;
    start_.clear();
    state_ = State::kBody;
    return;
  }
  if (c != ':' && c != '\n' && start_.size() < kMaxStart) return;
  BeginField();
  if (!dropping_) {
    out += start_;
    last_ = c;
  }
  start_.clear();
  state_ = c == '\n' ? State::kLineStart : State::kLine;
}

void Completion::BeginField() {
  std::string_view name = start_;
  const bool has_colon = name.ends_with(':');
  if (has_colon) name.remove_suffix(1);
  name = name.substr(0, name.find_last_not_of(kWhiteSpace) + 1);
  const auto is = [&](std::string_view known) { return has_colon && text::EqualsIgnoreAsciiCase(name, known); };
  has_date_ |= is("Date");
  has_message_id_ |= is("Message-ID");
  dropping_ = options_.drop_bcc && (is("Bcc") || is("Resent-Bcc"));
  if (dropping_) ++dropped_;
}

void Completion::TakeLine(std::string_view& octets, std::string& out) {
  const size_t end = octets.find('\n');
  const size_t size = end == std::string_view::npos ? octets.size() : end + 1;
  if (!dropping_) {
    out.append(octets.substr(0, size));
    last_ = octets[size - 1];
  }
  octets.remove_prefix(size);
  if (end != std::string_view::npos) state_ = State::kLineStart;
}

void Completion::EndHeader(std::string& out) {
  if (!options_.add_missing_fields) return;
  added_date_ = !has_date_;
  added_message_id_ = !has_message_id_;
  // A message without a body may end in the middle of a line (RFC 3030 has no dot that would end it).
  if (last_ != '\n' && (added_date_ || added_message_id_)) out += "\r\n";
  if (added_date_) mime::AppendField(&out, "Date", options_.date);
  if (added_message_id_) mime::AppendField(&out, "Message-ID", options_.message_id);
}

std::string Completion::Finish() {
  std::string out;
  if (state_ == State::kBody) return out;
  if (!start_.empty()) {
    BeginField();
    if (!dropping_) {
      out += start_;
      last_ = start_.back();
    }
    start_.clear();
  }
  EndHeader(out);
  state_ = State::kBody;
  return out;
}

}  // namespace mailmesh::smtp_ingress
