// A store in a folder of its own, and short ways to say what a test does to it.
#ifndef MAILMESH_TESTS_UNIT_SERVICES_MAILBOX_STORE_STORE_FIXTURE_H_
#define MAILMESH_TESTS_UNIT_SERVICES_MAILBOX_STORE_STORE_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "common/base/fake_clock.h"
#include "services/mailbox_store/engine/collector.h"
#include "services/mailbox_store/engine/fetch_jobs.h"
#include "services/mailbox_store/engine/operations.h"
#include "services/mailbox_store/engine/reads.h"
#include "services/mailbox_store/engine/store.h"
#include "services/mailbox_store/engine/uploads.h"

namespace mailmesh::mailbox_store {

// Runs an operation and waits for its result.
template <class Response, class Request>
absl::StatusOr<Response> Wait(Store& store, void (*operation)(Store&, const Request&, Done<Response>),
                              const Request& request) {
  absl::Notification done;
  absl::StatusOr<Response> result = absl::InternalError("not answered");
  operation(store, request, [&](absl::StatusOr<Response> response) {
    result = std::move(response);
    done.Notify();
  });
  done.WaitForNotification();
  return result;
}

class StoreFixture : public testing::Test {
 protected:
  StoreFixture();
  ~StoreFixture() override;

  void Open();
  void Close() { store_.reset(); }
  void Reopen() {
    Close();
    Open();
  }
  // As a crash leaves it: what is on disk now, copied while the store still runs, then opened.
  void Crash();
  Store& store() { return *store_; }

  std::string NewRequestId() { return "r" + std::to_string(++requests_); }
  static std::string Message(const std::string& subject, const std::string& text = "hello\r\n");

  mailbox::v1::DeliverMessageRequest Delivery(const std::vector<std::string>& accounts, const std::string& octets);
  // The UID.
  uint32_t Deliver(const std::string& account, const std::string& octets);
  absl::StatusOr<mailbox::v1::AppendMessagesResponse> Append(const std::string& account, const std::string& mailbox,
                                                             const std::string& octets, uint32_t flags = 0,
                                                             const std::vector<std::string>& keywords = {});
  absl::Status Create(const std::string& account, const std::string& mailbox, const std::string& special_use = {});
  mailbox::v1::OpenMailboxResponse OpenBox(const std::string& account, const std::string& mailbox, bool claim = false);
  std::string IdOf(const std::string& account, const std::string& mailbox) { return OpenBox(account, mailbox).mailbox_id(); }
  mailbox::v1::MailboxStatus Status(const std::string& account, const std::string& mailbox);
  std::vector<std::string> List(const std::string& account);
  // UID -> flags.
  std::map<uint32_t, Flags> View(const std::string& account, const std::string& mailbox);
  absl::StatusOr<mailbox::v1::StoreFlagsResponse> Flag(const std::string& account, const std::string& mailbox,
                                                       const UidSet& uids, mailbox::v1::StoreFlagsRequest::Mode mode,
                                                       uint32_t system_flags);
  absl::StatusOr<mailbox::v1::ExpungeMessagesResponse> Expunge(const std::string& account, const std::string& mailbox);
  std::vector<mailbox::v1::MessageSummary> Summaries(const std::string& account, const std::string& mailbox);
  // The octets of one selector of one message; nothing when it is missing.
  std::optional<std::string> Content(const std::string& account, const std::string& mailbox, uint32_t uid,
                                     const mailbox::v1::ContentSelector& selector = {});
  std::vector<uint32_t> Search(const std::string& account, const std::string& mailbox, const mailbox::v1::SearchKey& key);
  std::string Upload(const std::string& octets);
  void CollectAll();
  size_t CountKeys(ColumnId column);

  std::string folder_;
  base::FakeClock clock_;
  StoreOptions options_;
  std::unique_ptr<Store> store_;

 private:
  int requests_ = 0;
  int crashes_ = 0;
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_TESTS_UNIT_SERVICES_MAILBOX_STORE_STORE_FIXTURE_H_
