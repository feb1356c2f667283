#include "common/mime/message_id.h"

#include "common/mime/lexer.h"

namespace mailmesh::mime {
namespace {

// With comments, quoted strings or white space inside, from behind the "<". False: it is no id; `text` is then behind the
// octet where that was seen.
bool TakeWritten(std::string_view* text, std::string* id) {
  Lexer lexer(*text);
  id->clear();
  bool has_at = false;
  bool closed = false;
  while (!lexer.done()) {
    lexer.SkipCfws();
    if (lexer.peek() == '"') {
      if (!lexer.TakeQuoted(id)) break;
      continue;
    }
    if (lexer.done() || lexer.peek() == '<') break;
    if (lexer.Take('>')) {
      closed = true;
      break;
    }
    if (lexer.peek() == '@') has_at = true;
    id->push_back(lexer.peek());
    lexer.Skip();
  }
  text->remove_prefix(lexer.position());
  return closed && has_at;
}

}  // namespace

std::optional<std::string_view> TakeMessageId(std::string_view* text, std::string* scratch) {
  for (;;) {
    const size_t open = text->find('<');
    if (open == std::string_view::npos) {
      *text = std::string_view();
      return std::nullopt;
    }
    text->remove_prefix(open + 1);
    // Most ids have nothing to be removed.
    const size_t special = text->find_first_of("<>\"( \t\r\n");
    if (special != std::string_view::npos && (*text)[special] == '>') {
      const std::string_view id = text->substr(0, special);
      text->remove_prefix(special + 1);
      if (id.find('@') != std::string_view::npos) return id;
      continue;
    }
    if (TakeWritten(text, scratch)) return std::string_view(*scratch);
  }
}

}  // namespace mailmesh::mime
