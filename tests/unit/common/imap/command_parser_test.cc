#include "common/imap/command_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/status.h"

namespace mailmesh::imap {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

template <class T>
T Get(std::string_view text, const ParseOptions& options = {}) {
  ParsedCommand parsed = ParseCommand(text, options);
  EXPECT_TRUE(parsed.command.ok()) << text << ": " << parsed.command.status();
  if (!parsed.command.ok() || !std::holds_alternative<T>(*parsed.command)) {
    ADD_FAILURE() << "not the command: " << text;
    return T();
  }
  return std::get<T>(*std::move(parsed.command));
}

absl::StatusCode CodeOf(std::string_view text) { return ParseCommand(text).command.status().code(); }

void ExpectBad(std::initializer_list<const char*> texts) {
  for (const char* text : texts) EXPECT_EQ(CodeOf(text), absl::StatusCode::kInvalidArgument) << text;
}

TEST(CommandParserTest, TagsAndVerbs) {
  ParsedCommand parsed = ParseCommand("a.1] nOOp");
  EXPECT_EQ(parsed.tag, "a.1]");
  EXPECT_EQ(parsed.verb, Verb::kNoop);
  EXPECT_TRUE(parsed.command.ok());
  parsed = ParseCommand("A1 XYZZY 1 2");
  EXPECT_EQ(parsed.tag, "A1");
  EXPECT_EQ(parsed.verb, Verb::kUnknown);
  EXPECT_EQ(parsed.command.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(CodeOf("A1 UID NOOP"), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(CodeOf("A1 UID UID FETCH 1 FLAGS"), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(ParseCommand("A1 SELECT").verb, Verb::kSelect);
  EXPECT_EQ(ParseCommand("A1").tag, "A1");
  for (const char* text : {"", " ", "+ NOOP", "A+1 NOOP", "(a NOOP", "\"a\" NOOP", "a\x01 NOOP"}) {
    EXPECT_EQ(ParseCommand(text).tag, "") << text;
    EXPECT_EQ(CodeOf(text), absl::StatusCode::kInvalidArgument) << text;
  }
  ExpectBad({"A1", "A1 ", "A1  NOOP", "A1 NOOP ", "A1 NOOP x", "A1 UID", "A1 (", "A1 IDLE x", "A1 CAPABILITY  "});
}

TEST(CommandParserTest, EveryPlainCommand) {
  Get<Capability>("a CAPABILITY"), Get<Noop>("a NOOP"), Get<Logout>("a LOGOUT"), Get<StartTls>("a STARTTLS");
  Get<Check>("a CHECK"), Get<Close>("a CLOSE"), Get<Unselect>("a UNSELECT"), Get<Namespace>("a NAMESPACE"), Get<Idle>("a IDLE");
}

TEST(CommandParserTest, VerbNames) {
  for (int i = 1; i < static_cast<int>(Verb::kCount); ++i) {
    const auto verb = static_cast<Verb>(i);
    EXPECT_EQ(VerbByName(VerbName(verb)), verb) << VerbName(verb);
  }
  EXPECT_EQ(VerbByName("UNKNOWN"), Verb::kUnknown);
  EXPECT_EQ(VerbByName(std::string(1000, 'A')), Verb::kUnknown);
}

TEST(CommandParserTest, Login) {
  Login login = Get<Login>("a LOGIN user@example.org \"p \\\"w\\\\\"");
  EXPECT_EQ(login.user, "user@example.org");
  EXPECT_EQ(login.password.Reveal(), "p \"w\\");
  login = Get<Login>("a LOGIN {5}\r\nfr\r\ny {6+}\r\nfat ma");
  EXPECT_EQ(login.user, "fr\r\ny");
  EXPECT_EQ(login.password.Reveal(), "fat ma");
  EXPECT_EQ(Get<Login>("a LOGIN x \"\xc3\xbc\"").password.Reveal(), "\xc3\xbc");
  EXPECT_EQ(Get<Login>("a LOGIN x \"\"").password.Reveal(), "");
  ExpectBad({"a LOGIN", "a LOGIN x", "a LOGIN x ", "a LOGIN x y z", "a LOGIN x \"y", "a LOGIN x \"\\y\"", "a LOGIN x {3}\r\nab",
             "a LOGIN x {3}\r\nabcd", "a LOGIN x {3}ab", "a LOGIN (x) y", "a LOGIN \xc3\xbc y", "a LOGIN x ~{1}\r\na", "a LOGIN x* y",
             "a LOGIN \"a\rb\" y", "a LOGIN x {99999999999999999999}\r\na"});
  EXPECT_EQ(CodeOf(std::string_view("a LOGIN x {1}\r\n\0", 16)), absl::StatusCode::kInvalidArgument);
}

TEST(CommandParserTest, Authenticate) {
  Authenticate auth = Get<Authenticate>("a AUTHENTICATE plain");
  EXPECT_EQ(auth.mechanism, "PLAIN");
  EXPECT_FALSE(auth.initial_response);
  EXPECT_EQ(Get<Authenticate>("a AUTHENTICATE PLAIN =").initial_response->Reveal(), "");
  EXPECT_EQ(Get<Authenticate>("a AUTHENTICATE PLAIN AHUAcA==").initial_response->Reveal(), "AHUAcA==");
  ExpectBad({"a AUTHENTICATE", "a AUTHENTICATE PLAIN ", "a AUTHENTICATE PLAIN a b", "a AUTHENTICATE PLAIN \"a\"", "a AUTHENTICATE PLAIN *"});
}

TEST(CommandParserTest, EnableAndId) {
  EXPECT_THAT(Get<Enable>("a ENABLE condstore QRESYNC").capabilities, ElementsAre("CONDSTORE", "QRESYNC"));
  ExpectBad({"a ENABLE", "a ENABLE ", "a ENABLE (A)"});
  EXPECT_THAT(Get<Id>("a ID NIL").fields, IsEmpty());
  EXPECT_THAT(Get<Id>("a ID ()").fields, IsEmpty());
  const Id id = Get<Id>("a ID (\"name\" \"x\" \"version\" NIL)");
  EXPECT_EQ(id.fields[0].second, "x");
  EXPECT_EQ(id.fields[1].second, std::nullopt);
  ExpectBad({"a ID", "a ID (\"name\")", "a ID (name \"x\")", "a ID (\"name\" \"x\""});
  const auto with = [](size_t fields, size_t name, size_t value) {
    std::string text = "a ID (";
    for (size_t i = 0; i < fields; ++i) {
      text += (i > 0 ? " \"" : "\"") + std::string(name, 'n') + "\" \"" + std::string(value, 'v') + "\"";
    }
    return CodeOf(text + ")");
  };
  EXPECT_EQ(with(30, 30, 1024), absl::StatusCode::kOk);
  EXPECT_EQ(with(31, 1, 1), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(with(1, 31, 1), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(with(1, 1, 1025), absl::StatusCode::kInvalidArgument);
}

TEST(CommandParserTest, Select) {
  Select select = Get<Select>("a SELECT inbox");
  EXPECT_EQ(select.mailbox, "INBOX");
  EXPECT_FALSE(select.read_only || select.condstore || select.qresync);
  EXPECT_TRUE(Get<Select>("a EXAMINE \"a b\" (CONDSTORE)").condstore);
  EXPECT_TRUE(Get<Select>("a EXAMINE \"a b\"").read_only);
  select = Get<Select>("a SELECT INBOX (QRESYNC (67890007 90060115194045000 41:211,214 (1,3 41,44)) CONDSTORE)");
  ASSERT_TRUE(select.qresync);
  EXPECT_EQ(select.qresync->uid_validity, 67890007u);
  EXPECT_EQ(select.qresync->modseq, 90060115194045000u);
  EXPECT_EQ(select.qresync->known_uids->ToString(), "41:211,214");
  EXPECT_EQ(select.qresync->match->uids.ToString(), "41,44");
  EXPECT_TRUE(Get<Select>("a SELECT INBOX (QRESYNC (1 2 (1 2)))").qresync->match);
  EXPECT_EQ(Get<Select>("a SELECT Entw&APw-rfe").mailbox, "Entwürfe");
  EXPECT_EQ(Get<Select>("a SELECT {7}\r\na]&-b c").mailbox, "a]&b c");
  EXPECT_EQ(Get<Select>("a SELECT \"a&\xc3\xbc\"", {.utf8_accept = true, .search = {}}).mailbox, "a&ü");
  EXPECT_EQ(CodeOf("a SELECT a&b"), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(CodeOf("a SELECT \"\xc3\xbc\""), absl::StatusCode::kFailedPrecondition);
  ExpectBad({"a SELECT", "a SELECT ", "a SELECT a b", "a SELECT a ()", "a SELECT a (X)", "a SELECT a (QRESYNC)",
             "a SELECT a (QRESYNC (0 1))", "a SELECT a (QRESYNC (1 0))", "a SELECT a (QRESYNC (1 1 *))", "a SELECT a (QRESYNC (1 1 $))",
             "a SELECT a (QRESYNC (1 9223372036854775808))", "a SELECT a (QRESYNC (1 1) QRESYNC (1 1))", "a SELECT %", "a SELECT a (CONDSTORE"});
}

TEST(CommandParserTest, Mailboxes) {
  EXPECT_EQ(Get<Create>("a CREATE a/b/").mailbox, "a/b");
  EXPECT_TRUE(Get<Create>("a CREATE a/b/").ended_in_separator);
  EXPECT_THAT(Get<Create>("a CREATE x (USE (\\Sent \\Drafts))").special_use, ElementsAre("\\Sent", "\\Drafts"));
  EXPECT_THAT(Get<Create>("a CREATE x (USE ())").special_use, IsEmpty());
  ExpectBad({"a CREATE x ()", "a CREATE x (USE)", "a CREATE x (USE (Sent))", "a CREATE x (FOO bar)", "a CREATE x y"});
  EXPECT_EQ(Get<Delete>("a DELETE \"x y\"").mailbox, "x y");
  EXPECT_EQ(Get<Rename>("a RENAME inbox old").from, "INBOX");
  EXPECT_EQ(Get<Rename>("a RENAME inbox old").to, "old");
  EXPECT_EQ(Get<Subscribe>("a SUBSCRIBE #news.x").mailbox, "#news.x");
  EXPECT_EQ(Get<Unsubscribe>("a UNSUBSCRIBE ]").mailbox, "]");
  ExpectBad({"a DELETE", "a RENAME a", "a RENAME a b c", "a SUBSCRIBE", "a UNSUBSCRIBE a b"});
}

TEST(CommandParserTest, Status) {
  const Status status = Get<Status>("a STATUS x (messages UNSEEN UIDNEXT HIGHESTMODSEQ DELETED-STORAGE)");
  EXPECT_EQ(status.items, kStatusMessages | kStatusUnseen | kStatusUidNext | kStatusHighestModSeq | kStatusDeletedStorage);
  EXPECT_EQ(Get<Status>("a STATUS x (RECENT UIDVALIDITY SIZE DELETED APPENDLIMIT)").items,
            kStatusRecent | kStatusUidValidity | kStatusSize | kStatusDeleted | kStatusAppendLimit);
  ExpectBad({"a STATUS x", "a STATUS x ()", "a STATUS x MESSAGES", "a STATUS x (FOO)", "a STATUS x (MESSAGES", "a STATUS x (MESSAGES )"});
}

TEST(CommandParserTest, List) {
  List list = Get<List>("a LIST \"\" %");
  EXPECT_FALSE(list.extended);
  EXPECT_EQ(list.reference, "");
  EXPECT_THAT(list.patterns, ElementsAre("%"));
  EXPECT_THAT(Get<List>("a LIST \"\" \"\"").patterns, ElementsAre(""));
  EXPECT_THAT(Get<List>("a LIST Mail/ a*&APw-%").patterns, ElementsAre("a*ü%"));
  list = Get<List>("a LIST (SUBSCRIBED RECURSIVEMATCH SPECIAL-USE REMOTE) \"\" (a* \"b %\" inbox) RETURN "
                   "(SUBSCRIBED CHILDREN SPECIAL-USE STATUS (MESSAGES UNSEEN))");
  EXPECT_TRUE(list.extended);
  EXPECT_TRUE(list.select.subscribed && list.select.recursive_match && list.select.special_use && list.select.remote);
  EXPECT_TRUE(list.returns.subscribed && list.returns.children && list.returns.special_use);
  EXPECT_EQ(list.returns.status, kStatusMessages | kStatusUnseen);
  EXPECT_THAT(list.patterns, ElementsAre("a*", "b %", "INBOX"));
  EXPECT_TRUE(Get<List>("a LIST () \"\" x RETURN ()").extended);
  EXPECT_TRUE(Get<List>("a LIST \"\" (x)").extended);
  EXPECT_EQ(CodeOf("a LIST \"\" a&b"), absl::StatusCode::kFailedPrecondition);
  ExpectBad({"a LIST", "a LIST \"\"", "a LIST (RECURSIVEMATCH) \"\" *", "a LIST (REMOTE RECURSIVEMATCH) \"\" *", "a LIST (FOO) \"\" *",
             "a LIST \"\" ()", "a LIST \"\" * RETURN", "a LIST \"\" * (CHILDREN)", "a LIST \"\" * RETURN (FOO)",
             "a LIST \"\" * RETURN (STATUS)", "a LIST \"\" * RETURN (STATUS ())", "a LIST % *"});
  EXPECT_EQ(Get<Lsub>("a LSUB \"\" *").pattern, "*");
  ExpectBad({"a LSUB \"\"", "a LSUB \"\" (a)", "a LSUB \"\" * RETURN ()"});
}

TEST(CommandParserTest, Store) {
  Store store = Get<Store>("a STORE 1:5 +FLAGS (\\Seen $Junk)");
  EXPECT_EQ(store.set.ToString(), "1:5");
  EXPECT_EQ(store.mode, Store::Mode::kAdd);
  EXPECT_FALSE(store.silent || store.uid);
  EXPECT_EQ(store.flags.system, kSeen);
  EXPECT_THAT(store.flags.keywords, ElementsAre("$Junk"));
  store = Get<Store>("a UID STORE * (UNCHANGEDSINCE 0) -flags.silent \\deleted a A b");
  EXPECT_TRUE(store.uid && store.silent);
  EXPECT_EQ(store.unchanged_since, 0u);
  EXPECT_EQ(store.mode, Store::Mode::kRemove);
  EXPECT_THAT(store.flags.keywords, ElementsAre("a", "b"));
  EXPECT_TRUE(Get<Store>("a STORE $ FLAGS ()").flags.empty());
  ExpectBad({"a STORE", "a STORE 1", "a STORE 1 FLAGS", "a STORE 1 FLAGS ", "a STORE 1 FLAGS (\\Recent)", "a STORE 1 FLAGS (\\Foo)",
             "a STORE 1 FLAGS (\\)", "a STORE 0 FLAGS ()", "a STORE 1 FLAG ()", "a STORE 1 (UNCHANGEDSINCE) FLAGS ()",
             "a STORE 1 (FOO 1) FLAGS ()", "a STORE 1 FLAGS (a  b)", "a STORE 1 FLAGS (a ", "a STORE 1 FLAGS a]", "a STORE 1 FLAGS (\\*)"});
  const auto flags = [](size_t count) {
    std::string text = "a STORE 1 FLAGS (a";
    for (size_t i = 1; i < count; ++i) text += " a";
    return CodeOf(text + ")");
  };
  EXPECT_EQ(flags(kMaxFlagsInCommand), absl::StatusCode::kOk);
  EXPECT_EQ(flags(kMaxFlagsInCommand + 1), absl::StatusCode::kInvalidArgument);
  const auto keyword = [](size_t size) { return CodeOf("a STORE 1 FLAGS " + std::string(size, 'k')); };
  EXPECT_EQ(keyword(kMaxKeywordLength), absl::StatusCode::kOk);
  EXPECT_EQ(keyword(kMaxKeywordLength + 1), absl::StatusCode::kInvalidArgument);
}

TEST(CommandParserTest, CopyMoveExpunge) {
  EXPECT_EQ(Get<Copy>("a COPY 2,4:6 Trash").mailbox, "Trash");
  EXPECT_TRUE(Get<Copy>("a UID COPY 1 x").uid);
  EXPECT_TRUE(Get<Move>("a UID MOVE $ x").set.is_saved_result());
  EXPECT_FALSE(Get<Move>("a MOVE 1 x").uid);
  EXPECT_FALSE(Get<Expunge>("a EXPUNGE").uids);
  EXPECT_EQ(Get<Expunge>("a UID EXPUNGE 3:*").uids->ToString(), "3:*");
  ExpectBad({"a COPY", "a COPY 1", "a COPY x y", "a MOVE 1 ", "a EXPUNGE 1", "a UID EXPUNGE", "a UID EXPUNGE x", "a COPY 1 a b"});
}

TEST(CommandParserTest, Quota) {
  EXPECT_EQ(Get<GetQuota>("a GETQUOTA \"\"").root, "");
  EXPECT_EQ(Get<GetQuotaRoot>("a GETQUOTAROOT inbox").mailbox, "INBOX");
  const SetQuota quota = Get<SetQuota>("a SETQUOTA \"\" (storage 512 MESSAGE 100)");
  EXPECT_THAT(quota.limits, ElementsAre(std::pair<std::string, uint64_t>("STORAGE", 512), std::pair<std::string, uint64_t>("MESSAGE", 100)));
  EXPECT_THAT(Get<SetQuota>("a SETQUOTA x ()").limits, IsEmpty());
  ExpectBad({"a GETQUOTA", "a SETQUOTA x", "a SETQUOTA x (STORAGE)", "a SETQUOTA x (STORAGE -1)", "a SETQUOTA x (STORAGE 1 2)"});
}

TEST(CommandParserTest, Redacts) {
  EXPECT_EQ(RedactCommand("a login user pass"), "a login ***");
  EXPECT_EQ(RedactCommand("a AUTHENTICATE PLAIN x"), "a AUTHENTICATE ***");
  EXPECT_EQ(RedactCommand("a SELECT x"), "a SELECT x");
  EXPECT_EQ(RedactCommand("a"), "a");
}

TEST(CommandParserTest, EveryPrefixOfEveryCommandIsSafe) {
  for (const char* text :
       {"a LIST (SUBSCRIBED) \"\" (a b) RETURN (STATUS (MESSAGES))", "a SELECT x (QRESYNC (1 2 3 (4 5)))", "a LOGIN {3}\r\nabc {2+}\r\nde",
        "a UID FETCH 1:* (FLAGS BODY.PEEK[1.HEADER.FIELDS (A \"B\")]<0.10>) (CHANGEDSINCE 5 VANISHED)",
        "a UID SEARCH RETURN (MIN) CHARSET UTF-8 OR (FROM {1}\r\nx) NOT BEFORE 1-Jan-2000", "a ID (\"a\" NIL)", "a CREATE x (USE (\\Sent))"}) {
    const std::string whole = text;
    EXPECT_TRUE(ParseCommand(whole).command.ok()) << whole << ParseCommand(whole).command.status();
    for (size_t size = 0; size < whole.size(); ++size) {
      // Exactly as large as it looks: reading past it is seen by the sanitizer.
      const std::unique_ptr<char[]> copy(new char[size + 1]);
      whole.copy(copy.get(), size);
      ParseCommand(std::string_view(copy.get(), size));
    }
  }
}

}  // namespace
}  // namespace mailmesh::imap
