// The text of a message as a reader sees it, for SEARCH: header fields and text parts, decoded to UTF-8.
//
// Flow: SearchText text(structure, scope, &sink); text.Feed(piece)...; text.Finish(); the pieces are the message from its
// first octet. next_offset() tells which octets matter next, so that a caller that can seek skips attachments.
// Thread-safety: belongs to one thread; structure and sink must outlive it. Never throws on input.
// Limits: memory is a field of at most kMaxField octets (longer ones are decoded in pieces) and a few KiB, whatever the
// message. Text that is no UTF-8 after decoding is repaired; an unknown charset is read as UTF-8.
// RFC 3501, 6.4.4 (BODY, TEXT, HEADER); RFC 2047; RFC 2045, 6.
#ifndef MAILMESH_COMMON_MIME_SEARCH_TEXT_H_
#define MAILMESH_COMMON_MIME_SEARCH_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/mime/structure.h"
#include "common/mime/transfer_encoding.h"
#include "common/text/charset.h"
#include "common/text/substring_matcher.h"

namespace mailmesh::mime {

class SearchTextSink {
 public:
  virtual ~SearchTextSink() = default;
  // Well-formed UTF-8, whole characters; valid during the call.
  virtual void Text(std::string_view utf8) = 0;
  // A field or a part is over: no match spans this.
  virtual void Break() = 0;
};

struct SearchScope {
  bool message_header = true;  // false for BODY
  bool body = true;            // text parts, and the headers of parts and of messages within
};

class SearchText {
 public:
  static constexpr size_t kMaxField = 64 * 1024;

  SearchText(const Structure& structure, const SearchScope& scope, SearchTextSink* sink);

  void Feed(std::string_view octets);
  // Goes on at a later offset; what is skipped is taken as not there.
  void SeekTo(uint64_t offset);
  void Finish();

  // The first octet from here on that matters, or the message's size.
  uint64_t next_offset() const;

 private:
  struct Region {
    uint64_t begin;
    uint64_t end;
    PartIndex part;
    bool is_header;
  };

  void Open();
  void Take(std::string_view octets);
  void TakeHeader(std::string_view octets);
  void EmitField();
  void TakeBody(std::string_view octets);
  void Close();

  const Structure& structure_;
  SearchTextSink& sink_;
  std::vector<Region> regions_;  // in order, apart
  size_t region_ = 0;
  uint64_t offset_ = 0;
  bool open_ = false;
  bool line_start_ = false;
  std::string field_;
  std::optional<TransferDecoder> transfer_;
  std::optional<text::CharsetDecoder> charset_;
  std::string decoded_;
  std::string utf8_;
};

// A sink that looks for one string.
class SubstringSink final : public SearchTextSink {
 public:
  explicit SubstringSink(std::string_view needle_utf8) : matcher_(needle_utf8) {}
  void Text(std::string_view utf8) override { matcher_.Feed(utf8); }
  void Break() override { matcher_.Break(); }
  bool found() const { return matcher_.found(); }

 private:
  text::SubstringMatcher matcher_;
};

// The whole message at once.
bool MessageContains(std::string_view message, const Structure& structure, const SearchScope& scope,
                     std::string_view needle_utf8);
// SEARCH HEADER: whether a field of that name has the string in its decoded value (an empty string: whether it is there).
bool HeaderContains(std::string_view header_block, std::string_view name, std::string_view needle_utf8);

}  // namespace mailmesh::mime

#endif  // MAILMESH_COMMON_MIME_SEARCH_TEXT_H_
