// The content codecs. The reader is compared with a plain definition of RFC 5321, 4.5.2 for every short string over the
// four octets that matter, at every split: no combination of CR, LF and dot is left out.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

#include "common/smtp/bdat_reader.h"
#include "common/smtp/data_reader.h"
#include "common/smtp/data_writer.h"

namespace mailmesh::smtp {
namespace {

struct Decoded {
  std::string content;
  size_t consumed = 0;
  bool done = false;
  bool bare_lf = false;
  bool bare_cr = false;
  bool operator==(const Decoded&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Decoded& d) {
  return out << testing::PrintToString(d.content) << " consumed " << d.consumed << " done " << d.done << " lf "
             << d.bare_lf << " cr " << d.bare_cr;
}

bool HasBareLf(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) return true;
  }
  return false;
}

// A CR at the very end may yet get its LF.
bool HasBareCr(std::string_view text) {
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] == '\r' && text[i + 1] != '\n') return true;
  }
  return false;
}

// The definition: the content ends at the first CRLF . CRLF, where the CRLF of DATA counts as the first; each line that
// starts with a dot loses it. Only for complete input.
std::optional<Decoded> Define(std::string_view input) {
  const std::string whole = "\r\n" + std::string(input);
  const size_t end = whole.find("\r\n.\r\n");
  if (end == std::string::npos) return std::nullopt;
  Decoded out;
  out.done = true;
  out.consumed = end + 5 - 2;
  const std::string body = whole.substr(0, end + 2);
  for (size_t i = 2; i < body.size(); ++i) {
    if (body[i] == '.' && body[i - 1] == '\n' && body[i - 2] == '\r') continue;
    out.content.push_back(body[i]);
  }
  out.bare_lf = HasBareLf(body);
  out.bare_cr = HasBareCr(body);
  return out;
}

void Feed(DataReader& reader, std::string_view part, Decoded& out) { out.consumed += reader.Decode(part, out.content); }

void Note(const DataReader& reader, Decoded& out) {
  out.done = reader.done();
  out.bare_lf = reader.bare_lf();
  out.bare_cr = reader.bare_cr();
}

Decoded Decode(std::string_view input, size_t split) {
  DataReader reader;
  Decoded out;
  Feed(reader, input.substr(0, split), out);
  Feed(reader, input.substr(split), out);
  Note(reader, out);
  return out;
}

Decoded DecodeOctets(std::string_view input) {
  DataReader reader;
  Decoded out;
  for (size_t i = 0; i < input.size() && !reader.done(); ++i) Feed(reader, input.substr(i, 1), out);
  Note(reader, out);
  return out;
}

TEST(DataReaderTest, EveryShortStringAtEverySplitIsAsDefined) {
  constexpr std::string_view kOctets = "a.\r\n";
  constexpr std::string_view kEnd = "\r\n.\r\n";
  for (size_t length = 0; length <= 7; ++length) {
    for (size_t code = 0; code < 1U << (2 * length); ++code) {
      std::string input;
      for (size_t i = 0; i < length; ++i) input.push_back(kOctets[code >> (2 * i) & 3]);
      // The end makes it complete, and what is behind the end must be left alone.
      input.append(kEnd).append("Q");
      const Decoded defined = *Define(input);
      ASSERT_EQ(DecodeOctets(input), defined) << testing::PrintToString(input);
      for (size_t split = 0; split <= input.size(); ++split) {
        ASSERT_EQ(Decode(input, split), defined) << testing::PrintToString(input) << " split at " << split;
      }
    }
  }
}

// The variants by which mail was smuggled: none of them ends DATA, and each is flagged.
TEST(DataReaderTest, SmugglingVariantsDoNotEndData) {
  const std::string_view ends[] = {
      "\n.\n",       "\n.\r\n",   "\r.\r",     "\r.\r\n",     "\r\n.\n",     "\r\n.\r",     "\n.\r",     "\r.\n",
      "\r\n\n.\r\n", "\r\r\n.\n", "\n\r.\r\n", "\r\n.\r\r\n", "\r\n.\n\r\n", "\r\n\r.\r\n", "\n\n.\n\n", "\r\n.\r.\r\n",
  };
  for (std::string_view end : ends) {
    for (size_t pad = 0; pad < 3; ++pad) {
      const std::string attack =
          "Subject: x\r\n\r\nbody" + std::string(end) + "MAIL FROM:<evil@x>" + std::string(pad, 'x');
      const std::string input = attack + "\r\n.\r\nQUIT\r\n";
      for (size_t split = 0; split <= input.size(); ++split) {
        const Decoded out = Decode(input, split);
        ASSERT_TRUE(out.done);
        EXPECT_EQ(out.consumed, input.size() - 6) << testing::PrintToString(end) << " split at " << split;
        EXPECT_TRUE(out.bare_lf || out.bare_cr) << testing::PrintToString(end);
      }
    }
  }
}

TEST(DataReaderTest, LeavesWhatIsBehindTheEnd) {
  DataReader reader;
  std::string content;
  const std::string_view input = "hi\r\n.\r\nMAIL FROM:<>\r\n";
  EXPECT_EQ(reader.Decode(input, content), 7U);
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(content, "hi\r\n");
  EXPECT_EQ(reader.Decode("more", content), 0U);
}

TEST(DataReaderTest, EmptyContent) {
  const Decoded out = Decode(".\r\n", 1);
  EXPECT_TRUE(out.done);
  EXPECT_EQ(out.content, "");
}

TEST(DataReaderTest, GoesOnCountingPastTheLimit) {
  for (size_t size : {99U, 100U, 101U, 100000U}) {
    const std::string body(size - 2, 'x');
    for (bool octets : {false, true}) {
      DataReader reader(100);
      std::string content;
      const std::string input = body + "\r\n.\r\n";
      if (octets) {
        for (size_t i = 0; i < input.size(); ++i)
          EXPECT_EQ(reader.Decode(std::string_view(input).substr(i, 1), content), 1U);
      } else {
        EXPECT_EQ(reader.Decode(input, content), input.size());
      }
      EXPECT_TRUE(reader.done());
      EXPECT_EQ(reader.size(), size);
      EXPECT_EQ(reader.too_big(), size > 100);
      EXPECT_LE(content.size(), 100U);
      if (size <= 100) {
        EXPECT_EQ(content.size(), size);
      }
    }
  }
}

TEST(DataReaderTest, KeepsEveryOctet) {
  std::string all;
  for (int c = 0; c < 256; ++c) {
    if (c != '\r' && c != '\n') all.push_back(static_cast<char>(c));
  }
  const Decoded out = Decode(all + "\r\n.\r\n", 100);
  EXPECT_EQ(out.content, all + "\r\n");
}

std::string Encode(std::string_view content, size_t split, StrayLineEndings stray) {
  DataWriter writer(stray);
  std::string out;
  writer.Write(content.substr(0, split), out);
  writer.Write(content.substr(split), out);
  writer.Finish(out);
  return out;
}

TEST(DataWriterTest, WhatIsWrittenIsReadAgain) {
  constexpr std::string_view kOctets = "a.\r\n";
  for (size_t length = 0; length <= 6; ++length) {
    for (size_t code = 0; code < 1U << (2 * length); ++code) {
      std::string content;
      for (size_t i = 0; i < length; ++i) content.push_back(kOctets[code >> (2 * i) & 3]);
      const std::string kept = Encode(content, content.size(), StrayLineEndings::kKeep);
      const std::string clean = Encode(content, content.size(), StrayLineEndings::kNormalise);
      for (size_t split = 0; split < content.size(); ++split) {
        ASSERT_EQ(Encode(content, split, StrayLineEndings::kKeep), kept);
        ASSERT_EQ(Encode(content, split, StrayLineEndings::kNormalise), clean);
      }
      const Decoded back = Decode(kept, kept.size());
      ASSERT_TRUE(back.done);
      ASSERT_EQ(back.consumed, kept.size()) << testing::PrintToString(content);
      const bool complete = content.empty() || content.ends_with("\r\n");
      ASSERT_EQ(back.content, complete ? content : content + "\r\n");

      // Nothing that is normalised can be taken for another end, whatever the server takes for a line end.
      const Decoded cleaned = Decode(clean, clean.size());
      ASSERT_EQ(cleaned.consumed, clean.size());
      ASSERT_FALSE(cleaned.bare_lf);
      ASSERT_FALSE(cleaned.bare_cr);
      ASSERT_FALSE(HasBareLf(clean));
      ASSERT_FALSE(HasBareCr(clean));
      if (!HasBareLf(content) && !HasBareCr(content + "x")) {
        ASSERT_EQ(clean, kept);
      }
    }
  }
}

TEST(DataWriterTest, NormalisesStrayEndings) {
  EXPECT_EQ(Encode("a\nb\rc\r\nd\n.\r\n", 3, StrayLineEndings::kNormalise), "a\r\nb\r\nc\r\nd\r\n..\r\n.\r\n");
  EXPECT_EQ(Encode("a\r", 1, StrayLineEndings::kNormalise), "a\r\n.\r\n");
  EXPECT_EQ(Encode("a\r\r\n", 2, StrayLineEndings::kNormalise), "a\r\n\r\n.\r\n");
}

TEST(BdatReaderTest, CountsAndFlags) {
  BdatReader reader(10);
  std::string content;
  reader.BeginChunk(3);
  EXPECT_EQ(reader.Decode("a\r\nBDAT", content), 3U);
  EXPECT_TRUE(reader.chunk_done());
  reader.BeginChunk(0);
  EXPECT_TRUE(reader.chunk_done());
  reader.BeginChunk(7);
  EXPECT_EQ(reader.Decode("123", content), 3U);
  EXPECT_EQ(reader.Decode("45\r", content), 3U);
  EXPECT_FALSE(reader.chunk_done());
  EXPECT_EQ(reader.Decode("\nX", content), 1U);
  reader.Finish();
  EXPECT_EQ(content, "a\r\n12345\r\n");
  EXPECT_FALSE(reader.too_big());
  EXPECT_FALSE(reader.bare_cr() || reader.bare_lf());
  reader.BeginChunk(2);
  EXPECT_EQ(reader.Skip("abc"), 2U);
  reader.BeginChunk(1);
  reader.Decode("\n", content);
  EXPECT_TRUE(reader.bare_lf());
  EXPECT_TRUE(reader.too_big());
  EXPECT_EQ(content.size(), 10U);
}

TEST(BdatReaderTest, FlagsAcrossChunks) {
  for (std::string_view text : {"a\r\nb\r\n", "a\rb", "a\nb", "a\r", "\n", "\r\n\r\n", "\r\r\n"}) {
    for (size_t split = 0; split <= text.size(); ++split) {
      BdatReader reader;
      std::string content;
      reader.BeginChunk(split);
      reader.Decode(text.substr(0, split), content);
      reader.BeginChunk(text.size() - split);
      reader.Decode(text.substr(split), content);
      reader.Finish();
      EXPECT_EQ(reader.bare_lf(), HasBareLf(text)) << testing::PrintToString(text) << split;
      EXPECT_EQ(reader.bare_cr(), HasBareCr(std::string(text) + "x")) << testing::PrintToString(text) << split;
    }
  }
}

}  // namespace
}  // namespace mailmesh::smtp
