// The client machine against a hostile server: bounded output, and each recipient has an outcome when the transaction
// is over.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/smtp/client_machine.h"
#include "common/smtp/replies.h"

using namespace mailmesh::smtp;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  ClientOptions options;
  options.protocol = (data[0] & 1) != 0 ? Protocol::kLmtp : Protocol::kSmtp;
  options.use_chunking = (data[0] & 2) != 0;
  options.max_in_flight = 1 + data[0] / 16;
  options.name = "client.test";
  ClientMachine machine(options);
  Transaction transaction;
  for (const char* recipient : {"a@x", "b@x", "c@x"})
    transaction.recipients.push_back({*ParseMailbox(recipient), {}, {}});
  std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  bool begun = false;
  for (int step = 0; step < 10000; ++step) {
    const client::Event event = machine.Next(input);
    if (std::holds_alternative<client::NeedInput>(event)) break;
    if (std::holds_alternative<client::Greeted>(event)) (void)machine.Hello();
    if (std::holds_alternative<client::AuthChallenged>(event)) (void)machine.AuthCancel();
    if (std::holds_alternative<client::HelloDone>(event)) begun = machine.Begin(transaction).ok();
    if (std::holds_alternative<client::SendContent>(event)) {
      (void)machine.SendContent("a\n.\rb");
      (void)machine.EndContent();
    }
    if (std::holds_alternative<client::TransactionDone>(event)) {
      for (const Outcome& outcome : machine.outcomes()) {
        if (outcome.verdict == Verdict::kPending) std::abort();
      }
      begun = machine.Begin(transaction).ok();
    }
    if (machine.output().size() > 100000) machine.output().clear();
  }
  machine.ConnectionLost(replies::kConnectionLost);
  if (!begun) return 0;
  for (const Outcome& outcome : machine.outcomes()) {
    if (outcome.verdict == Verdict::kPending) std::abort();
  }
  return 0;
}
