#include "services/imap_gateway/capabilities.h"

namespace mailmesh::imap_gateway {
namespace {

constexpr const char* kAlways[] = {"IMAP4rev1", "LITERAL+", "SASL-IR", "ID", "ENABLE", "IDLE"};
constexpr const char* kLoggedIn[] = {"NAMESPACE", "UIDPLUS",       "MOVE",        "UNSELECT",    "CHILDREN",
                                     "ESEARCH",   "CONDSTORE",     "SPECIAL-USE", "WITHIN",      "MULTIAPPEND",
                                     "LIST-EXTENDED", "LIST-STATUS"};

}  // namespace

std::vector<std::string> Capabilities(const CapabilityFacts& facts) {
  std::vector<std::string> words(std::begin(kAlways), std::end(kAlways));
  if (facts.logged_in) {
    words.insert(words.end(), std::begin(kLoggedIn), std::end(kLoggedIn));
    return words;
  }
  if (!facts.tls) words.push_back("STARTTLS");
  if (!facts.may_log_in) words.push_back("LOGINDISABLED");
  for (const std::string& name : facts.mechanisms) words.push_back("AUTH=" + name);
  return words;
}

}  // namespace mailmesh::imap_gateway
