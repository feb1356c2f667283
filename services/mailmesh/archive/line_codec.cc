#include "services/mailmesh/archive/line_codec.h"

namespace mailmesh::archive {
namespace {

constexpr std::string_view kFrom = "From ";

}  // namespace

void CrlfToLf::Feed(std::string_view octets, std::string* out) {
  for (const char c : octets) {
    if (c == '\n' && !held_cr_) irreversible_ = true;
    if (held_cr_ && c != '\n') *out += '\r';
    held_cr_ = c == '\r';
    if (!held_cr_) *out += c;
  }
}

void CrlfToLf::Finish(std::string* out) {
  if (held_cr_) *out += '\r';
  held_cr_ = false;
}

void LfToCrlf::Feed(std::string_view octets, std::string* out) {
  if (ends_ == LineEnds::kAsIs) {
    *out += octets;
    return;
  }
  for (const char c : octets) {
    if (c == '\n' && !(ends_ == LineEnds::kNormalise && after_cr_)) *out += '\r';
    *out += c;
    after_cr_ = c == '\r';
  }
}

// The line does not begin with ">...From ": what was held back goes out as it came.
void FromQuoter::GiveUp(std::string* out) {
  out->append(marks_, '>');
  *out += kFrom.substr(0, matched_);
  marks_ = matched_ = 0;
  line_start_ = false;
}

void FromQuoter::Feed(std::string_view octets, std::string* out) {
  for (const char c : octets) {
    if (line_start_) {
      if (c == '>' && matched_ == 0) {
        ++marks_;
        continue;
      }
      if (c == kFrom[matched_]) {
        if (++matched_ < kFrom.size()) continue;
        if (mode_ == Mode::kQuote) ++marks_;
        else if (marks_ > 0) --marks_;
        GiveUp(out);
        continue;
      }
      GiveUp(out);
    }
    *out += c;
    line_start_ = c == '\n';
  }
}

void FromQuoter::Finish(std::string* out) { GiveUp(out); }

}  // namespace mailmesh::archive
