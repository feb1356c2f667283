// Scripted dialogues: what the client sends, what a server answers, what a session sees.
#include "common/pop3/client_machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace mailmesh::pop3 {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string Name(const client::Event& event) {
  struct Visitor {
    std::string operator()(const client::NeedInput&) { return ""; }
    std::string operator()(const client::Greeted& e) { return "greeted " + e.timestamp.value_or("-"); }
    std::string operator()(const client::Replied& e) {
      return std::string(VerbName(e.verb)) + (e.number > 0 ? " " + std::to_string(e.number) : "") + " " +
             e.reply.ToString();
    }
    std::string operator()(const client::CapaDone& e) {
      return std::string("capa ") + (e.capabilities.stls ? "stls" : "-");
    }
    std::string operator()(const client::TlsReady&) { return "tls"; }
    std::string operator()(const client::AuthChallenged& e) { return "challenge " + e.challenge; }
    std::string operator()(const client::StatDone& e) {
      return "stat " + std::to_string(e.drop.count) + " " + std::to_string(e.drop.size);
    }
    std::string operator()(const client::ListEntry& e) {
      return "list " + std::to_string(e.entry.number) + " " + std::to_string(e.entry.size);
    }
    std::string operator()(const client::UidlEntry& e) {
      return "uidl " + std::to_string(e.entry.number) + " " + std::string(e.entry.unique_id);
    }
    std::string operator()(const client::BadListEntry&) { return "bad"; }
    std::string operator()(const client::ListingDone& e) { return "done " + std::string(VerbName(e.verb)); }
    std::string operator()(const client::MessageBegins& e) { return "begins " + std::to_string(e.number); }
    std::string operator()(const client::MessageContent&) { return "content"; }
    std::string operator()(const client::MessageDone& e) {
      return "message " + std::to_string(e.number) + " " + std::to_string(e.size);
    }
    std::string operator()(const client::Failed&) { return "failed"; }
  };
  return std::visit(Visitor(), event);
}

class Dialogue {
 public:
  explicit Dialogue(ClientOptions options = {}) : machine(options) {}

  std::vector<std::string> Hear(std::string_view input) {
    std::vector<std::string> names;
    for (;;) {
      const client::Event event = machine.Next(input);
      content += machine.TakeContent();
      if (std::holds_alternative<client::NeedInput>(event)) break;
      if (!std::holds_alternative<client::MessageContent>(event)) names.push_back(Name(event));
    }
    EXPECT_TRUE(input.empty());
    return names;
  }
  std::string Sent() { return std::exchange(machine.output(), {}); }
  Dialogue& Greet() {
    EXPECT_THAT(Hear("+OK ready\r\n"), ElementsAre("greeted -"));
    return *this;
  }

  ClientMachine machine;
  std::string content;
};

TEST(Pop3ClientTest, AFetchAtEverySplit) {
  const std::string_view script =
      "+OK ready <1@x>\r\n+OK list\r\nTOP\r\nSTLS\r\n.\r\n+OK who\r\n+OK in\r\n+OK 2 300\r\n+OK\r\n1 a\r\n2 b\r\n.\r\n"
      "+OK 100 octets\r\nhi\r\n..dot\r\n.\r\n+OK\r\n-ERR no\r\n+OK bye\r\n";
  const auto run = [&](const std::vector<std::string_view>& parts, Dialogue& d) {
    std::vector<std::string> names;
    bool asked = false;
    for (std::string_view part : parts) {
      for (std::string& name : d.Hear(part)) names.push_back(std::move(name));
      if (!asked && d.machine.greeted()) {
        asked = true;
        EXPECT_TRUE(d.machine.Capa().ok() && d.machine.User("joe").ok() && d.machine.Pass(base::Secret("pw")).ok());
        EXPECT_TRUE(d.machine.Stat().ok() && d.machine.Uidl().ok() && d.machine.Retr(1).ok() && d.machine.Dele(1).ok());
        EXPECT_TRUE(d.machine.Dele(2).ok() && d.machine.Quit().ok());
      }
    }
    return names;
  };
  const size_t greeting = script.find('\n') + 1;
  for (size_t split = greeting; split <= script.size(); ++split) {
    Dialogue d;
    EXPECT_THAT(
        run({script.substr(0, greeting), script.substr(greeting, split - greeting), script.substr(split)}, d),
        ElementsAre("greeted <1@x>", "capa stls", "USER +OK who", "PASS +OK in", "stat 2 300", "uidl 1 a", "uidl 2 b",
                    "done UIDL", "begins 1", "message 1 10", "DELE 1 +OK", "DELE 2 -ERR no", "QUIT +OK bye"))
        << split;
    EXPECT_EQ(d.content, "hi\r\n.dot\r\n");
    EXPECT_EQ(d.machine.in_flight(), 0U);
    EXPECT_EQ(d.Sent(), "CAPA\r\nUSER joe\r\nPASS pw\r\nSTAT\r\nUIDL\r\nRETR 1\r\nDELE 1\r\nDELE 2\r\nQUIT\r\n");
  }
  Dialogue octets;
  std::vector<std::string_view> parts;
  for (size_t i = 0; i < script.size(); ++i) parts.push_back(script.substr(i, 1));
  EXPECT_EQ(run(parts, octets).size(), 13U);
  EXPECT_EQ(octets.content, "hi\r\n.dot\r\n");
}

TEST(Pop3ClientTest, OneLineListings) {
  Dialogue d;
  d.Greet();
  ASSERT_TRUE(d.machine.List(2).ok() && d.machine.Uidl(2).ok() && d.machine.List(3).ok() && d.machine.Uidl(4).ok());
  EXPECT_EQ(d.Sent(), "LIST 2\r\nUIDL 2\r\nLIST 3\r\nUIDL 4\r\n");
  EXPECT_THAT(d.Hear("+OK 2 200\r\n+OK 2 abc\r\n-ERR no such message\r\n+OK what\r\n"),
              ElementsAre("list 2 200", "uidl 2 abc", "LIST 3 -ERR no such message", "bad"));
}

TEST(Pop3ClientTest, AListingOf50000StreamsWithoutBeingKept) {
  std::string listing = "+OK\r\n";
  for (int i = 1; i <= 50000; ++i) listing += std::to_string(i) + " id-" + std::to_string(i) + "\r\n";
  listing += ".\r\n";
  Dialogue d;
  d.Greet();
  ASSERT_TRUE(d.machine.Uidl().ok());
  std::string_view input = listing;
  size_t entries = 0;
  size_t largest = 0;
  while (!input.empty()) {
    // Reads of 1000 octets, so that lines are cut anywhere.
    std::string_view part = input.substr(0, 1000);
    input.remove_prefix(part.size());
    for (;;) {
      const client::Event event = d.machine.Next(part);
      if (std::holds_alternative<client::NeedInput>(event)) break;
      if (const auto* entry = std::get_if<client::UidlEntry>(&event)) {
        ++entries;
        EXPECT_EQ(entry->entry.number, entries);
        EXPECT_EQ(entry->entry.unique_id, "id-" + std::to_string(entries));
      }
      largest = std::max(largest, d.machine.content().size());
    }
  }
  EXPECT_EQ(entries, 50000U);
  EXPECT_EQ(largest, 0U);
  EXPECT_EQ(d.machine.in_flight(), 0U);
}

TEST(Pop3ClientTest, Stls) {
  Dialogue d;
  d.Greet();
  ASSERT_TRUE(d.machine.Stls().ok());
  EXPECT_THAT(d.Hear("+OK begin\r\n"), ElementsAre("tls"));
  EXPECT_FALSE(d.machine.Capa().ok());
  d.machine.TlsEstablished();
  EXPECT_TRUE(d.machine.Capa().ok());

  Dialogue injected;
  injected.Greet();
  ASSERT_TRUE(injected.machine.Stls().ok());
  EXPECT_THAT(injected.Hear("+OK begin\r\n+OK evil\r\n"), ElementsAre("failed"));
  Dialogue later;
  later.Greet();
  ASSERT_TRUE(later.machine.Stls().ok());
  later.Hear("+OK begin\r\n");
  EXPECT_THAT(later.Hear("+"), ElementsAre("failed"));
  Dialogue refused;
  refused.Greet();
  ASSERT_TRUE(refused.machine.Stls().ok());
  EXPECT_THAT(refused.Hear("-ERR no\r\n"), ElementsAre("STLS -ERR no"));
  ASSERT_TRUE(refused.machine.Noop().ok());
  EXPECT_FALSE(refused.machine.Stls().ok());
}

TEST(Pop3ClientTest, Auth) {
  Dialogue d;
  d.Greet();
  ASSERT_TRUE(d.machine.AuthPlain("a", base::Secret("b")).ok());
  EXPECT_EQ(d.Sent(), "AUTH PLAIN AGEAYg==\r\n");
  EXPECT_FALSE(d.machine.Stat().ok());
  EXPECT_THAT(d.Hear("-ERR [AUTH] no\r\n"), ElementsAre("AUTH -ERR [AUTH] no"));
  ASSERT_TRUE(d.machine.Auth("SCRAM-SHA-256", std::nullopt).ok());
  EXPECT_EQ(d.Sent(), "AUTH SCRAM-SHA-256\r\n");
  EXPECT_THAT(d.Hear("+ d2hvPw==\r\n"), ElementsAre("challenge who?"));
  ASSERT_TRUE(d.machine.AuthRespond(base::Secret("me")).ok());
  EXPECT_EQ(d.Sent(), "bWU=\r\n");
  EXPECT_FALSE(d.machine.AuthRespond(base::Secret("me")).ok());
  EXPECT_THAT(d.Hear("+OK in\r\n"), ElementsAre("AUTH +OK in"));
  EXPECT_TRUE(d.machine.Stat().ok());
}

TEST(Pop3ClientTest, ALongInitialResponseWaitsForTheChallenge) {
  Dialogue d;
  d.Greet();
  ASSERT_TRUE(d.machine.AuthPlain("a", base::Secret(std::string(200, 'p'))).ok());
  EXPECT_EQ(d.Sent(), "AUTH PLAIN\r\n");
  EXPECT_THAT(d.Hear("+ \r\n"), IsEmpty());
  EXPECT_GT(d.Sent().size(), 200U);
  EXPECT_THAT(d.Hear("+OK\r\n"), ElementsAre("AUTH +OK"));
}

TEST(Pop3ClientTest, AnUnreadableChallengeIsCancelled) {
  Dialogue d;
  d.Greet();
  ASSERT_TRUE(d.machine.Auth("PLAIN", std::nullopt).ok());
  d.Sent();
  EXPECT_THAT(d.Hear("+ !!\r\n"), IsEmpty());
  EXPECT_EQ(d.Sent(), "*\r\n");
  EXPECT_THAT(d.Hear("-ERR cancelled\r\n"), ElementsAre("AUTH -ERR cancelled"));
}

TEST(Pop3ClientTest, NothingBreaksTheLine) {
  Dialogue d;
  EXPECT_FALSE(d.machine.Stat().ok());  // before the greeting
  d.Greet();
  EXPECT_FALSE(d.machine.User("a\r\nDELE 1").ok());
  EXPECT_FALSE(d.machine.Pass(base::Secret("a\nb")).ok());
  EXPECT_FALSE(d.machine.Auth("A B", std::nullopt).ok());
  EXPECT_EQ(d.Sent(), "");
}

TEST(Pop3ClientTest, HostileServers) {
  EXPECT_THAT(Dialogue().Hear("220 smtp\r\n"), ElementsAre("failed"));
  EXPECT_THAT(Dialogue().Greet().Hear("+OK what\r\n"), ElementsAre("failed"));
  EXPECT_THAT(Dialogue().Hear(std::string(100000, 'x')), ElementsAre("failed"));

  ClientOptions options;
  options.max_capability_lines = 3;
  options.max_listing_lines = 3;
  options.max_message_size = 10;
  options.max_in_flight = 2;
  for (int lines : {2, 3, 4}) {
    std::string body = "+OK\r\n";
    for (int i = 1; i <= lines; ++i) body += std::to_string(i) + " x\r\n";
    body += ".\r\n";
    Dialogue capa(options);
    capa.Greet();
    ASSERT_TRUE(capa.machine.Capa().ok());
    EXPECT_EQ(capa.Hear(body).back(), lines <= 3 ? "capa -" : "failed");
    Dialogue uidl(options);
    uidl.Greet();
    ASSERT_TRUE(uidl.machine.Uidl().ok());
    EXPECT_EQ(uidl.Hear(body).back(), lines <= 3 ? "done UIDL" : "failed");
  }
  for (size_t size : {9U, 10U, 11U}) {
    Dialogue retr(options);
    retr.Greet();
    ASSERT_TRUE(retr.machine.Retr(1).ok());
    EXPECT_EQ(retr.Hear("+OK\r\n" + std::string(size - 2, 'x') + "\r\n.\r\n").back(),
              size <= 10 ? "message 1 " + std::to_string(size) : "failed");
  }
  Dialogue full(options);
  full.Greet();
  EXPECT_TRUE(full.machine.Noop().ok() && full.machine.Noop().ok());
  EXPECT_FALSE(full.machine.Noop().ok());
}

TEST(Pop3ClientTest, AServerOfBareLf) {
  Dialogue d;
  EXPECT_THAT(d.Hear("+OK ready\n"), ElementsAre("greeted -"));
  ASSERT_TRUE(d.machine.Retr(1).ok());
  EXPECT_THAT(d.Hear("+OK\na\n..b\n.\n"), ElementsAre("begins 1", "message 1 5"));
  EXPECT_EQ(d.content, "a\n.b\n");
}

TEST(Pop3ClientTest, BadListLinesAreSkipped) {
  Dialogue d;
  d.Greet();
  ASSERT_TRUE(d.machine.List().ok());
  EXPECT_THAT(d.Hear("+OK\r\n1 100\r\nx\r\n..5\r\n2 200\r\n.\r\n"),
              ElementsAre("list 1 100", "bad", "bad", "list 2 200", "done LIST"));
}

}  // namespace
}  // namespace mailmesh::pop3
