#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/imap/command_parser.h"
#include "common/imap/fetch_item.h"
#include "common/imap/fetch_response.h"

namespace mailmesh::imap {
namespace {

using Kind = FetchItem::Kind;

std::string Requests(std::string_view items) {
  const auto parsed = ParseFetchItems(items);
  if (!parsed.ok()) return "error";
  std::string out;
  for (const FetchItem& item : *parsed) {
    if (!out.empty()) out += " ";
    AppendFetchRequest(out, item);
  }
  return out;
}

std::string Names(std::string_view items) {
  const auto parsed = ParseFetchItems(items);
  if (!parsed.ok()) return "error";
  std::string out;
  for (const FetchItem& item : *parsed) {
    if (!out.empty()) out += " ";
    AppendFetchItemName(out, item);
  }
  return out;
}

TEST(FetchItemTest, RoundTrips) {
  for (const char* item :
       {"UID", "FLAGS", "INTERNALDATE", "RFC822.SIZE", "MODSEQ", "ENVELOPE", "BODY", "BODYSTRUCTURE", "BODY[]", "BODY.PEEK[]", "BODY[]<0.100>",
        "BODY[HEADER]", "BODY[TEXT]<5.9223372036854775807>", "BODY[1]", "BODY[1.2.3]", "BODY[1.MIME]", "BODY[1.HEADER]", "BODY[4.2.TEXT]",
        "BODY[HEADER.FIELDS (A b)]", "BODY[HEADER.FIELDS.NOT (From)]", "BODY.PEEK[1.2.HEADER.FIELDS (A \"b c\")]<0.100>", "RFC822",
        "RFC822.HEADER", "RFC822.TEXT", "BINARY[1]", "BINARY.PEEK[1.2]<3.4>", "BINARY.SIZE[2]", "BINARY[]"}) {
    EXPECT_EQ(Requests(item), item);
    EXPECT_EQ(Requests("(" + std::string(item) + " UID)"), std::string(item) + " UID");
  }
}

TEST(FetchItemTest, AnswersWithoutPeekAndLength) {
  EXPECT_EQ(Names("(BODY.PEEK[1.2.HEADER.FIELDS (A B)]<10.100> BINARY.PEEK[1]<5.6> body[text])"),
            "BODY[1.2.HEADER.FIELDS (A B)]<10> BINARY[1]<5> BODY[TEXT]");
}

TEST(FetchItemTest, Macros) {
  EXPECT_EQ(Names("fast"), "FLAGS INTERNALDATE RFC822.SIZE");
  EXPECT_EQ(Names("ALL"), "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE");
  EXPECT_EQ(Names("FULL"), "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY");
  EXPECT_EQ(Names("(FAST)"), "error");
}

TEST(FetchItemTest, Refuses) {
  for (const char* item :
       {"", "()", "FOO", "BODY[", "BODY[]<", "BODY[]<0>", "BODY[]<0.0>", "BODY[]<.1>", "BODY[MIME]", "BODY[0]", "BODY[1.]", "BODY[1.0]",
        "BODY[1.FOO]", "BODY[HEADER.FIELDS]", "BODY[HEADER.FIELDS ()]", "BODY[HEADER.FIELDS (A]", "BODY[HEADER.FIELDS (A)", "BODY[1 ]",
        "BODY [1]", "BINARY", "BINARY[TEXT]", "BINARY.SIZE[1]<0.1>", "BODYSTRUCTURE[1]", "RFC822[1]", "UID FLAGS", "(UID  FLAGS)", "(UID",
        "BODY[]<0.9223372036854775808>", "BODY[4294967296]", "BODY.PEEK", "BODY[HEADER.FIELDS (A)]x"}) {
    EXPECT_EQ(Names(item), "error") << item;
  }
}

TEST(FetchItemTest, Seen) {
  const auto seen = [](const char* text) { return ParseFetchItems(text)->front().SetsSeen(); };
  for (const char* item : {"BODY[]", "RFC822", "RFC822.TEXT", "BINARY[1]", "BODY[HEADER]"}) EXPECT_TRUE(seen(item)) << item;
  for (const char* item : {"BODY.PEEK[]", "RFC822.HEADER", "BINARY.PEEK[1]", "BINARY.SIZE[1]", "BODY", "FLAGS", "ENVELOPE"}) {
    EXPECT_FALSE(seen(item)) << item;
  }
  EXPECT_EQ(ParseFetchItems("RFC822.HEADER")->front().section.text, Section::Text::kHeader);
}

TEST(FetchItemTest, Limits) {
  const auto items = [](size_t count) {
    std::string text = "(UID";
    for (size_t i = 1; i < count; ++i) text += " UID";
    return ParseFetchItems(text + ")").ok();
  };
  EXPECT_TRUE(items(kMaxFetchItems));
  EXPECT_FALSE(items(kMaxFetchItems + 1));
  const auto depth = [](size_t count) {
    std::string text = "BODY[1";
    for (size_t i = 1; i < count; ++i) text += ".1";
    return ParseFetchItems(text + "]").ok();
  };
  EXPECT_TRUE(depth(kMaxPartDepth));
  EXPECT_FALSE(depth(kMaxPartDepth + 1));
  const auto fields = [](size_t count) {
    std::string text = "BODY[HEADER.FIELDS (a";
    for (size_t i = 1; i < count; ++i) text += " a";
    return ParseFetchItems(text + ")]").ok();
  };
  EXPECT_TRUE(fields(kMaxHeaderFields));
  EXPECT_FALSE(fields(kMaxHeaderFields + 1));
}

TEST(FetchCommandTest, Modifiers) {
  const auto parse = [](const char* text) {
    ParsedCommand parsed = ParseCommand(text);
    EXPECT_TRUE(parsed.command.ok()) << text << parsed.command.status();
    return parsed.command.ok() ? std::get<Fetch>(*parsed.command) : Fetch();
  };
  Fetch fetch = parse("a UID FETCH 1:* (FLAGS MODSEQ) (CHANGEDSINCE 12345 VANISHED)");
  EXPECT_TRUE(fetch.uid && fetch.vanished);
  EXPECT_EQ(fetch.changed_since, 12345u);
  EXPECT_EQ(fetch.items.size(), 2u);
  fetch = parse("a FETCH 2 FULL (CHANGEDSINCE 1)");
  EXPECT_EQ(fetch.items.size(), 5u);
  for (const char* text : {"a FETCH 1", "a FETCH 1 ", "a FETCH x FLAGS", "a FETCH 1 FLAGS (VANISHED)", "a FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)",
                           "a UID FETCH 1 FLAGS (VANISHED)", "a FETCH 1 FLAGS ()", "a FETCH 1 FLAGS (FOO)", "a FETCH 1 FLAGS x"}) {
    EXPECT_EQ(ParseCommand(text).command.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(FetchResponseTest, Writes) {
  std::string out;
  FetchResponse response(&out, SequenceNumber(12));
  const std::string_view keywords[] = {"$Junk"};
  response.Uid(Uid(7));
  response.Flags(kSeen, keywords);
  response.InternalDate({0, 60});
  response.Rfc822Size(5);
  response.ModSeq(ModSeq(9));
  response.Stored(Kind::kEnvelope, "(NIL)");
  response.Stored(Kind::kBodyStructure, "(x)");
  response.Body(ParseFetchItems("BODY.PEEK[TEXT]<0.3>")->front(), "abc");
  response.BodyNil(ParseFetchItems("BODY[9]")->front());
  response.Body(ParseFetchItems("BINARY[1]")->front(), std::string_view("a\0b", 3));
  response.Body(ParseFetchItems("RFC822")->front(), std::string_view("\0", 1));
  response.BinarySize(ParseFetchItems("BINARY.SIZE[1]")->front(), 3);
  response.BodyHead(ParseFetchItems("BODY[]")->front(), 1000000);
  response.End();
  EXPECT_EQ(out, std::string("* 12 FETCH (UID 7 FLAGS (\\Seen $Junk) INTERNALDATE \" 1-Jan-1970 01:00:00 +0100\" RFC822.SIZE 5 MODSEQ (9) "
                             "ENVELOPE (NIL) BODYSTRUCTURE (x) BODY[TEXT]<0> {3}\r\nabc BODY[9] NIL BINARY[1] ~{3}\r\na") +
                     std::string("\0b", 2) + " RFC822 {1}\r\n\x80 BINARY.SIZE[1] 3 BODY[] {1000000}\r\n)\r\n");
}

}  // namespace
}  // namespace mailmesh::imap
