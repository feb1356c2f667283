// Any text parses or is refused; what a tree or an item was made of can be written and read back to the same.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "common/imap/command_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mailmesh::imap;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const ParsedCommand parsed = ParseCommand(text);
  RedactCommand(text);
  ParseAppend(text, {.size = size, .synchronizing = true, .binary = size % 2 == 0});
  ParseNextAppendMessage(text, {}, {}).IgnoreError();
  if (!parsed.command.ok()) return 0;
  if (const auto* search = std::get_if<Search>(&*parsed.command)) {
    std::string again = "a SEARCH ";
    AppendSearchKey(again, search->key);
    const ParsedCommand second = ParseCommand(again);
    if (!second.command.ok() || !(std::get<Search>(*second.command).key == search->key)) std::abort();
  } else if (const auto* fetch = std::get_if<Fetch>(&*parsed.command)) {
    for (const FetchItem& item : fetch->items) {
      std::string request;
      AppendFetchRequest(request, item);
      const auto second = ParseFetchItems(request);
      if (!second.ok() || !(second->front() == item)) std::abort();
    }
    fetch->set.Resolve(1000).Count();
  }
  return 0;
}
