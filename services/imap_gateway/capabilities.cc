#include "services/imap_gateway/capabilities.h"

#include "absl/strings/str_cat.h"

namespace mailmesh::imap_gateway {
namespace {

constexpr const char* kAlways[] = {"IMAP4rev1", "SASL-IR", "ID", "ENABLE", "IDLE"};
constexpr const char* kLoggedIn[] = {
    "NAMESPACE",     "UIDPLUS",     "MOVE",        "UNSELECT",           "CHILDREN", "ESEARCH",
    "CONDSTORE",     "SPECIAL-USE", "WITHIN",      "CREATE-SPECIAL-USE", "SORT",     "THREAD=ORDEREDSUBJECT",
    "LIST-EXTENDED", "LIST-STATUS", "MULTIAPPEND", "STATUS=SIZE",        "THREAD=REFERENCES",
    "QUOTA",         "QUOTA=RES-STORAGE", "QUOTA=RES-MESSAGE"};

}  // namespace

std::vector<std::string> Capabilities(const CapabilityFacts& facts) {
  std::vector<std::string> words(std::begin(kAlways), std::end(kAlways));
  // RFC 7888, 5: never both.
  words.push_back(facts.literal_minus ? "LITERAL-" : "LITERAL+");
  if (facts.logged_in) {
    words.insert(words.end(), std::begin(kLoggedIn), std::end(kLoggedIn));
    words.push_back(absl::StrCat("APPENDLIMIT=", facts.append_limit));
    return words;
  }
  if (!facts.tls) words.push_back("STARTTLS");
  if (!facts.may_log_in) words.push_back("LOGINDISABLED");
  for (const std::string& name : facts.mechanisms) words.push_back("AUTH=" + name);
  return words;
}

}  // namespace mailmesh::imap_gateway
