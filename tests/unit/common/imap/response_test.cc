#include "common/imap/response.h"

#include <gtest/gtest.h>

#include "common/imap/list_response.h"
#include "common/imap/search_response.h"

namespace mailmesh::imap {
namespace {

TEST(ResponseTest, Status) {
  std::string out;
  AppendStatus(out, "A1", Condition::kOk, Code::kReadWrite, "done");
  AppendStatus(out, "", Condition::kBad, {}, "a\r\nb");
  AppendUntaggedStatus(out, Condition::kBye, Code::kUnavailable, "");
  AppendContinuation(out, "");
  AppendContinuation(out, "idling");
  EXPECT_EQ(out, "A1 OK [READ-WRITE] done\r\n* BAD a??b\r\n* BYE [UNAVAILABLE] .\r\n+ \r\n+ idling\r\n");
}

TEST(ResponseTest, Codes) {
  const std::string_view words[] = {"A", "B"};
  EXPECT_EQ(ResponseCode::UidNext(Uid(5)).text(), "UIDNEXT 5");
  EXPECT_EQ(ResponseCode::UidValidityIs(UidValidity(5)).text(), "UIDVALIDITY 5");
  EXPECT_EQ(ResponseCode::Unseen(SequenceNumber(5)).text(), "UNSEEN 5");
  EXPECT_EQ(ResponseCode::HighestModSeq(ModSeq(5)).text(), "HIGHESTMODSEQ 5");
  EXPECT_EQ(ResponseCode::PermanentFlags(kSeen, words, true).text(), "PERMANENTFLAGS (\\Seen A B \\*)");
  EXPECT_EQ(ResponseCode::PermanentFlags(0, {}, true).text(), "PERMANENTFLAGS (\\*)");
  EXPECT_EQ(ResponseCode::PermanentFlags(0, {}, false).text(), "PERMANENTFLAGS ()");
  EXPECT_EQ(ResponseCode::Capability(words).text(), "CAPABILITY A B");
  EXPECT_EQ(ResponseCode::AppendUid(UidValidity(1), SequenceSet(3, 5)).text(), "APPENDUID 1 3:5");
  EXPECT_EQ(ResponseCode::CopyUid(UidValidity(1), SequenceSet(3), SequenceSet(9)).text(), "COPYUID 1 3 9");
  EXPECT_EQ(ResponseCode::Modified(SequenceSet(7)).text(), "MODIFIED 7");
  EXPECT_EQ(ResponseCode::BadCharset(words).text(), "BADCHARSET (A B)");
  EXPECT_EQ(ResponseCode::BadCharset({}).text(), "BADCHARSET");
  EXPECT_EQ(ResponseCode(Code::kAlreadyExists).text(), "ALREADYEXISTS");
  EXPECT_EQ(ResponseCode(Code::kHasChildren).text(), "HASCHILDREN");
  EXPECT_EQ(ResponseCode(Code::kTooBig).text(), "TOOBIG");
}

TEST(ResponseTest, Untagged) {
  const std::string_view words[] = {"A", "B"};
  std::string out;
  AppendExists(out, 3), AppendRecent(out, 0), AppendExpunge(out, SequenceNumber(4)), AppendVanished(out, SequenceSet(1, 2), true);
  AppendVanished(out, SequenceSet(9), false), AppendFlagsResponse(out, kSeen | kDraft, words), AppendCapability(out, words);
  AppendEnabled(out, {}), AppendId(out, {});
  const std::pair<std::string_view, std::string_view> fields[] = {{"name", "Mail\"mesh"}};
  AppendId(out, fields);
  EXPECT_EQ(out,
            "* 3 EXISTS\r\n* 0 RECENT\r\n* 4 EXPUNGE\r\n* VANISHED (EARLIER) 1:2\r\n* VANISHED 9\r\n* FLAGS (\\Seen \\Draft A B)\r\n"
            "* CAPABILITY A B\r\n* ENABLED\r\n* ID NIL\r\n* ID (\"name\" \"Mail\\\"mesh\")\r\n");
}

TEST(ResponseTest, NamespaceAndQuota) {
  std::string out;
  const NamespaceEntry personal[] = {{"", '/'}};
  const NamespaceEntry others[] = {{"Geteilt ü/", '/'}, {"x", 0}};
  AppendNamespace(out, personal, others, {}, false);
  const QuotaResource resources[] = {{"STORAGE", 10, 512}, {"MESSAGE", 1, 2}};
  const std::string_view roots[] = {""};
  AppendQuota(out, "", resources);
  AppendQuotaRoot(out, "INBOX", roots, false);
  EXPECT_EQ(out,
            "* NAMESPACE ((\"\" \"/\")) ((\"Geteilt &APw-/\" \"/\")(\"x\" NIL)) NIL\r\n* QUOTA \"\" (STORAGE 10 512 MESSAGE 1 2)\r\n"
            "* QUOTAROOT INBOX \"\"\r\n");
}

TEST(ListResponseTest, Writes) {
  std::string out;
  AppendList(out, {.name = "Entwürfe", .attributes = kHasNoChildren | kUseDrafts, .delimiter = '/', .child_subscribed = false, .old_name = {}}, false);
  AppendList(out, {.name = "a b", .attributes = kNonExistentMailbox, .delimiter = 0, .child_subscribed = true, .old_name = "x"}, false);
  AppendLsub(out, {.name = "INBOX", .attributes = 0, .delimiter = '/', .child_subscribed = true, .old_name = {}}, false);
  EXPECT_EQ(out,
            "* LIST (\\HasNoChildren \\Drafts) \"/\" Entw&APw-rfe\r\n"
            "* LIST (\\NonExistent) NIL \"a b\" (\"CHILDINFO\" (\"SUBSCRIBED\") \"OLDNAME\" (x))\r\n* LSUB () \"/\" INBOX\r\n");
  EXPECT_EQ(SpecialUseByName("\\sent"), kUseSent);
  EXPECT_EQ(SpecialUseByName("\\Marked"), std::nullopt);
}

TEST(ListResponseTest, Status) {
  StatusValues values;
  values.items = kStatusMessages | kStatusUidNext | kStatusHighestModSeq | kStatusAppendLimit;
  values.messages = 3;
  values.uid_next = 4;
  values.highest_modseq = 5;
  std::string out;
  AppendStatusResponse(out, "x", values, false);
  values.append_limit = 6;
  AppendStatusResponse(out, "x", values, false);
  EXPECT_EQ(out,
            "* STATUS x (MESSAGES 3 UIDNEXT 4 HIGHESTMODSEQ 5 APPENDLIMIT NIL)\r\n"
            "* STATUS x (MESSAGES 3 UIDNEXT 4 HIGHESTMODSEQ 5 APPENDLIMIT 6)\r\n");
}

TEST(SearchResponseTest, Writes) {
  std::string out;
  const uint32_t sorted[] = {5, 3, 4};
  AppendSearch(out, SequenceSet(2, 4)), AppendSearch(out, SequenceSet(), ModSeq(5)), AppendSearch(out, sorted, ModSeq(7));
  AppendSort(out, sorted), AppendSort(out, {});
  AppendESearch(out, "A1", true, kReturnMin | kReturnMax | kReturnCount | kReturnAll, SequenceSet(2, 4), ModSeq(9));
  AppendESearch(out, "A\"1", false, kReturnAll | kReturnMin | kReturnCount, SequenceSet());
  AppendESearch(out, "A1", false, kReturnSave, SequenceSet(1));
  EXPECT_EQ(out,
            "* SEARCH 2 3 4\r\n* SEARCH\r\n* SEARCH 5 3 4 (MODSEQ 7)\r\n* SORT 5 3 4\r\n* SORT\r\n"
            "* ESEARCH (TAG \"A1\") UID MIN 2 MAX 4 COUNT 3 ALL 2:4 MODSEQ 9\r\n* ESEARCH (TAG \"A\\\"1\") COUNT 0\r\n* ESEARCH (TAG \"A1\")\r\n");
}

TEST(SearchResponseTest, Threads) {
  constexpr uint32_t kNone = ThreadNode::kNone;
  // RFC 5256, 4: (2)(3 6 (4 23)(44 7 96)), and a thread without its root: ((8)(9)).
  const ThreadNode nodes[] = {{2, kNone, 1}, {3, 2, 8},  {6, 3, kNone},  {4, 4, 5},        {23, kNone, kNone}, {44, 6, kNone},
                              {7, 7, kNone}, {96, kNone, kNone}, {0, 9, kNone}, {8, kNone, 10}, {9, kNone, kNone}};
  std::string out;
  AppendThread(out, nodes, 0);
  AppendThread(out, {}, kNone);
  EXPECT_EQ(out, "* THREAD (2)(3 6 (4 23)(44 7 96))((8)(9))\r\n* THREAD\r\n");
  // A chain as long as a mailbox.
  std::vector<ThreadNode> chain(100000);
  for (uint32_t i = 0; i < chain.size(); ++i) chain[i] = {i + 1, i + 1 < chain.size() ? i + 1 : kNone, kNone};
  out.clear();
  AppendThread(out, chain, 0);
  EXPECT_EQ(out.substr(0, 16), "* THREAD (1 2 3 ");
}

}  // namespace
}  // namespace mailmesh::imap
