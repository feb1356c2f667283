// What stands in an archive beside the octets of its messages: names of files and folders, keywords, the mbox field, dates. What was
// read is written and read again as the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "common/imap/mailbox_name.h"
#include "services/mailmesh/archive/maildir.h"
#include "services/mailmesh/archive/mbox.h"

using namespace mailmesh;
using namespace mailmesh::archive;

namespace {

void CheckMaildirFile(std::string_view text) {
  const MaildirName name = ParseMaildirName(text);
  if (!text.starts_with(name.unique) || name.letters.find(',') != std::string::npos) std::abort();
  // A change of flags changes nothing else.
  const MaildirName other = ParseMaildirName(name.unique + ":2,S");
  if (other.unique != name.unique || other.seconds != name.seconds || other.uid != name.uid || other.size != name.size) std::abort();
  if (other.letters != "S" || other.zone_minutes != name.zone_minutes) std::abort();
  if (!IsStorable({{}, 0, name.zone_minutes.value_or(0)})) std::abort();
}

void CheckFolders(std::string_view text) {
  if (const auto mailbox = MailboxOfMaildirFolder(text); mailbox.ok()) {
    const auto name = MaildirFolderName(*mailbox);
    if (name.ok() && MailboxOfMaildirFolder(*name).value() != *mailbox) std::abort();
  }
  if (const auto file = MboxFileName(text); file.ok() && MailboxOfMboxFile(*file) != imap::CanonicalMailboxName(text)) std::abort();
  MailboxOfMboxFile(text);
}

void CheckKeywords(std::string_view text) {
  const KeywordLetters keywords = KeywordLetters::Parse(text);
  const std::string written = keywords.ToText();
  if (KeywordLetters::Parse(written).ToText() != written) std::abort();
  if (FlagsOfMaildir(text, keywords).size() > text.size()) std::abort();
}

void CheckMarker(std::string_view text) {
  const auto marker = ParseMboxMarker(text);
  if (!marker) return;
  const std::string written = FormatMboxMarker(*marker);
  const auto again = ParseMboxMarker(written);
  if (!again || FormatMboxMarker(*again) != written || !IsStorable(marker->facts)) std::abort();
}

void CheckDate(std::string_view text) {
  const int64_t seconds = DateOfFromLine(text);
  if (!IsStorable({{}, seconds, 0})) std::abort();
  if (seconds < 0) return;
  const std::string written = absl::FormatTime("From x %a %b %e %H:%M:%S %Y\n", absl::FromUnixSeconds(seconds), absl::UTCTimeZone());
  if (DateOfFromLine(written) != seconds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckMaildirFile(text);
  CheckFolders(text);
  CheckKeywords(text);
  CheckMarker(text);
  CheckDate(text);
  return 0;
}
