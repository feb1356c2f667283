#include "tests/unit/services/mailbox_store/store_fixture.h"

#include <rocksdb/db.h>

#include <cstdlib>
#include <filesystem>

namespace mailmesh::mailbox_store {

using namespace mailbox::v1;  // NOLINT: the contract under test

StoreFixture::StoreFixture() {
  std::string name = (std::filesystem::temp_directory_path() / "mailmesh-store-XXXXXX").string();
  folder_ = ::mkdtemp(name.data());
  options_.path = folder_ + "/store";
  options_.clock = &clock_;
  options_.write_buffer_bytes = 8 << 20;
  options_.free_space_floor_bytes = 32 << 20;
  options_.ballast_bytes = 0;
  options_.special_mailboxes = false;
  Open();
}

StoreFixture::~StoreFixture() {
  store_.reset();
  std::filesystem::remove_all(folder_);
}

void StoreFixture::Open() {
  auto store = Store::Open(options_);
  ASSERT_TRUE(store.ok()) << store.status();
  store_ = std::move(store).value();
}

void StoreFixture::Crash() {
  const std::string copy = folder_ + "/crash" + std::to_string(++crashes_);
  // Nothing may vanish between the listing and the copying.
  ASSERT_TRUE(store().db().raw().DisableFileDeletions().ok());
  std::filesystem::copy(options_.path, copy, std::filesystem::copy_options::recursive);
  std::filesystem::remove(copy + "/db/LOCK");
  Close();
  options_.path = copy;
  Open();
}

std::string StoreFixture::Message(const std::string& subject, const std::string& text) {
  return "From: Ann <ann@example.org>\r\nTo: bob@example.net\r\nSubject: " + subject +
         "\r\nDate: Fri, 21 Nov 1997 09:55:06 -0600\r\nMessage-ID: <" + subject + "@example.org>\r\n\r\n" + text;
}

DeliverMessageRequest StoreFixture::Delivery(const std::vector<std::string>& accounts, const std::string& octets) {
  DeliverMessageRequest request;
  request.set_request_id(NewRequestId());
  request.mutable_body()->set_inline_octets(octets);
  for (const std::string& account : accounts) {
    DeliveryRecipient* recipient = request.add_recipients();
    recipient->set_account_id(account);
    recipient->set_forward_path(account + "@example.org");
  }
  return request;
}

uint32_t StoreFixture::Deliver(const std::string& account, const std::string& octets) {
  const auto response = Wait(store(), &DeliverMessage, Delivery({account}, octets));
  EXPECT_TRUE(response.ok()) << response.status();
  if (!response.ok()) return 0;
  EXPECT_EQ(response->results(0).code(), 0) << response->results(0).detail();
  return response->results(0).uid();
}

absl::StatusOr<AppendMessagesResponse> StoreFixture::Append(const std::string& account, const std::string& mailbox,
                                                            const std::string& octets, uint32_t flags,
                                                            const std::vector<std::string>& keywords) {
  AppendMessagesRequest request;
  request.set_request_id(NewRequestId());
  request.set_account_id(account);
  request.set_mailbox(mailbox);
  NewMessage* message = request.add_messages();
  message->mutable_body()->set_inline_octets(octets);
  message->mutable_flags()->set_system_flags(flags);
  for (const std::string& keyword : keywords) message->mutable_flags()->add_keywords(keyword);
  return Wait(store(), &AppendMessages, request);
}

absl::Status StoreFixture::Create(const std::string& account, const std::string& mailbox, const std::string& special_use) {
  CreateMailboxRequest request;
  request.set_request_id(NewRequestId());
  request.set_account_id(account);
  request.set_mailbox(mailbox);
  request.set_special_use(special_use);
  return Wait(store(), &CreateMailbox, request).status();
}

OpenMailboxResponse StoreFixture::OpenBox(const std::string& account, const std::string& mailbox, bool claim) {
  OpenMailboxRequest request;
  request.set_account_id(account);
  request.set_mailbox(mailbox);
  request.set_claim_recent(claim);
  const auto response = Wait(store(), &OpenMailbox, request);
  EXPECT_TRUE(response.ok()) << response.status();
  return response.value_or(OpenMailboxResponse());
}

MailboxStatus StoreFixture::Status(const std::string& account, const std::string& mailbox) {
  GetMailboxStatusRequest request;
  request.set_account_id(account);
  request.add_mailboxes(mailbox);
  const auto response = GetMailboxStatus(store(), request);
  EXPECT_TRUE(response.ok()) << response.status();
  return response.ok() ? response->statuses(0) : MailboxStatus();
}

std::vector<std::string> StoreFixture::List(const std::string& account) {
  ListMailboxesRequest request;
  request.set_account_id(account);
  const auto response = ListMailboxes(store(), request);
  EXPECT_TRUE(response.ok()) << response.status();
  std::vector<std::string> names;
  if (!response.ok()) return names;
  for (const Mailbox& mailbox : response->mailboxes()) {
    names.push_back(mailbox.name() + (mailbox.no_select() ? " -" : "") + (mailbox.has_children() ? " +" : ""));
  }
  return names;
}

std::map<uint32_t, Flags> StoreFixture::View(const std::string& account, const std::string& mailbox) {
  std::map<uint32_t, Flags> view;
  ReadViewRequest request;
  request.set_account_id(account);
  request.set_mailbox_id(IdOf(account, mailbox));
  auto reader = ReadView(store(), request);
  EXPECT_TRUE(reader.ok()) << reader.status();
  if (!reader.ok()) return view;
  while (true) {
    ReadViewResponse response;
    const auto more = (*reader)->Next(&response);
    EXPECT_TRUE(more.ok()) << more.status();
    if (!more.ok() || !*more) return view;
    uint32_t uid = 0;
    for (int i = 0; i < response.page().uid_deltas_size(); ++i) {
      uid += response.page().uid_deltas(i);
      view[uid] = response.page().flags(i);
    }
  }
}

absl::StatusOr<StoreFlagsResponse> StoreFixture::Flag(const std::string& account, const std::string& mailbox,
                                                      const UidSet& uids, StoreFlagsRequest::Mode mode,
                                                      uint32_t system_flags) {
  StoreFlagsRequest request;
  request.set_request_id(NewRequestId());
  request.set_account_id(account);
  request.set_mailbox_id(IdOf(account, mailbox));
  uids.ToProto(request.mutable_uids());
  request.set_mode(mode);
  request.mutable_flags()->set_system_flags(system_flags);
  return Wait(store(), &StoreFlags, request);
}

absl::StatusOr<ExpungeMessagesResponse> StoreFixture::Expunge(const std::string& account, const std::string& mailbox) {
  ExpungeMessagesRequest request;
  request.set_request_id(NewRequestId());
  request.set_account_id(account);
  request.set_mailbox_id(IdOf(account, mailbox));
  return Wait(store(), &ExpungeMessages, request);
}

std::vector<MessageSummary> StoreFixture::Summaries(const std::string& account, const std::string& mailbox) {
  FetchSummariesRequest request;
  request.set_account_id(account);
  request.set_mailbox_id(IdOf(account, mailbox));
  UidSet::All().ToProto(request.mutable_uids());
  request.set_internal_date(true);
  request.set_size(true);
  request.set_envelope(true);
  request.set_body(true);
  request.set_body_structure(true);
  request.set_message_id(true);
  request.set_save_date(true);
  std::vector<MessageSummary> summaries;
  auto reader = FetchSummaries(store(), request);
  EXPECT_TRUE(reader.ok()) << reader.status();
  while (reader.ok()) {
    FetchSummariesResponse response;
    const auto more = (*reader)->Next(&response);
    EXPECT_TRUE(more.ok()) << more.status();
    if (!more.ok() || !*more) break;
    summaries.insert(summaries.end(), response.summaries().begin(), response.summaries().end());
  }
  return summaries;
}

std::optional<std::string> StoreFixture::Content(const std::string& account, const std::string& mailbox, uint32_t uid,
                                                 const ContentSelector& selector) {
  FetchContentRequest request;
  request.set_account_id(account);
  request.set_mailbox_id(IdOf(account, mailbox));
  UidSet::Single(uid, uid).ToProto(request.mutable_uids());
  *request.add_selectors() = selector;
  auto reader = FetchContent(store(), request);
  EXPECT_TRUE(reader.ok()) << reader.status();
  std::string octets;
  uint64_t total = 0;
  bool last = false;
  while (reader.ok()) {
    FetchContentResponse response;
    const auto more = (*reader)->Next(&response);
    EXPECT_TRUE(more.ok()) << more.status();
    if (!more.ok() || !*more) break;
    EXPECT_LE(response.ByteSizeLong(), kResponseOctets + 65536);
    for (const ContentChunk& chunk : response.chunks()) {
      EXPECT_EQ(chunk.uid(), uid);
      if (chunk.missing()) return std::nullopt;
      if (chunk.first()) total = chunk.total_bytes();
      octets += chunk.octets();
      last = chunk.last();
    }
  }
  EXPECT_TRUE(last);
  EXPECT_EQ(total, octets.size());
  return last ? std::optional<std::string>(octets) : std::nullopt;
}

std::vector<uint32_t> StoreFixture::Search(const std::string& account, const std::string& mailbox, const SearchKey& key) {
  SearchMessagesRequest request;
  request.set_account_id(account);
  request.set_mailbox_id(IdOf(account, mailbox));
  *request.mutable_key() = key;
  const auto response = SearchMessages(store(), request, nullptr);
  EXPECT_TRUE(response.ok()) << response.status();
  std::vector<uint32_t> uids;
  if (!response.ok()) return uids;
  for (int i = 0; i < response->uids().first_size(); ++i) {
    for (uint32_t uid = response->uids().first(i); uid <= response->uids().last(i); ++uid) uids.push_back(uid);
  }
  return uids;
}

std::string StoreFixture::Upload(const std::string& octets) {
  auto writer = store().uploads().Begin();
  EXPECT_TRUE(writer.ok()) << writer.status();
  for (size_t at = 0; at < octets.size(); at += 100'000) {
    EXPECT_TRUE((*writer)->Append(std::string_view(octets).substr(at, 100'000)).ok());
  }
  const auto id = (*writer)->Finish();
  EXPECT_TRUE(id.ok()) << id.status();
  return id.value_or("");
}

void StoreFixture::CollectAll() {
  Collector collector(store(), {});
  for (int i = 0; i < 1000; ++i) {
    const auto more = collector.RunOnce();
    ASSERT_TRUE(more.ok()) << more.status();
    ASSERT_TRUE(store().pipeline().Flush().ok());
    if (!*more && CountKeys(ColumnId::kGarbage) == 0) return;
    if (!*more && i > 10) return;
  }
}

size_t StoreFixture::CountKeys(ColumnId column) {
  auto it = store().db().NewIterator(store().column(column), "", "");
  size_t count = 0;
  for (it->SeekToFirst(); it->Valid(); it->Next()) ++count;
  EXPECT_TRUE(it->status().ok());
  return count;
}

}  // namespace mailmesh::mailbox_store
