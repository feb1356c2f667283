// LOGIN, AUTHENTICATE, ENABLE, ID.
#include <utility>

#include "common/imap/parse.h"

namespace mailmesh::imap::internal {
namespace {

// RFC 2971, 3.3: at most 30 fields, names of 30 octets, values of 1024.
constexpr size_t kMaxIdFields = 30;
constexpr size_t kMaxIdName = 30;
constexpr size_t kMaxIdValue = 1024;
constexpr size_t kMaxCapabilities = 100;

bool IsBase64Char(char c) {
  return IsDigit(c) || (Upper(c) >= 'A' && Upper(c) <= 'Z') || c == '+' || c == '/' || c == '=';
}

bool ParseIdField(Scanner& in, Id* out) {
  auto& [name, value] = out->fields.emplace_back();
  if (!in.String(&name) || !in.Space() || !in.NString(&value)) return false;
  if (out->fields.size() > kMaxIdFields) return in.Fail("Too many ID fields");
  if (name.size() > kMaxIdName || (value && value->size() > kMaxIdValue)) return in.Fail("ID field is too long");
  return true;
}

}  // namespace

bool ParseAuthenticate(Scanner& in, Authenticate* out) {
  std::string_view mechanism;
  if (!in.Space() || !in.Atom(&mechanism)) return false;
  out->mechanism = ToUpper(mechanism);
  if (in.AtEnd()) return true;
  if (!in.Space()) return false;
  // RFC 4959, 3: "=" is an empty initial response.
  if (in.rest() == "=") {
    in.Take('=');
    out->initial_response.emplace();
    return true;
  }
  std::string base64;
  while (!in.AtEnd() && IsBase64Char(in.rest().front())) {
    base64.push_back(in.rest().front());
    in.Take(base64.back());
  }
  if (base64.empty()) return in.Fail("Invalid initial response");
  out->initial_response.emplace(std::move(base64));
  return true;
}

bool ParseLogin(Scanner& in, Login* out) {
  std::string password;
  if (!in.Space() || !in.AString(&out->user) || !in.Space() || !in.AString(&password)) return false;
  out->password = base::Secret(std::move(password));
  return true;
}

bool ParseEnable(Scanner& in, Enable* out) {
  do {
    std::string_view capability;
    if (!in.Space() || !in.Atom(&capability)) return false;
    if (out->capabilities.size() == kMaxCapabilities) return in.Fail("Too many capabilities");
    out->capabilities.push_back(ToUpper(capability));
  } while (!in.AtEnd());
  return true;
}

bool ParseId(Scanner& in, Id* out) {
  if (!in.Space()) return false;
  if (in.TakeWord("NIL")) return true;
  if (!in.Open()) return false;
  if (in.Take(')')) return true;
  do {
    if (!ParseIdField(in, out)) return false;
  } while (in.Take(' '));
  return in.Close();
}

}  // namespace mailmesh::imap::internal
