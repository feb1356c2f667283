#include "common/imap/response_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmesh::imap {
namespace {

using ::testing::ElementsAre;

// The tree in one line: lists in (), strings in '', streamed as <size>.
std::string Dump(const std::vector<Value>& values) {
  std::string out;
  for (const Value& value : values) {
    if (!out.empty()) out += " ";
    switch (value.kind) {
      case Value::Kind::kAtom: out += value.text; break;
      case Value::Kind::kString: out += "'" + value.text + "'"; break;
      case Value::Kind::kStreamed: out += "<" + std::to_string(value.size) + ">"; break;
      case Value::Kind::kNil: out += "NIL"; break;
      case Value::Kind::kList: out += "(" + Dump(value.children) + ")"; break;
    }
  }
  return out;
}

std::string Data(std::string_view text, std::span<const size_t> streamed = {}) {
  const auto response = ParseResponse(text, streamed);
  if (!response.ok() || !std::holds_alternative<DataResponse>(*response)) return "error";
  const DataResponse& data = std::get<DataResponse>(*response);
  return (data.number ? std::to_string(*data.number) + " " : "") + data.name + ": " + Dump(data.values);
}

StatusResponse StatusOf(std::string_view text) {
  const auto response = ParseResponse(text);
  EXPECT_TRUE(response.ok()) << text;
  return response.ok() ? std::get<StatusResponse>(*response) : StatusResponse();
}

TEST(ResponseParserTest, Values) {
  EXPECT_EQ(Data("* 3 EXISTS"), "3 EXISTS: ");
  EXPECT_EQ(Data("* search 1 2 3 "), "SEARCH: 1 2 3");
  EXPECT_EQ(Data("* LIST (\\HasNoChildren) \"/\" \"a \\\"b\\\\\""), "LIST: (\\HasNoChildren) '/' 'a \"b\\'");
  EXPECT_EQ(Data("* LIST () NIL [Gmail]/x"), "LIST: () NIL [Gmail]/x");
  EXPECT_EQ(Data("* 1 FETCH (BODY[HEADER.FIELDS (A \"]\" B)]<0> {3}\r\nabc ENVELOPE (NIL ((NIL)(x)) \"\"))"),
            "1 FETCH: (BODY[HEADER.FIELDS (A \"]\" B)]<0> 'abc' ENVELOPE (NIL ((NIL) (x)) ''))");
  EXPECT_EQ(Data("* 1 FETCH (BINARY[1] ~{1}\r\n( BODY ((\"a\")(\"b\") \"mixed\"))"), "1 FETCH: (BINARY[1] '(' BODY (('a') ('b') 'mixed'))");
  const size_t streamed[] = {19};
  EXPECT_EQ(Data("* 1 FETCH (A {12}\r\n B {2}\r\nxy)", streamed), "1 FETCH: (A <12> B 'xy')");
  EXPECT_EQ(Data("* X \xc3\xbc {x"), "X: \xc3\xbc {x");
}

TEST(ResponseParserTest, Refuses) {
  for (const char* text : {"", "*", "* ", "A1 LIST", "* 3", "* X (", "* X )", "* X (()", "* X \"a", "* X {3}\r\nab", "* X BODY[", "* X (a))", "* X \"\\"}) {
    EXPECT_EQ(Data(text), "error") << text;
  }
}

TEST(ResponseParserTest, Statuses) {
  StatusResponse status = StatusOf("* OK [UIDNEXT 4392] Predicted next UID");
  EXPECT_EQ(status.tag, "");
  EXPECT_EQ(status.code, "UIDNEXT");
  EXPECT_EQ(Dump(status.arguments), "4392");
  EXPECT_EQ(status.text, "Predicted next UID");
  status = StatusOf("A1 no [PERMANENTFLAGS (\\Seen \\*)]");
  EXPECT_EQ(status.condition, Condition::kNo);
  EXPECT_EQ(status.tag, "A1");
  EXPECT_EQ(Dump(status.arguments), "(\\Seen \\*)");
  EXPECT_EQ(status.text, "");
  status = StatusOf("* BYE bye [x");
  EXPECT_EQ(status.code, "");
  EXPECT_EQ(status.text, "bye [x");
  status = StatusOf("A1 OK [X (a] text");
  EXPECT_EQ(status.code, "X");
  EXPECT_EQ(Dump(status.arguments), "'(a'");
  EXPECT_EQ(StatusOf("* OK [").text, "[");
  EXPECT_EQ(StatusOf("* OK [A").text, "[A");
  EXPECT_EQ(StatusOf("* OK").text, "");
  EXPECT_EQ(StatusOf("* PREAUTH hi").condition, Condition::kPreauth);
  EXPECT_EQ(std::get<ContinuationResponse>(*ParseResponse("+ go on")).text, "go on");
  EXPECT_EQ(std::get<ContinuationResponse>(*ParseResponse("+")).text, "");
}

TEST(ResponseParserTest, Fetch) {
  const auto read = [](std::string_view text) { return ReadFetch(std::get<DataResponse>(*ParseResponse(text))); };
  const auto fetched = read("* 12 FETCH (UID 7 FLAGS (\\Seen \\Recent $Junk \\Odd) RFC822.SIZE 5 INTERNALDATE \" 1-Jan-1970 00:00:00 +0000\" "
                            "MODSEQ (9) BODY[] {3}\r\nabc RFC822.HEADER NIL X-FOO (1 2) ENVELOPE (NIL))");
  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_EQ(fetched->number, 12u);
  EXPECT_EQ(fetched->uid, 7u);
  EXPECT_EQ(fetched->flags->system, kSeen | kRecent);
  EXPECT_THAT(fetched->flags->keywords, ElementsAre("$Junk"));
  EXPECT_EQ(fetched->size, 5u);
  EXPECT_EQ(fetched->modseq, 9u);
  ASSERT_EQ(fetched->bodies.size(), 2u);
  EXPECT_EQ(fetched->bodies[0].name, "BODY[]");
  EXPECT_EQ(fetched->bodies[0].value.text, "abc");
  EXPECT_EQ(fetched->bodies[1].value.kind, Value::Kind::kNil);
  for (const char* text : {"* 12 FETCH (UID 0)", "* 12 FETCH (UID x)", "* 12 FETCH (UID)", "* 12 FETCH UID 7", "* FETCH (UID 7)", "* 0 FETCH (UID 7)",
                           "* 12 FETCH (UID 4294967296)", "* 12 FETCH (FLAGS x)", "* 12 FETCH (BODY[] (x))", "* 12 FETCH ((UID) 7)"}) {
    EXPECT_FALSE(read(text).ok()) << text;
  }
}

TEST(ResponseParserTest, List) {
  const auto read = [](std::string_view text) { return *ReadList(std::get<DataResponse>(*ParseResponse(text))); };
  EXPECT_EQ(read("* LIST (\\Noselect) \"/\" Entw&APw-rfe").name, "Entwürfe");
  EXPECT_EQ(read("* LIST () NIL inbox").name, "INBOX");
  EXPECT_EQ(read("* LIST () NIL inbox").delimiter, std::nullopt);
  EXPECT_FALSE(read("* LSUB () \".\" a&b").decoded);
  EXPECT_EQ(read("* LIST () \".\" NIL").name, "NIL");
}

TEST(ResponseParserTest, Limits) {
  const auto deep = [](size_t levels) { return Data("* X " + std::string(levels, '(') + std::string(levels, ')')) != "error"; };
  EXPECT_TRUE(deep(kMaxResponseDepth));
  EXPECT_FALSE(deep(kMaxResponseDepth + 1));
  EXPECT_FALSE(deep(1000000));
  const auto many = [](size_t count) {
    std::string text = "* X";
    for (size_t i = 0; i < count; ++i) text += " 1";
    return ParseResponse(text).ok();
  };
  EXPECT_TRUE(many(kMaxResponseValues));
  EXPECT_FALSE(many(kMaxResponseValues + 1));
}

}  // namespace
}  // namespace mailmesh::imap
