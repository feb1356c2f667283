#include "common/mime/structure.h"

namespace mailmesh::mime {
namespace {

PartIndex Child(const Structure& structure, PartIndex parent, uint32_t number) {
  PartIndex child = structure.parts[parent].first_child;
  while (number > 1 && child != kNoPart) {
    child = structure.parts[child].next_sibling;
    --number;
  }
  return number == 0 ? kNoPart : child;
}

}  // namespace

PartIndex Structure::Find(const std::vector<uint32_t>& path) const {
  PartIndex index = 0;
  // RFC 3501, 6.4.5: what a number counts depends on whether we stand at a message or at a body part.
  bool at_message = true;
  for (const uint32_t number : path) {
    if (!at_message && parts[index].kind == PartKind::kMessage) {
      index = parts[index].first_child;
      at_message = true;
    }
    if (parts[index].kind == PartKind::kMultipart) {
      index = Child(*this, index, number);
      if (index == kNoPart) return kNoPart;
    } else if (!at_message || number != 1) {
      return kNoPart;
    }
    at_message = false;
  }
  return index;
}

}  // namespace mailmesh::mime
