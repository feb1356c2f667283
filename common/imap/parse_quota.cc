// GETQUOTA, SETQUOTA. RFC 9208, 7.
#include "common/imap/parse.h"

namespace mailmesh::imap::internal {
namespace {

constexpr size_t kMaxResources = 20;

bool ParseLimit(Scanner& in, SetQuota* out) {
  std::string_view resource;
  if (out->limits.size() == kMaxResources) return in.Fail("Too many quota resources");
  auto& [name, limit] = out->limits.emplace_back();
  if (!in.Atom(&resource) || !in.Space() || !in.Number64(&limit)) return false;
  name = ToUpper(resource);
  return true;
}

}  // namespace

bool ParseGetQuota(Scanner& in, GetQuota* out) { return in.Space() && in.AString(&out->root); }

bool ParseSetQuota(Scanner& in, SetQuota* out) {
  if (!in.Space() || !in.AString(&out->root) || !in.Space() || !in.Open()) return false;
  if (in.Take(')')) return true;
  do {
    if (!ParseLimit(in, out)) return false;
  } while (in.Take(' '));
  return in.Close();
}

}  // namespace mailmesh::imap::internal
