#include "common/smtp/data_writer.h"

#include <cstring>

#include "common/smtp/line_endings.h"

namespace mailmesh::smtp {
namespace {

constexpr std::string_view kCrlf = "\r\n";

// Whether the chunk, which follows no CR, can be sent as it is and leaves nothing open.
bool IsClean(std::string_view chunk) {
  LineEndingCheck check;
  check.Feed(chunk);
  return !check.bare_lf() && !check.bare_cr() && !check.after_cr();
}

}  // namespace

void LineEndingNormaliser::Write(std::string_view chunk, std::string& out) {
  if (chunk.empty()) return;
  const char* at = chunk.data();
  const char* const end = at + chunk.size();
  if (held_cr_) {
    out.append(kCrlf);
    if (*at == '\n') ++at;
    held_cr_ = false;
  }
  while (at < end) {
    const char* stop = at;
    while (stop < end && *stop != '\r' && *stop != '\n') ++stop;
    out.append(at, stop);
    if (stop == end) return;
    if (*stop == '\r' && stop + 1 == end) {
      held_cr_ = true;
      return;
    }
    out.append(kCrlf);
    at = stop + (*stop == '\r' && stop[1] == '\n' ? 2 : 1);
  }
}

void LineEndingNormaliser::Finish(std::string& out) {
  if (held_cr_) out.append(kCrlf);
  held_cr_ = false;
}

void DataWriter::Write(std::string_view chunk, std::string& out) {
  // Nearly all mail is clean, and is then copied once.
  if (stray_ == StrayLineEndings::kKeep || (!normaliser_.holds() && IsClean(chunk))) {
    stuffer_.Write(chunk, out);
    return;
  }
  normalised_.clear();
  normaliser_.Write(chunk, normalised_);
  stuffer_.Write(normalised_, out);
}

void DataWriter::Finish(std::string& out) {
  normalised_.clear();
  normaliser_.Finish(normalised_);
  stuffer_.Write(normalised_, out);
  stuffer_.Finish(out);
  std::string().swap(normalised_);
}

}  // namespace mailmesh::smtp
