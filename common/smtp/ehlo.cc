#include "common/smtp/ehlo.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "common/smtp/replies.h"
#include "common/text/ascii.h"

namespace mailmesh::smtp {
namespace {

struct Keyword {
  Extension extension;
  std::string_view word;
};

// In the order in which they are offered.
constexpr Keyword kKeywords[] = {
    {Extension::kPipelining, "PIPELINING"},
    {Extension::kSize, "SIZE"},
    {Extension::kEtrn, "ETRN"},
    {Extension::kStartTls, "STARTTLS"},
    {Extension::kRequireTls, "REQUIRETLS"},
    {Extension::kAuth, "AUTH"},
    {Extension::kEnhancedStatusCodes, "ENHANCEDSTATUSCODES"},
    {Extension::k8BitMime, "8BITMIME"},
    {Extension::kDsn, "DSN"},
    {Extension::kSmtpUtf8, "SMTPUTF8"},
    {Extension::kChunking, "CHUNKING"},
    {Extension::kBinaryMime, "BINARYMIME"},
    {Extension::kVrfy, "VRFY"},
    {Extension::kExpn, "EXPN"},
    {Extension::kHelp, "HELP"},
};

constexpr size_t kMaxMechanisms = 64;
constexpr size_t kMaxMechanism = 20;  // RFC 4422, 3.1
constexpr std::string_view kOldAuth = "AUTH=";

std::string UpperAscii(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
  }
  return out;
}

std::string_view TakeWord(std::string_view& text) {
  const size_t start = std::min(text.find_first_not_of(' '), text.size());
  const size_t end = std::min(text.find(' ', start), text.size());
  const std::string_view word = text.substr(start, end - start);
  text.remove_prefix(end);
  return word;
}

void AddMechanisms(std::string_view text, Capabilities& out) {
  for (std::string_view word = TakeWord(text); !word.empty(); word = TakeWord(text)) {
    if (word.size() > kMaxMechanism || out.auth_mechanisms.size() == kMaxMechanisms) continue;
    std::string mechanism = UpperAscii(word);
    if (!out.HasMechanism(mechanism)) out.auth_mechanisms.push_back(std::move(mechanism));
  }
}

// RFC 1870, 4: a number that is missing, 0 or not one states no limit.
uint64_t ParseSize(std::string_view text) {
  const std::string_view word = TakeWord(text);
  uint64_t size = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), size);
  return error == std::errc() && end == word.data() + word.size() ? size : 0;
}

void ParseLine(std::string_view line, Capabilities& out) {
  // RFC 4954 came after servers that wrote "AUTH=LOGIN"; clients of old wanted it, and some servers offer only that.
  if (text::StartsWithIgnoreAsciiCase(line, kOldAuth)) {
    out.extensions.Add(Extension::kAuth);
    AddMechanisms(line.substr(kOldAuth.size()), out);
    return;
  }
  const std::string_view word = TakeWord(line);
  for (const Keyword& keyword : kKeywords) {
    if (!text::EqualsIgnoreAsciiCase(word, keyword.word)) continue;
    out.extensions.Add(keyword.extension);
    if (keyword.extension == Extension::kSize) out.max_size = ParseSize(line);
    if (keyword.extension == Extension::kAuth) AddMechanisms(line, out);
  }
}

}  // namespace

bool Capabilities::HasMechanism(std::string_view mechanism) const {
  return std::any_of(auth_mechanisms.begin(), auth_mechanisms.end(),
                     [&](const std::string& own) { return text::EqualsIgnoreAsciiCase(own, mechanism); });
}

Reply BuildEhloReply(std::string_view name, const Capabilities& offer) {
  Reply reply(replies::kEhloCode, {}, std::string(name));
  for (const Keyword& keyword : kKeywords) {
    if (!offer.Has(keyword.extension)) continue;
    std::string line(keyword.word);
    if (keyword.extension == Extension::kSize && offer.max_size > 0) absl::StrAppend(&line, " ", offer.max_size);
    if (keyword.extension == Extension::kAuth) {
      if (offer.auth_mechanisms.empty()) continue;
      for (const std::string& mechanism : offer.auth_mechanisms) absl::StrAppend(&line, " ", mechanism);
    }
    reply.lines.push_back(std::move(line));
  }
  return reply;
}

Capabilities ParseEhloReply(const Reply& reply) {
  Capabilities out;
  for (size_t i = 0; i < reply.lines.size(); ++i) {
    std::string_view line = reply.lines[i];
    if (i == 0) {
      out.peer_name = TakeWord(line);
    } else {
      ParseLine(line, out);
    }
  }
  return out;
}

}  // namespace mailmesh::smtp
