// Header blocks of Internet messages and of body parts: fields as raw octets, the end of the block, unfolding.
//
// Nothing here decodes or validates: a field is what stands between two line starts, whatever octets it has (NUL and
// 8-bit included). A line without a colon is a field whose name is the whole line, so that no octet is lost.
// Both CRLF and bare LF end a line: mail that is already stored must be readable however it was written.
// Thread-safety: values and free functions; a HeaderScanner belongs to one thread. Never throws on input, no recursion.
// Limits: ScanHeader remembers at most `max_fields`; HeaderScanner keeps a few octets, however long the header is.
// RFC 5322, 2.2 (fields), 2.2.3 (folding); RFC 6532, 3 (8-bit headers).
#ifndef MAILMESH_COMMON_MIME_HEADER_H_
#define MAILMESH_COMMON_MIME_HEADER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace mailmesh::mime {

// Views into the scanned block; valid as long as it is.
struct HeaderField {
  std::string_view raw;    // name, colon, folded value and line end(s): concatenated, the fields give the block back
  std::string_view name;   // without white space before the colon; never longer than the first line
  std::string_view value;  // all after the colon, folding included, without the last line end; may begin with a space
  size_t offset = 0;       // of raw, from the start of the block
  bool has_colon = true;   // false: a damaged line; name is the line, value is empty
};

// Walks over a block that is in memory. Stops at the blank line or at the end of the octets.
//   HeaderReader reader(block); HeaderField field; while (reader.Next(&field)) ...
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view block) : block_(block) {}
  bool Next(HeaderField* field);
  // Octets taken so far. Once Next() has returned false: where the body begins (after the blank line, if there is one).
  size_t offset() const { return offset_; }
  // Whether Next() has met the blank line.
  bool ended() const { return ended_; }

 private:
  std::string_view block_;
  size_t offset_ = 0;
  bool ended_ = false;
};

struct HeaderBlock {
  std::vector<HeaderField> fields;
  size_t size = 0;         // octets up to and including the blank line: the body's offset
  bool complete = false;   // the blank line was there
  bool truncated = false;  // more than max_fields; the rest was skipped (size is right nonetheless)

  // The first field of that name (ASCII case ignored), or nullptr.
  const HeaderField* Find(std::string_view name) const;
};
HeaderBlock ScanHeader(std::string_view octets, size_t max_fields = 10000);

// The offset just after the blank line, or npos when the header does not end here.
size_t FindHeaderEnd(std::string_view octets);

// RFC 5322, 2.2.3: removes the line ends (every CR and LF, to be safe); the white space after them stays.
std::string Unfold(std::string_view value);
// The text of a value as IMAP servers show it: unfolded, a tab that begins a continuation line becomes a space, white space
// at the beginning is removed, NUL becomes 0x80 (IMAP can say any octet but NUL in a literal).
std::string HeaderText(std::string_view value);

// ASCII case ignored, length first.
bool NameEquals(std::string_view a, std::string_view b);

// Fields that the scanner reports by presence.
enum class KnownField : uint8_t {
  kDate, kFrom, kSender, kTo, kCc, kBcc, kSubject, kMessageId, kReceived, kReturnPath, kDeliveredTo, kMimeVersion,
  kContentType, kCount
};

// Watches a message pass by in pieces of any size and tells about its header. Feed the message from its first octet;
// feeding more after the end of the header costs nothing.
class HeaderScanner {
 public:
  void Feed(std::string_view octets);

  bool header_ended() const { return state_ == State::kBody; }
  // Octets of the header so far; with header_ended(), the offset of the body.
  uint64_t header_size() const { return size_; }
  uint64_t field_count() const { return fields_; }
  // RFC 5321, 6.3: the hop count that detects mail loops. A field counts once its name and colon have been seen.
  uint32_t received_count() const { return Count(KnownField::kReceived); }
  uint32_t Count(KnownField field) const { return counts_[static_cast<size_t>(field)]; }
  bool Has(KnownField field) const { return Count(field) > 0; }
  // RFC 6532: such a header needs SMTPUTF8.
  bool has_8bit() const { return has_8bit_; }
  // Octets of the longest line so far, line end excluded (RFC 5322, 2.1.1: at most 998).
  uint64_t longest_line() const { return longest_line_; }

 private:
  enum class State : uint8_t { kLineStart, kLineStartCr, kName, kValue, kBody };
  static constexpr size_t kNameMax = 32;  // longer than any known name

  size_t TakeLineStart(std::string_view rest);
  size_t TakeName(std::string_view rest);
  size_t TakeValue(std::string_view rest);
  void EndName();
  void EndLine(uint64_t length);

  State state_ = State::kLineStart;
  bool has_8bit_ = false;
  bool last_cr_ = false;
  uint8_t name_size_ = 0;
  std::array<char, kNameMax> name_{};
  std::array<uint32_t, static_cast<size_t>(KnownField::kCount)> counts_{};
  uint64_t size_ = 0;
  uint64_t fields_ = 0;
  uint64_t line_ = 0;
  uint64_t longest_line_ = 0;
};

}  // namespace mailmesh::mime

#endif  // MAILMESH_COMMON_MIME_HEADER_H_
