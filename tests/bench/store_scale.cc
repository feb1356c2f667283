// How the mailbox store's engine does on one large mailbox and on one account of many: times and memory of the common operations.
//
//   store_scale FOLDER [MESSAGES [MAILBOXES]]      (1,000,000 and 10,000; FOLDER must not exist)
//
// Each operation is measured at a tenth of the size too: where the time of one message or mailbox grows between the two, a step is
// not linear. Everything goes through the engine as the RPCs call it, synced to disk.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/synchronization/notification.h"
#include "common/telemetry/log.h"
#include "services/mailbox_store/engine/collector.h"
#include "services/mailbox_store/engine/operations.h"
#include "services/mailbox_store/engine/reads.h"
#include "services/mailbox_store/engine/store.h"

namespace mailmesh::mailbox_store {
namespace {

using namespace mailbox::v1;  // NOLINT: the contract that is measured

void Check(const absl::Status& status, const char* what) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s: %s\n", what, status.ToString().c_str());
  std::exit(1);
}

double MemoryMiB() {
  std::ifstream statm("/proc/self/statm");
  double size = 0;
  double resident = 0;
  statm >> size >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 20);
}

template <class Response, class Request>
Response Wait(Store& store, void (*operation)(Store&, const Request&, Done<Response>), const Request& request,
              const char* what) {
  absl::Notification done;
  absl::StatusOr<Response> result = absl::InternalError("not answered");
  operation(store, request, [&](absl::StatusOr<Response> response) {
    result = std::move(response);
    done.Notify();
  });
  done.WaitForNotification();
  Check(result.status(), what);
  return std::move(result).value();
}

// Prints how long `work` took, in all and for each of `count`.
void Measure(const char* what, size_t count, const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("  %-44s %9.3f s  %9.2f us each of %-9zu %7.0f MiB\n", what, took.count(),
              took.count() * 1e6 / static_cast<double>(count), count, MemoryMiB());
  std::fflush(stdout);
}

std::string Message(size_t number) {
  return "From: Ann <ann@example.org>\r\nTo: bob@example.net\r\nSubject: message " + std::to_string(number) +
         "\r\nDate: Fri, 21 Nov 1997 09:55:06 -0600\r\nMessage-ID: <m" + std::to_string(number) +
         "@example.org>\r\n\r\nA short text, as most are.\r\n";
}

class Bench {
 public:
  explicit Bench(std::string folder) {
    options_.path = std::move(folder);
    options_.max_mailboxes = 1'000'000;
    Open();
  }

  void Mailbox(const std::string& account, size_t count) {
    account_ = account;
    std::printf("one mailbox of %zu messages\n", count);
    Measure("append, 1,000 a call", count, [&] { Fill(count); });
    const std::string id = Open("INBOX").mailbox_id();
    Measure("open", 1, [&] { Open("INBOX"); });
    Measure("status", 1, [&] { Status("INBOX"); });
    Measure("view", count, [&] { View(id); });
    Measure("summaries of all: envelope, size, date", count, [&] { Summaries(id); });
    Measure("search: flagged", count, [&] { Search(id, false); });
    Measure("search: a word in the subject", count, [&] { Search(id, true); });
    Measure("deliver, one at a time", 1000, [&] {
      for (size_t i = 0; i < 1000; ++i) Deliver(count + i);
    });
    Measure("store a flag on one, 1,000 times", 1000, [&] {
      for (uint32_t i = 0; i < 1000; ++i) Flag(id, UidSet::Single(i * (count / 1000) + 1, i * (count / 1000) + 1), kFlagged);
    });
    Measure("store a flag on all", count, [&] { Flag(id, UidSet::All(), kSeen); });
    Measure("changes since the beginning", count, [&] { Changes(id); });
    Measure("copy a tenth to another mailbox", count / 10, [&] { Copy(id, count); });
    Measure("mark every second", count / 2, [&] { Flag(id, EverySecond(count), kDeleted); });
    Measure("expunge them", count / 2, [&] { Expunge(id); });
    Measure("collect what was expunged", count / 2, [&] { Collect(); });
    Measure("view after it", count / 2, [&] { View(id); });
    Measure("restart, and open", 1, [&] {
      Reopen();
      Open("INBOX");
    });
    Measure("status, view after the restart", count / 2, [&] {
      Status("INBOX");
      View(id);
    });
  }

  void Mailboxes(const std::string& account, size_t count) {
    account_ = account;
    std::printf("one account of %zu mailboxes\n", count);
    Measure("create", count, [&] {
      for (size_t i = 0; i < count; ++i) Create(Name(i));
    });
    Measure("list all, with subscriptions", count, [&] { List(); });
    Measure("status of all, 1,000 a call", count, [&] {
      for (size_t i = 0; i < count; i += 1000) StatusOfMany(i, std::min(count, i + 1000));
    });
    Measure("append one message to each", count, [&] {
      for (size_t i = 0; i < count; ++i) Append(Name(i), 1, 1);
    });
    Measure("subscribe to each", count, [&] {
      for (size_t i = 0; i < count; ++i) Subscribe(Name(i));
    });
    Measure("rename a parent of half of them", count / 2, [&] { Rename("a", "renamed"); });
    Measure("rename one", 1, [&] { Rename("b/1", "b/one"); });
    Measure("delete half of them", count / 2, [&] {
      for (size_t i = 0; i < count; i += 2) Delete("renamed/" + std::to_string(i));
    });
    Measure("collect what was deleted", count / 2, [&] { Collect(); });
    Measure("restart, and list", count / 2, [&] {
      Reopen();
      List();
    });
  }

 private:
  void Open() {
    auto store = Store::Open(options_);
    Check(store.status(), "open");
    store_ = std::move(store).value();
  }
  void Reopen() {
    store_.reset();
    Open();
  }
  std::string NewId() { return "r" + std::to_string(++requests_); }
  static std::string Name(size_t i) { return (i % 2 == 0 ? "a/" : "b/") + std::to_string(i); }

  void Append(const std::string& mailbox, size_t first, size_t count) {
    AppendMessagesRequest request;
    request.set_request_id(NewId());
    request.set_account_id(account_);
    request.set_mailbox(mailbox);
    for (size_t i = 0; i < count; ++i) request.add_messages()->mutable_body()->set_inline_octets(Message(first + i));
    Wait(*store_, &AppendMessages, request, "append");
  }
  void Fill(size_t count) {
    for (size_t i = 0; i < count; i += 1000) Append("INBOX", i, std::min<size_t>(1000, count - i));
  }
  void Deliver(size_t number) {
    DeliverMessageRequest request;
    request.set_request_id(NewId());
    request.mutable_body()->set_inline_octets(Message(number));
    request.add_recipients()->set_account_id(account_);
    Wait(*store_, &DeliverMessage, request, "deliver");
  }
  OpenMailboxResponse Open(const std::string& mailbox) {
    OpenMailboxRequest request;
    request.set_account_id(account_);
    request.set_mailbox(mailbox);
    request.set_claim_recent(true);
    return Wait(*store_, &OpenMailbox, request, "open mailbox");
  }
  void Status(const std::string& mailbox) {
    GetMailboxStatusRequest request;
    request.set_account_id(account_);
    request.add_mailboxes(mailbox);
    Check(GetMailboxStatus(*store_, request).status(), "status");
  }
  void StatusOfMany(size_t first, size_t end) {
    GetMailboxStatusRequest request;
    request.set_account_id(account_);
    for (size_t i = first; i < end; ++i) request.add_mailboxes(Name(i));
    Check(GetMailboxStatus(*store_, request).status(), "status");
  }
  template <class Response>
  void Drain(absl::StatusOr<StreamReaderPtr<Response>> reader, const char* what) {
    Check(reader.status(), what);
    while (true) {
      Response response;
      const absl::StatusOr<bool> more = (*reader)->Next(&response);
      Check(more.status(), what);
      if (!*more) return;
    }
  }
  void View(const std::string& id) {
    ReadViewRequest request;
    request.set_account_id(account_);
    request.set_mailbox_id(id);
    Drain(ReadView(*store_, request), "view");
  }
  void Summaries(const std::string& id) {
    FetchSummariesRequest request;
    request.set_account_id(account_);
    request.set_mailbox_id(id);
    UidSet::All().ToProto(request.mutable_uids());
    request.set_envelope(true);
    request.set_size(true);
    request.set_internal_date(true);
    Drain(FetchSummaries(*store_, request), "summaries");
  }
  void Search(const std::string& id, bool text) {
    SearchMessagesRequest request;
    request.set_account_id(account_);
    request.set_mailbox_id(id);
    if (text) {
      request.mutable_key()->mutable_header()->set_field("Subject");
      request.mutable_key()->mutable_header()->set_text("message 77");
    } else {
      request.mutable_key()->mutable_flag()->set_system_flag(SYSTEM_FLAG_FLAGGED);
    }
    Check(SearchMessages(*store_, request, [] { return false; }).status(), "search");
  }
  void Flag(const std::string& id, const UidSet& uids, Flags flag) {
    StoreFlagsRequest request;
    request.set_request_id(NewId());
    request.set_account_id(account_);
    request.set_mailbox_id(id);
    uids.ToProto(request.mutable_uids());
    request.set_mode(StoreFlagsRequest::MODE_ADD);
    request.mutable_flags()->set_system_flags(static_cast<uint32_t>(flag));
    Wait(*store_, &StoreFlags, request, "store flags");
  }
  static UidSet EverySecond(size_t count) {
    UidSet uids;
    for (uint32_t uid = 1; uid <= count; uid += 2) uids.Append(uid);
    return uids;
  }
  void Changes(const std::string& id) {
    // Too many to tell is an answer too.
    const auto changes = ReadChanges(*store_, account_, *ParseMailboxId(id), 1);
    if (!absl::IsOutOfRange(changes.status())) Check(changes.status(), "changes");
  }
  void Copy(const std::string& id, size_t count) {
    Create("copies");
    CopyMessagesRequest request;
    request.set_request_id(NewId());
    request.set_account_id(account_);
    request.set_mailbox_id(id);
    UidSet::Single(1, static_cast<uint32_t>(count / 10)).ToProto(request.mutable_uids());
    request.set_to_mailbox("copies");
    Wait(*store_, &CopyMessages, request, "copy");
  }
  void Expunge(const std::string& id) {
    ExpungeMessagesRequest request;
    request.set_request_id(NewId());
    request.set_account_id(account_);
    request.set_mailbox_id(id);
    Wait(*store_, &ExpungeMessages, request, "expunge");
  }
  void Collect() {
    Collector collector(*store_, {});
    while (true) {
      const absl::StatusOr<bool> more = collector.RunOnce();
      Check(more.status(), "collect");
      if (!*more) return;
    }
  }
  void Create(const std::string& name) {
    CreateMailboxRequest request;
    request.set_request_id(NewId());
    request.set_account_id(account_);
    request.set_mailbox(name);
    Wait(*store_, &CreateMailbox, request, "create");
  }
  void Subscribe(const std::string& name) {
    SetSubscriptionRequest request;
    request.set_request_id(NewId());
    request.set_account_id(account_);
    request.set_mailbox(name);
    request.set_subscribed(true);
    Wait(*store_, &SetSubscription, request, "subscribe");
  }
  void Rename(const std::string& from, const std::string& to) {
    RenameMailboxRequest request;
    request.set_request_id(NewId());
    request.set_account_id(account_);
    request.set_from(from);
    request.set_to(to);
    Wait(*store_, &RenameMailbox, request, "rename");
  }
  void Delete(const std::string& name) {
    DeleteMailboxRequest request;
    request.set_request_id(NewId());
    request.set_account_id(account_);
    request.set_mailbox(name);
    Wait(*store_, &DeleteMailbox, request, "delete");
  }
  void List() {
    ListMailboxesRequest request;
    request.set_account_id(account_);
    request.set_include_subscribed_names(true);
    do {
      const auto response = ListMailboxes(*store_, request);
      Check(response.status(), "list");
      request.set_page_token(response->next_page_token());
    } while (!request.page_token().empty());
  }

  StoreOptions options_;
  std::unique_ptr<Store> store_;
  std::string account_;
  size_t requests_ = 0;
};

int Main(int argc, char** argv) {
  size_t messages = 1'000'000;
  size_t mailboxes = 10'000;
  if (argc < 2 || argc > 4 || (argc > 2 && !absl::SimpleAtoi(argv[2], &messages)) ||
      (argc > 3 && !absl::SimpleAtoi(argv[3], &mailboxes)) || std::filesystem::exists(argv[1]) || messages < 20'000) {
    std::fprintf(stderr, "usage: store_scale FOLDER [MESSAGES [MAILBOXES]]: FOLDER must not exist; 20,000 messages at least\n");
    return 2;
  }
  telemetry::SetLogLevel(telemetry::Level::kWarning);
  {
    Bench bench(argv[1]);
    bench.Mailbox("small", messages / 10);
    bench.Mailbox("large", messages);
    bench.Mailboxes("few", mailboxes / 10);
    bench.Mailboxes("many", mailboxes);
  }
  std::filesystem::remove_all(argv[1]);
  return 0;
}

}  // namespace
}  // namespace mailmesh::mailbox_store

int main(int argc, char** argv) { return mailmesh::mailbox_store::Main(argc, argv); }
