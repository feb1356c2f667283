#include "common/smtp/reply_parser.h"

#include <utility>

namespace mailmesh::smtp {
namespace {

// RFC 5321, 4.2: Reply-code = %x32-35 %x30-35 %x30-39. The second digit is taken whatever it is; servers with 6 to 9
// exist.
bool TakeCode(std::string_view line, uint16_t& code) {
  if (line.size() < 3 || line[0] < '2' || line[0] > '5') return false;
  if (line[1] < '0' || line[1] > '9' || line[2] < '0' || line[2] > '9') return false;
  code = static_cast<uint16_t>((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
  return line.size() == 3 || line[3] == ' ' || line[3] == '-';
}

}  // namespace

ReplyParser::ReplyParser(const ReplyLimits& limits)
    : limits_(limits), reader_(limits.max_line, base::LineEndings::kCrlfOrLf) {}

ReplyParser::Step ReplyParser::Feed(std::string_view input) {
  Step step;
  while (!failed_ && step.consumed < input.size()) {
    const base::LineReader::Framed framed = reader_.Next(input.substr(step.consumed));
    step.consumed += framed.consumed;
    if (framed.outcome == base::LineReader::Outcome::kNeedMore) break;
    step.outcome = framed.outcome == base::LineReader::Outcome::kLine ? AddLine(framed.line) : Outcome::kError;
    if (step.outcome == Outcome::kError) failed_ = true;
    if (step.outcome == Outcome::kReply) return step;
  }
  if (failed_) step.outcome = Outcome::kError;
  return step;
}

ReplyParser::Outcome ReplyParser::AddLine(std::string_view line) {
  uint16_t code = 0;
  if (!TakeCode(line, code)) return Outcome::kError;
  // RFC 5321, 4.2.1: all lines of a reply have one code. Another one means that replies and commands no longer agree.
  if (lines_ > 0 && code != reply_.code) return Outcome::kError;
  octets_ += line.size();
  if (++lines_ > limits_.max_lines || octets_ > limits_.max_octets) return Outcome::kError;

  const bool more = line.size() > 3 && line[3] == '-';
  std::string_view text = line.substr(line.size() > 3 ? 4 : 3);
  if (const auto enhanced = TakeEnhancedStatus(text, code); enhanced && lines_ == 1) reply_.enhanced = *enhanced;
  reply_.code = code;
  reply_.lines.emplace_back(text);
  return more ? Outcome::kNeedMore : Outcome::kReply;
}

Reply ReplyParser::Take() {
  lines_ = 0;
  octets_ = 0;
  return std::exchange(reply_, Reply());
}

}  // namespace mailmesh::smtp
