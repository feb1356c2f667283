// Both kinds of archives: what goes in comes out, octet for octet; and what other programs wrote is understood.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/base/random.h"
#include "services/mailmesh/archive/maildir.h"
#include "services/mailmesh/archive/mbox.h"

namespace mailmesh::archive {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Message {
  MessageFacts facts;
  std::string octets;
};

class ArchiveTest : public testing::Test {
 protected:
  ArchiveTest() : path_(std::filesystem::temp_directory_path() / ("archive-" + base::NewIdText())) {}
  ~ArchiveTest() override { std::filesystem::remove_all(path_); }

  static void Write(ArchiveWriter& writer, uint32_t uid, const Message& message) {
    for (const LineEnds ends : {LineEnds::kLf, LineEnds::kAsIs}) {
      ASSERT_TRUE(writer.Begin(uid, message.octets.size(), message.facts, ends).ok());
      for (const char c : message.octets) ASSERT_TRUE(writer.Write(std::string_view(&c, 1)).ok());
      const auto kept = writer.End();
      ASSERT_TRUE(kept.ok()) << kept.status();
      if (*kept) return;
      ASSERT_EQ(ends, LineEnds::kLf);
    }
  }

  static std::vector<Message> ReadAll(ArchiveReader& reader, const std::string& folder, std::vector<std::string>* keys = nullptr) {
    std::vector<Message> messages;
    const absl::Status status = reader.ForEach(folder, [&](ArchivedMessage& message) -> absl::Status {
      messages.push_back({message.facts, ""});
      if (keys != nullptr) keys->push_back(message.key);
      for (std::string piece;;) {
        const absl::Status next = message.octets->Next(&piece);
        if (!next.ok()) return next;
        if (piece.empty()) return absl::OkStatus();
        messages.back().octets += piece;
      }
    });
    EXPECT_TRUE(status.ok()) << status;
    return messages;
  }

  // Messages whose octets are easy to get wrong.
  static std::vector<Message> Hard() {
    std::vector<Message> messages;
    for (const std::string text :
         {"Subject: plain\r\n\r\nbody\r\n", "Subject: no end\r\n\r\nno line end", "", "\r\n", "Subject: From\r\n\r\nFrom me\r\n>From you\r\n",
          "Subject: bare LF\r\n\r\na\nb\r\n\nFrom x\n", "Subject: CRs\r\n\r\na\rb\r\r\nc\r", "X: blank lines at the end\r\n\r\n\r\n\r\n\r\n",
          "From the first line\r\n\r\n", "X-Mailmesh-Export: lines=1 octets=1 ends=raw date=1 zone=0 flags=\r\n\r\nmine\r\n",
          "Status: RO\r\nSubject: has a status\r\n\r\n8-bit \xff\xfe\r\n", "header without body"}) {
      messages.push_back({{{"\\Seen", "$Label1"}, 1'700'000'000 + static_cast<int64_t>(messages.size()), 90}, text});
    }
    messages.back().octets += std::string(1, '\0') + std::string(300'000, 'x') + "\r\n";
    messages[0].facts = {{}, 5, -300};
    messages[1].facts.flags = {"\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "$Forwarded", "Other"};
    return messages;
  }

  void ExpectRoundTrip(ArchiveWriter& writer, const std::function<std::unique_ptr<ArchiveReader>()>& open) {
    const std::vector<Message> messages = Hard();
    const std::vector<std::string> folders = {"INBOX", "Work.dept/2024", "Grüße & Küsse/\"q\""};
    for (const std::string& folder : folders) {
      ASSERT_TRUE(writer.BeginFolder(folder, 7).ok());
      for (size_t i = 0; i < messages.size(); ++i) Write(writer, static_cast<uint32_t>(i + 1), messages[i]);
      ASSERT_TRUE(writer.EndFolder().ok());
    }
    const auto reader = open();
    EXPECT_THAT(reader->Folders(), testing::UnorderedElementsAreArray(folders));
    for (const std::string& folder : folders) {
      const std::vector<Message> read = ReadAll(*reader, folder);
      ASSERT_EQ(read.size(), messages.size());
      for (size_t i = 0; i < messages.size(); ++i) {
        EXPECT_EQ(read[i].octets, messages[i].octets) << folder << " " << i;
        EXPECT_THAT(read[i].facts.flags, testing::UnorderedElementsAreArray(messages[i].facts.flags));
        EXPECT_EQ(read[i].facts.date_seconds, messages[i].facts.date_seconds);
        EXPECT_EQ(read[i].facts.zone_minutes, messages[i].facts.zone_minutes);
      }
    }
  }

  void WriteFile(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
  }

  std::filesystem::path path_;
};

TEST_F(ArchiveTest, MaildirRoundTrip) {
  uint64_t lost = 0;
  const auto writer = MakeMaildirWriter(path_, &lost);
  ExpectRoundTrip(*writer, [&] { return OpenMaildir(path_).value(); });
  EXPECT_EQ(lost, 0u);
  EXPECT_TRUE(std::filesystem::exists(path_ / ".Work&AC4-dept.2024" / "cur"));
}

TEST_F(ArchiveTest, MboxRoundTrip) {
  const auto writer = MakeMboxWriter(path_);
  ExpectRoundTrip(*writer, [&] { return OpenMbox(path_, "").value(); });
  EXPECT_TRUE(std::filesystem::exists(path_ / "Work.dept" / "2024.mbox"));
}

TEST_F(ArchiveTest, AMaildirOfAnEarlierRunGoesOn) {
  uint64_t lost = 0;
  const std::vector<Message> messages = Hard();
  {
    const auto writer = MakeMaildirWriter(path_, &lost);
    ASSERT_TRUE(writer->BeginFolder("INBOX", 7).ok());
    Write(*writer, 1, messages[0]);
    // Cut off in the middle of the second.
    ASSERT_TRUE(writer->Begin(2, messages[1].octets.size(), messages[1].facts, LineEnds::kLf).ok());
    ASSERT_TRUE(writer->Write("Subj").ok());
  }
  const auto writer = MakeMaildirWriter(path_, &lost);
  ASSERT_TRUE(writer->BeginFolder("INBOX", 7).ok());
  MessageFacts flagged = messages[0].facts;
  flagged.flags = {"\\Flagged"};
  EXPECT_TRUE(writer->Has(1, flagged).value());
  EXPECT_FALSE(writer->Has(2, messages[1].facts).value());
  Write(*writer, 2, messages[1]);
  ASSERT_TRUE(writer->EndFolder().ok());
  const auto reader = OpenMaildir(path_).value();
  const std::vector<Message> read = ReadAll(*reader, "INBOX");
  ASSERT_EQ(read.size(), 2u);
  EXPECT_THAT(read[0].facts.flags, ElementsAre("\\Flagged"));
  EXPECT_EQ(read[1].octets, messages[1].octets);
  // Another UIDVALIDITY: other messages.
  ASSERT_TRUE(writer->BeginFolder("INBOX", 8).ok());
  EXPECT_FALSE(writer->Has(1, flagged).value());
}

TEST_F(ArchiveTest, MaildirHasTwentySixKeywords) {
  KeywordLetters letters;
  uint64_t lost = 0;
  std::vector<std::string> flags;
  for (int i = 0; i < 26; ++i) flags.push_back("k" + std::to_string(i));
  EXPECT_EQ(MaildirFlags(flags, letters, &lost), "abcdefghijklmnopqrstuvwxyz");
  EXPECT_EQ(lost, 0u);
  EXPECT_EQ(MaildirFlags({"one more", "\\Seen", "k3"}, letters, &lost), "Sd");
  EXPECT_EQ(lost, 1u);
  EXPECT_THAT(FlagsOfMaildir("Sdz!", KeywordLetters::Parse(letters.ToText())), ElementsAre("\\Seen", "k3", "k25"));
}

TEST_F(ArchiveTest, MaildirOfOthers) {
  WriteFile("new/1000000002.M1P2.host", "Subject: second\n\nnew\n");
  WriteFile("cur/1000000001.M1P1.host,S=19,W=22:2,RSa", "Subject: first\n\nx\n\n");
  WriteFile("tmp/1000000003.half", "no");
  WriteFile("dovecot-keywords", "0 $Label1\n1 other\nnonsense\n99 x\n");
  WriteFile(".Sent/cur/1.x:2,", "");
  WriteFile("sub/deep/cur/1.x:2,P", "Subject: fs\r\n\r\nmixed\n");
  std::filesystem::last_write_time(path_ / "new/1000000002.M1P2.host",
                                   std::filesystem::file_time_type::clock::now() - std::chrono::hours(24));
  const auto reader = OpenMaildir(path_).value();
  EXPECT_THAT(reader->Folders(), ElementsAre("INBOX", "Sent", "sub/deep"));
  std::vector<std::string> keys;
  const std::vector<Message> inbox = ReadAll(*reader, "INBOX", &keys);
  ASSERT_EQ(inbox.size(), 2u);
  EXPECT_EQ(inbox[0].octets, "Subject: first\r\n\r\nx\r\n\r\n");
  EXPECT_THAT(inbox[0].facts.flags, ElementsAre("\\Answered", "\\Seen", "$Label1"));
  EXPECT_EQ(inbox[1].octets, "Subject: second\r\n\r\nnew\r\n");
  EXPECT_THAT(inbox[1].facts.flags, IsEmpty());
  EXPECT_THAT(keys, ElementsAre("1000000001.M1P1.host,S=19,W=22", "1000000002.M1P2.host"));
  EXPECT_EQ(ReadAll(*reader, "sub/deep")[0].octets, "Subject: fs\r\n\r\nmixed\r\n");
  EXPECT_FALSE(OpenMaildir(path_ / "tmp").ok());
  EXPECT_FALSE(OpenMaildir(path_ / "nowhere").ok());
}

TEST_F(ArchiveTest, MboxOfOthers) {
  WriteFile("box",
            "From MAILER-DAEMON Sat Mar  1 12:00:00 2026\nX-IMAP: 1 2\nSubject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\n\nx\n\n"
            "From x@y.test Sat Mar  1 12:00:00 2026\nSubject: one\nStatus: RO\nX-Status: AF\nX-Keywords: $Label1  other\n\n"
            ">From there\n\nnot a From line\nFrom here\n\n\n"
            "From - nonsense\nSubject: two\nDate: Sun, 01 Mar 2026 13:00:00 +0100\nX-Mozilla-Status: 0005\n\nlast, no line end");
  const auto reader = OpenMbox(path_ / "box", "Old/Mail").value();
  EXPECT_THAT(reader->Folders(), ElementsAre("Old/Mail"));
  const std::vector<Message> read = ReadAll(*reader, "Old/Mail");
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].octets, "Subject: one\r\n\r\nFrom there\r\n\r\nnot a From line\r\nFrom here\r\n\r\n");
  EXPECT_THAT(read[0].facts.flags, ElementsAre("\\Seen", "\\Answered", "\\Flagged", "$Label1", "other"));
  EXPECT_EQ(read[0].facts.date_seconds, 1772366400);
  EXPECT_EQ(read[1].octets, "Subject: two\r\nDate: Sun, 01 Mar 2026 13:00:00 +0100\r\n\r\nlast, no line end");
  EXPECT_THAT(read[1].facts.flags, ElementsAre("\\Seen", "\\Flagged"));
  EXPECT_EQ(read[1].facts.date_seconds, 1772366400);

  WriteFile("no", "Subject: no mbox\n\n");
  const auto no = OpenMbox(path_ / "no", "X").value();
  EXPECT_FALSE(no->ForEach("X", [](ArchivedMessage&) { return absl::OkStatus(); }).ok());
  WriteFile("empty", "");
  const auto empty = OpenMbox(path_ / "empty", "X").value();
  EXPECT_TRUE(empty->ForEach("X", [](ArchivedMessage&) { return absl::InternalError("there is none"); }).ok());
}

// A store would refuse the message for them.
TEST_F(ArchiveTest, DatesAndZonesThatAreNoneAreLeftOut) {
  WriteFile("box", "From -\nDate: Sun, 01 Mar 2026 13:00:00 +9959\n\nx\n\n"
                   "From x          infinite-future\nDate: Sun, 01 Mar 2026 13:00:00 +0100\n\ny\n");
  const std::vector<Message> read = ReadAll(*OpenMbox(path_ / "box", "X").value(), "X");
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].facts.date_seconds, 0);
  EXPECT_EQ(read[0].facts.zone_minutes, 0);
  EXPECT_EQ(read[1].facts.date_seconds, 1772366400);

  MboxMarker marker{1, 1, LineEnds::kLf, {{}, 1, 1440}};
  EXPECT_TRUE(ParseMboxMarker(FormatMboxMarker(marker)));
  marker.facts.zone_minutes = 1441;
  EXPECT_FALSE(ParseMboxMarker(FormatMboxMarker(marker)));
  marker.facts = {{}, 253'402'300'800, 0};
  EXPECT_FALSE(ParseMboxMarker(FormatMboxMarker(marker)));
  EXPECT_EQ(ParseMaildirName("1.x,Z=-1440:2,").zone_minutes, -1440);
  EXPECT_EQ(ParseMaildirName("1.x,Z=-2147483648:2,").zone_minutes, std::nullopt);
}

TEST_F(ArchiveTest, AShortenedMboxIsNoticed) {
  const auto writer = MakeMboxWriter(path_);
  ASSERT_TRUE(writer->BeginFolder("INBOX", 7).ok());
  Write(*writer, 1, {{}, "Subject: x\r\n\r\n0123456789\r\n"});
  ASSERT_TRUE(writer->EndFolder().ok());
  const auto file = path_ / "INBOX.mbox";
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 6);
  const auto reader = OpenMbox(path_, "").value();
  const absl::Status status = reader->ForEach("INBOX", [](ArchivedMessage& message) {
    absl::Status next;
    for (std::string piece = "x"; next.ok() && !piece.empty();) next = message.octets->Next(&piece);
    return next;
  });
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
}

TEST(ArchiveNames, FolderNamesComeBack) {
  for (const std::string name : {"INBOX", "Work", "Work/2024", "a.b/c..d/.e", "Grüße/日本", "A&B", "INBOX/sub", "%41/..x"}) {
    EXPECT_EQ(MailboxOfMaildirFolder(MaildirFolderName(name).value()).value_or("INBOX"), name == "INBOX" ? "INBOX" : name);
    EXPECT_EQ(MailboxOfMboxFile(MboxFileName(name).value()), name);
  }
  EXPECT_EQ(MaildirFolderName("Work/2024").value(), ".Work.2024");
  EXPECT_EQ(MboxFileName("../x").value(), "%2E./x.mbox");
  EXPECT_TRUE(MaildirFolderName(std::string(254, 'x')).ok());
  EXPECT_FALSE(MaildirFolderName(std::string(255, 'x')).ok());
  EXPECT_TRUE(MboxFileName(std::string(250, 'x')).ok());
  EXPECT_FALSE(MboxFileName(std::string(251, 'x')).ok());
  EXPECT_FALSE(MailboxOfMaildirFolder(".a&zzz").ok());
}

TEST(ArchiveNames, DatesOfFromLines) {
  EXPECT_EQ(DateOfFromLine("From x@y Sat Mar  1 12:00:00 2026\n"), 1772366400);
  EXPECT_EQ(DateOfFromLine("From x@y Sat Mar  1 13:00:00 2026 +0100\r\n"), 1772366400);
  EXPECT_EQ(DateOfFromLine("From -\n"), 0);
  EXPECT_EQ(DateOfFromLine(""), 0);
}

}  // namespace
}  // namespace mailmesh::archive
