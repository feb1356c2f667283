#include "services/mailmesh/cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "services/mailmesh/cli/output.h"

namespace mailmesh::cli {
namespace {

constexpr absl::Duration kInterval = absl::Milliseconds(200);
constexpr char kClearLine[] = "\r\x1b[K";

}  // namespace

Progress::Progress(std::string verb) : verb_(std::move(verb)), terminal_(isatty(STDERR_FILENO) != 0), start_(absl::Now()) {}

Progress::~Progress() {
  if (terminal_ && shown_ != absl::InfinitePast()) std::cerr << kClearLine << std::flush;
}

void Progress::Begin(const std::string& what, uint64_t total) {
  what_ = what;
  total_ = total;
  here_ = 0;
  Show();
}

void Progress::Add(uint64_t messages, uint64_t octets) {
  here_ += messages;
  messages_ += messages;
  octets_ += octets;
  Show();
}

void Progress::Show() {
  if (!terminal_ || absl::Now() - shown_ < kInterval) return;
  shown_ = absl::Now();
  const double seconds = std::max(0.001, absl::ToDoubleSeconds(shown_ - start_));
  const std::string of = total_ > 0 ? absl::StrCat(" of ", total_) : "";
  std::cerr << kClearLine
            << absl::StrFormat("%s %s: %d%s; in all %d messages, %.1f MiB, %.0f/s", verb_, Printable(what_), here_, of, messages_,
                               static_cast<double>(octets_) / (1 << 20), static_cast<double>(messages_) / seconds)
            << std::flush;
}

}  // namespace mailmesh::cli
