#include "common/smtp/bdat_reader.h"

#include <algorithm>

namespace mailmesh::smtp {

size_t BdatReader::Decode(std::string_view input, std::string& content) {
  const std::string_view octets = input.substr(0, std::min<uint64_t>(remaining_, input.size()));
  endings_.Feed(octets);
  const uint64_t room = size_ < max_size_ ? max_size_ - size_ : 0;
  content.append(octets.substr(0, std::min<uint64_t>(room, octets.size())));
  size_ += octets.size();
  remaining_ -= octets.size();
  return octets.size();
}

size_t BdatReader::Skip(std::string_view input) {
  const size_t octets = std::min<uint64_t>(remaining_, input.size());
  remaining_ -= octets;
  return octets;
}

}  // namespace mailmesh::smtp
