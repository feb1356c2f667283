// Counts the octets of BDAT chunks out of the input, and notes what the whole message is like.
//
// RFC 3030, 2: after an error the octets of the chunk are still taken and dropped, or they would be read as commands.
// Bare LF and CR are flagged as by DataReader, across chunks: unless BODY=BINARYMIME was said, they may not be there,
// and the next hop may be reached by DATA, where they are dangerous.
// Flow per chunk: BeginChunk(n); Decode() until chunk_done(). Thread-safety: none. Holds no content. RFC 3030.
#ifndef MAILMESH_COMMON_SMTP_BDAT_READER_H_
#define MAILMESH_COMMON_SMTP_BDAT_READER_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "common/smtp/line_endings.h"

namespace mailmesh::smtp {

class BdatReader {
 public:
  explicit BdatReader(uint64_t max_size = std::numeric_limits<uint64_t>::max()) : max_size_(max_size) {}

  void BeginChunk(uint64_t octets) { remaining_ = octets; }
  // As DataReader::Decode.
  size_t Decode(std::string_view input, std::string& content);
  // The same for a chunk that was refused: its octets go nowhere.
  size_t Skip(std::string_view input);
  // After the last chunk: a CR at the very end is bare.
  void Finish() { endings_.Finish(); }

  bool chunk_done() const { return remaining_ == 0; }
  uint64_t size() const { return size_; }
  bool too_big() const { return size_ > max_size_; }
  bool bare_lf() const { return endings_.bare_lf(); }
  bool bare_cr() const { return endings_.bare_cr(); }

 private:
  uint64_t max_size_;
  uint64_t remaining_ = 0;
  uint64_t size_ = 0;
  LineEndingCheck endings_;
};

}  // namespace mailmesh::smtp

#endif  // MAILMESH_COMMON_SMTP_BDAT_READER_H_
