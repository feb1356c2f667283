// Replies: bounded, and a reply that was read can be written and read as the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/smtp/ehlo.h"
#include "common/smtp/reply_parser.h"

using namespace mailmesh::smtp;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  ReplyParser parser;
  while (!input.empty()) {
    const ReplyParser::Step step = parser.Feed(input);
    input.remove_prefix(step.consumed);
    if (step.outcome == ReplyParser::Outcome::kError) return 0;
    if (step.outcome != ReplyParser::Outcome::kReply) continue;
    const Reply reply = parser.Take();
    ParseEhloReply(reply);
    std::string wire;
    AppendReply(reply, true, wire);
    ReplyParser second;
    const ReplyParser::Step again = second.Feed(wire);
    if (again.outcome == ReplyParser::Outcome::kReply && again.consumed != wire.size()) std::abort();
    if (again.outcome == ReplyParser::Outcome::kReply && second.Take().code != reply.code) std::abort();
  }
  return 0;
}
