// Uploads, sections, partials, decoding, search.

#include "absl/strings/str_cat.h"
#include "common/base/bytes.h"
#include "common/rpc/status.h"
#include "tests/unit/services/mailbox_store/store_fixture.h"

namespace mailmesh::mailbox_store {
namespace {

using namespace mailbox::v1;  // NOLINT: the contract under test
using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kMultipart[] =
    "From: ann@example.org\r\n"
    "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    "X-Custom: one\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\n"
    "\r\n"
    "--b\r\n"
    "Content-Type: text/plain; charset=iso-8859-1\r\n"
    "Content-Transfer-Encoding: base64\r\n"
    "\r\n"
    "SORSbGUgaGVyZQ==\r\n"
    "--b\r\n"
    "Content-Type: message/rfc822\r\n"
    "\r\n"
    "Subject: inner\r\n"
    "\r\n"
    "inner text\r\n"
    "--b--\r\n";

ContentSelector Selector(std::vector<uint32_t> part, ContentSelector::Section section = ContentSelector::SECTION_UNSPECIFIED) {
  ContentSelector selector;
  for (uint32_t number : part) selector.add_part(number);
  selector.set_section(section);
  return selector;
}

class ContentTest : public StoreFixture {
 protected:
  std::optional<std::string> Get(const ContentSelector& selector) { return Content("ann", "INBOX", 1, selector); }
  DeliverMessageRequest Uploaded(const std::string& upload_id, const std::string& trace) {
    DeliverMessageRequest request = Delivery({"ann"}, "");
    request.mutable_body()->set_upload_id(upload_id);
    request.mutable_body()->set_trace_fields(trace);
    return request;
  }
  static std::string Big(size_t size) {
    std::string text = Message("big", "");
    for (size_t line = 0; text.size() < size; ++line) text += absl::StrCat("line ", line, " of a large message\r\n");
    text.resize(size);
    return text;
  }
};

TEST_F(ContentTest, SectionsOfAMultipart) {
  Deliver("ann", kMultipart);
  EXPECT_EQ(Get(Selector({})), kMultipart);
  EXPECT_EQ(Get(Selector({1})), "SORSbGUgaGVyZQ==");
  EXPECT_EQ(Get(Selector({1}, ContentSelector::SECTION_MIME)),
            "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: base64\r\n\r\n");
  EXPECT_EQ(Get(Selector({2}, ContentSelector::SECTION_HEADER)), "Subject: inner\r\n\r\n");
  EXPECT_EQ(Get(Selector({2}, ContentSelector::SECTION_TEXT)), "inner text");
  EXPECT_EQ(Get(Selector({3})), std::nullopt);
  EXPECT_EQ(Get(Selector({1}, ContentSelector::SECTION_TEXT)), std::nullopt);
  ContentSelector fields = Selector({}, ContentSelector::SECTION_HEADER_FIELDS);
  fields.add_fields("x-custom");
  fields.add_fields("FROM");
  EXPECT_EQ(Get(fields), "From: ann@example.org\r\nX-Custom: one\r\n\r\n");
  fields.set_section(ContentSelector::SECTION_HEADER_FIELDS_NOT);
  EXPECT_EQ(Get(fields),
            "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; "
            "boundary=b\r\n\r\n");
  ContentSelector decoded = Selector({1});
  decoded.set_decode(true);
  EXPECT_EQ(Get(decoded), base::Base64Decode("SORSbGUgaGVyZQ==").value());
  decoded.set_offset(2);
  decoded.set_length(3);
  EXPECT_EQ(Get(decoded), base::Base64Decode("SORSbGUgaGVyZQ==").value().substr(2, 3));
}

TEST_F(ContentTest, PartialsEndWithTheSection) {
  Deliver("ann", Message("x", "0123456789\r\n"));
  ContentSelector selector = Selector({}, ContentSelector::SECTION_TEXT);
  selector.set_offset(3);
  selector.set_length(4);
  EXPECT_EQ(Get(selector), "3456");
  selector.set_offset(11);
  EXPECT_EQ(Get(selector), "\n");
  selector.set_offset(100);
  EXPECT_EQ(Get(selector), "");
  selector.set_offset(4);
  selector.set_length(0);
  EXPECT_EQ(Get(selector), "456789\r\n");
}

TEST_F(ContentTest, TopGivesHeaderAndLines) {
  Deliver("ann", Message("x", "one\r\ntwo\r\nthree\r\n"));
  ContentSelector selector = Selector({}, ContentSelector::SECTION_TOP);
  selector.set_top_lines(0);
  EXPECT_EQ(Get(selector), Message("x", ""));
  selector.set_top_lines(2);
  EXPECT_EQ(Get(selector), Message("x", "one\r\ntwo\r\n"));
  selector.set_top_lines(9);
  EXPECT_EQ(Get(selector), Message("x", "one\r\ntwo\r\nthree\r\n"));
}

TEST_F(ContentTest, AnUploadServesSeveralMessages) {
  const std::string octets = Big(3 * kChunkSize + 17);
  const std::string id = Upload(octets);
  ASSERT_EQ(Wait(store(), &DeliverMessage, Uploaded(id, "Received: first\r\n"))->results(0).code(), 0);
  ASSERT_EQ(Wait(store(), &DeliverMessage, Uploaded(id, ""))->results(0).code(), 0);
  ASSERT_EQ(Wait(store(), &DeliverMessage, Uploaded(id, "Received: a\r\nReturn-Path: <>\r\n"))->results(0).code(), 0);
  Crash();
  EXPECT_EQ(Content("ann", "INBOX", 1), "Received: first\r\n" + octets);
  EXPECT_EQ(Content("ann", "INBOX", 2), octets);
  EXPECT_EQ(Content("ann", "INBOX", 3), "Received: a\r\nReturn-Path: <>\r\n" + octets);
  ContentSelector body = Selector({}, ContentSelector::SECTION_TEXT);
  body.set_offset(kChunkSize - 5);
  body.set_length(kChunkSize + 10);
  EXPECT_EQ(Content("ann", "INBOX", 3, body), octets.substr(octets.find("\r\n\r\n") + 4 + kChunkSize - 5, kChunkSize + 10));
  EXPECT_EQ(Summaries("ann", "INBOX")[2].message_id(), "<big@example.org>");
  // It does not outlive the process that took it.
  const auto refused = Wait(store(), &DeliverMessage, Uploaded(id, ""));
  EXPECT_TRUE(rpc::HasReason(refused.status(), type::v1::ERROR_REASON_UPLOAD_NOT_FOUND)) << refused.status();
  CollectAll();
  EXPECT_EQ(Content("ann", "INBOX", 1), "Received: first\r\n" + octets);
  ASSERT_TRUE(Flag("ann", "INBOX", UidSet::All(), StoreFlagsRequest::MODE_ADD, kDeleted).ok());
  ASSERT_TRUE(Expunge("ann", "INBOX").ok());
  CollectAll();
  EXPECT_EQ(CountKeys(ColumnId::kBlobs), 0u);
}

// RFC 3502: one APPEND may bring many messages, each of them an upload.
TEST_F(ContentTest, UsedUploadsMakeRoomForOthers) {
  const std::string octets = Message("small", "text");
  const std::string first = Upload(octets);
  ASSERT_EQ(Wait(store(), &DeliverMessage, Uploaded(first, ""))->results(0).code(), 0);
  const std::string unused = Upload(octets);
  while (store().uploads().count() < Uploads::kMaxUploads) Upload(octets);
  EXPECT_TRUE(rpc::HasReason(store().uploads().Begin().status(), type::v1::ERROR_REASON_OVERLOAD));
  // A call may be repeated until then.
  EXPECT_TRUE(store().uploads().Pin(first).ok());
  clock_.Advance(Uploads::kRepetitionTime - absl::Seconds(1));
  EXPECT_FALSE(store().uploads().Begin().ok());
  clock_.Advance(absl::Seconds(1));
  {
    const auto more = store().uploads().Begin();
    EXPECT_TRUE(more.ok()) << more.status();
    EXPECT_FALSE(store().uploads().Begin().ok());  // there was one
  }
  EXPECT_FALSE(store().uploads().Pin(first).ok());
  EXPECT_TRUE(store().uploads().Pin(unused).ok());
  CollectAll();
  EXPECT_EQ(Content("ann", "INBOX", 1), octets);
}

TEST_F(ContentTest, UnusedUploadsAreCollected) {
  Upload(Big(2 * kChunkSize));
  {
    auto unfinished = store().uploads().Begin();
    ASSERT_TRUE((*unfinished)->Append(Big(kChunkSize + 1)).ok());
  }
  CollectAll();
  EXPECT_EQ(CountKeys(ColumnId::kBlobs), 2u);
  clock_.Advance(absl::Hours(1) + absl::Seconds(1));
  CollectAll();
  EXPECT_EQ(CountKeys(ColumnId::kBlobs), 0u);
  EXPECT_EQ(CountKeys(ColumnId::kGarbage), 0u);
  EXPECT_EQ(CountKeys(ColumnId::kReferences), 0u);
}

TEST_F(ContentTest, SizesAtTheLimits) {
  Deliver("ann", Big(kChunkSize));
  EXPECT_EQ(Content("ann", "INBOX", 1), Big(kChunkSize));
  const auto inline_refused = Wait(store(), &DeliverMessage, Delivery({"ann"}, Big(kChunkSize + 1)));
  EXPECT_TRUE(rpc::HasReason(inline_refused.status(), type::v1::ERROR_REASON_TOO_LARGE));
  auto with_trace = Delivery({"ann"}, Big(kChunkSize));
  with_trace.mutable_body()->set_trace_fields("X: " + std::string(kMaxTraceFields - 5, 'x') + "\r\n");
  ASSERT_TRUE(Wait(store(), &DeliverMessage, with_trace).ok());
  EXPECT_EQ(Content("ann", "INBOX", 2), with_trace.body().trace_fields() + Big(kChunkSize));
  with_trace.set_request_id("larger");
  with_trace.mutable_body()->mutable_trace_fields()->push_back('x');
  EXPECT_FALSE(Wait(store(), &DeliverMessage, with_trace).ok());

  Close();
  options_.max_message_bytes = 1'000'000;
  Open();
  for (size_t size : {999'999, 1'000'000}) {
    auto writer = store().uploads().Begin();
    ASSERT_TRUE((*writer)->Append(std::string(size, 'x')).ok());
    ASSERT_TRUE((*writer)->Finish().ok());
  }
  auto writer = store().uploads().Begin();
  ASSERT_TRUE((*writer)->Append(std::string(1'000'000, 'x')).ok());
  EXPECT_TRUE(rpc::HasReason((*writer)->Append("x"), type::v1::ERROR_REASON_TOO_LARGE));
}

SearchKey Header(const std::string& field, const std::string& text) {
  SearchKey key;
  key.mutable_header()->set_field(field);
  key.mutable_header()->set_text(text);
  return key;
}

TEST_F(ContentTest, SearchKeys) {
  Deliver("ann", kMultipart);
  ASSERT_TRUE(Append("ann", "INBOX", Message("Second", "needle\r\n"), kSeen, {"$Work"}).ok());
  Deliver("ann", Message("third", std::string(5000, 'x')));
  auto find = [&](const SearchKey& key) { return Search("ann", "INBOX", key); };
  EXPECT_THAT(find(Header("Subject", "grÜß")), ElementsAre(1));
  EXPECT_THAT(find(Header("subject", "SECOND")), ElementsAre(2));
  EXPECT_THAT(find(Header("X-Custom", "")), ElementsAre(1));
  EXPECT_THAT(find(Header("Message-ID", "third@")), ElementsAre(3));
  EXPECT_THAT(find(Header("Cc", "")), IsEmpty());
  SearchKey key;
  key.set_body("Needle");
  EXPECT_THAT(find(key), ElementsAre(2));
  key.set_body("inner text");
  EXPECT_THAT(find(key), ElementsAre(1));
  key.set_text("ann@example.org");
  EXPECT_THAT(find(key), ElementsAre(1, 2, 3));
  key.mutable_flag()->set_system_flag(kSeen);
  EXPECT_THAT(find(key), ElementsAre(2));
  key.mutable_flag()->set_system_flag(0);
  key.mutable_flag()->set_keyword("$work");
  EXPECT_THAT(find(key), ElementsAre(2));
  SearchKey negated;
  *negated.mutable_negated() = key;
  EXPECT_THAT(find(negated), ElementsAre(1, 3));
  key.mutable_size()->set_larger(true);
  key.mutable_size()->set_size_bytes(5000);
  EXPECT_THAT(find(key), ElementsAre(3));
  key.mutable_date()->set_field(DateTest::FIELD_SENT);
  key.mutable_date()->set_relation(DateTest::RELATION_ON);
  key.mutable_date()->set_day(10186);  // 1997-11-21
  EXPECT_THAT(find(key), ElementsAre(2, 3));
  key.mutable_date()->set_field(DateTest::FIELD_INTERNAL);
  key.mutable_date()->set_relation(DateTest::RELATION_SINCE);
  EXPECT_THAT(find(key), ElementsAre(1, 2, 3));
  key.set_younger_seconds(10);
  EXPECT_THAT(find(key), ElementsAre(1, 2, 3));
  // RFC 5032, 2: a message of just that age is of both.
  clock_.Advance(absl::Seconds(10));
  EXPECT_THAT(find(key), ElementsAre(1, 2, 3));
  key.set_older_seconds(10);
  EXPECT_THAT(find(key), ElementsAre(1, 2, 3));
  key.set_older_seconds(11);
  EXPECT_THAT(find(key), IsEmpty());
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(find(key), ElementsAre(1, 2, 3));
  key.set_younger_seconds(10);
  EXPECT_THAT(find(key), IsEmpty());
  SearchKey any;
  *any.mutable_any_of()->add_keys() = Header("Subject", "second");
  *any.mutable_any_of()->add_keys() = Header("Subject", "third");
  EXPECT_THAT(find(any), ElementsAre(2, 3));
  SearchKey all;
  *all.mutable_all_of()->add_keys() = any;
  all.mutable_all_of()->add_keys()->mutable_uids()->add_first(3);
  all.mutable_all_of()->mutable_keys(1)->mutable_uids()->add_last(kMaxUid);
  EXPECT_THAT(find(all), ElementsAre(3));
  SearchKey everything;
  everything.mutable_all_of();
  EXPECT_THAT(find(everything), ElementsAre(1, 2, 3));
}

TEST_F(ContentTest, SearchProgramsAreBounded) {
  Deliver("ann", Message("x"));
  SearchMessagesRequest request;
  request.set_account_id("ann");
  request.set_mailbox_id(IdOf("ann", "INBOX"));
  for (int i = 0; i < 1000; ++i) request.mutable_key()->mutable_all_of()->add_keys()->set_modseq_at_least(0);
  EXPECT_FALSE(SearchMessages(store(), request, nullptr).ok());
  request.mutable_key()->mutable_all_of()->mutable_keys()->RemoveLast();
  EXPECT_TRUE(SearchMessages(store(), request, nullptr).ok());
  SearchKey* key = request.mutable_key();
  for (int i = 0; i < 65; ++i) key = key->mutable_negated();
  key->set_modseq_at_least(0);
  EXPECT_FALSE(SearchMessages(store(), request, nullptr).ok());
  request.mutable_key()->set_modseq_at_least(0);
  EXPECT_TRUE(absl::IsCancelled(SearchMessages(store(), request, [] { return true; }).status()));
}

}  // namespace
}  // namespace mailmesh::mailbox_store
