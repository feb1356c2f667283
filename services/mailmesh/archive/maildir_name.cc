// Names of Maildir's folders and files.
#include <algorithm>
#include <charconv>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/imap/mailbox_name.h"
#include "services/mailmesh/archive/maildir.h"

namespace mailmesh::archive {
namespace {

constexpr size_t kMaxFileName = 255;
// "." as modified UTF-7 may not write it but every decoder reads it.
constexpr std::string_view kDot = "&AC4-";

struct SystemLetter {
  char letter;
  const char* flag;
};
// P, "passed", is what IMAP calls $Forwarded (RFC 5788).
constexpr SystemLetter kLetters[] = {{'D', "\\Draft"},    {'F', "\\Flagged"}, {'P', "$Forwarded"},
                                     {'R', "\\Answered"}, {'S', "\\Seen"},    {'T', "\\Deleted"}};

template <class Number>
std::optional<Number> ToNumber(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "U0000000012V1700000000": a name that the writer made.
void ParseUid(std::string_view part, MaildirName& name) {
  const size_t v = part.find('V');
  if (part.empty() || part.front() != 'U' || v == std::string_view::npos) return;
  const auto uid = ToNumber<uint32_t>(part.substr(1, v - 1));
  const auto validity = ToNumber<uint32_t>(part.substr(v + 1));
  if (!uid || !validity) return;
  name.uid = *uid;
  name.uid_validity = *validity;
}

}  // namespace

absl::StatusOr<std::string> MaildirFolderName(std::string_view mailbox) {
  if (imap::IsInbox(mailbox)) return "";
  std::string name;
  for (const auto level : absl::StrSplit(absl::string_view(mailbox.data(), mailbox.size()), '/')) {
    std::vector<std::string> pieces;
    for (const auto piece : absl::StrSplit(level, '.')) {
      pieces.push_back(imap::EncodeModifiedUtf7(std::string_view(piece.data(), piece.size())));
    }
    absl::StrAppend(&name, ".", absl::StrJoin(pieces, std::string(kDot)));
  }
  if (name.size() > kMaxFileName) {
    return absl::InvalidArgumentError(absl::StrCat("the name is too long for Maildir: ", std::string(mailbox)));
  }
  return name;
}

absl::StatusOr<std::string> MailboxOfMaildirFolder(std::string_view name) {
  if (name.empty()) return std::string(imap::kInbox);
  if (name.front() == '.') name.remove_prefix(1);
  std::vector<std::string> levels;
  for (const auto level : absl::StrSplit(absl::string_view(name.data(), name.size()), '.')) {
    std::vector<std::string> pieces;
    for (const auto piece : absl::StrSplit(level, std::string(kDot))) {
      ASSIGN_OR_RETURN(std::string decoded, imap::DecodeModifiedUtf7(std::string_view(piece.data(), piece.size())));
      pieces.push_back(std::move(decoded));
    }
    levels.push_back(absl::StrJoin(pieces, "."));
  }
  return imap::CanonicalMailboxName(absl::StrJoin(levels, "/"));
}

KeywordLetters KeywordLetters::Parse(std::string_view text) {
  KeywordLetters letters;
  for (const auto line : absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    const std::pair<std::string, std::string> entry = absl::StrSplit(line, absl::MaxSplits(' ', 1));
    const auto index = ToNumber<size_t>(entry.first);
    if (!index || *index >= kMax || entry.second.empty()) continue;
    if (letters.names_.size() <= *index) letters.names_.resize(*index + 1);
    letters.names_[*index] = entry.second;
  }
  return letters;
}

std::string KeywordLetters::ToText() const {
  std::string text;
  for (size_t i = 0; i < names_.size(); ++i) {
    if (!names_[i].empty()) absl::StrAppend(&text, i, " ", names_[i], "\n");
  }
  return text;
}

std::optional<char> KeywordLetters::LetterOf(const std::string& keyword) {
  auto found = std::find(names_.begin(), names_.end(), keyword);
  if (found == names_.end()) found = std::find(names_.begin(), names_.end(), "");
  if (found == names_.end()) {
    if (names_.size() >= kMax) return std::nullopt;
    found = names_.emplace(names_.end());
  }
  *found = keyword;
  return static_cast<char>('a' + (found - names_.begin()));
}

std::string KeywordLetters::NameOf(char letter) const {
  const auto index = static_cast<size_t>(letter - 'a');
  return letter >= 'a' && index < names_.size() ? names_[index] : "";
}

std::string MaildirFlags(const std::vector<std::string>& flags, KeywordLetters& keywords, uint64_t* lost) {
  std::string letters;
  for (const std::string& flag : flags) {
    const auto* system = std::find_if(std::begin(kLetters), std::end(kLetters),
                                      [&](const SystemLetter& each) { return flag == each.flag; });
    if (system != std::end(kLetters)) {
      letters += system->letter;
    } else if (const auto letter = keywords.LetterOf(flag)) {
      letters += *letter;
    } else {
      ++*lost;
    }
  }
  // "in ASCII order", says the specification.
  std::sort(letters.begin(), letters.end());
  return letters;
}

std::vector<std::string> FlagsOfMaildir(std::string_view letters, const KeywordLetters& keywords) {
  std::vector<std::string> flags;
  for (const char letter : letters) {
    const auto* system = std::find_if(std::begin(kLetters), std::end(kLetters),
                                      [&](const SystemLetter& each) { return letter == each.letter; });
    std::string name = system != std::end(kLetters) ? system->flag : keywords.NameOf(letter);
    if (!name.empty()) flags.push_back(std::move(name));
  }
  return flags;
}

MaildirName ParseMaildirName(std::string_view text) {
  MaildirName name;
  const size_t info = text.find(":2,");
  if (info != std::string_view::npos) name.letters = text.substr(info + 3);
  // Dovecot puts its own fields after the letters.
  name.letters = name.letters.substr(0, name.letters.find(','));
  name.unique = text.substr(0, std::min(info, text.find(':')));
  const std::vector<std::string> fields = absl::StrSplit(name.unique, ',');
  const std::vector<std::string> parts = absl::StrSplit(fields.front(), '.');
  name.seconds = ToNumber<uint64_t>(parts.front()).value_or(0);
  if (parts.size() == 3 && parts[2] == "mailmesh") ParseUid(parts[1], name);
  for (size_t i = 1; i < fields.size(); ++i) {
    const std::string_view field = fields[i];
    if (field.starts_with("S=")) name.size = ToNumber<uint64_t>(field.substr(2));
    if (field.starts_with("W=")) name.size_with_crlf = ToNumber<uint64_t>(field.substr(2));
    if (field.starts_with("Z=")) name.zone_minutes = ToNumber<int32_t>(field.substr(2));
  }
  if (name.zone_minutes && !IsStorable({{}, 0, *name.zone_minutes})) name.zone_minutes.reset();
  return name;
}

}  // namespace mailmesh::archive
