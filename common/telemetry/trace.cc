#include "common/telemetry/trace.h"

#include <algorithm>
#include <utility>

#include "common/base/random.h"

namespace mailmesh::telemetry {
namespace {

constexpr size_t kTraceDigits = 32;
constexpr size_t kSpanDigits = 16;

// W3C allows no capitals.
bool IsHex(std::string_view text) { return text.find_first_not_of("0123456789abcdef") == std::string_view::npos; }

// Nor an id of zeros alone.
bool IsId(std::string_view text, size_t digits) {
  return text.size() == digits && IsHex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

// The random half of an id is as good as any other 64 bits.
std::string NewSpanId() { return base::IdHex(base::NewId()).substr(kTraceDigits - kSpanDigits); }

}  // namespace

Trace Trace::New() { return {base::IdHex(base::NewId()), NewSpanId()}; }

Trace Trace::Of(std::string trace_id) { return trace_id.empty() ? New() : Trace{std::move(trace_id), NewSpanId()}; }

Trace Trace::OfCaller(std::string_view traceparent) {
  // 3.2.2.3, 4.3: of a later version the same four parts are read, whatever follows them; "ff" is none.
  constexpr size_t kSize = 2 + 1 + kTraceDigits + 1 + kSpanDigits + 1 + 2;
  if (traceparent.size() < kSize) return New();
  const std::string_view version = traceparent.substr(0, 2);
  const std::string_view trace_id = traceparent.substr(3, kTraceDigits);
  const std::string_view parent_id = traceparent.substr(36, kSpanDigits);
  const bool whole = traceparent.size() == kSize || (version != "00" && traceparent[kSize] == '-');
  const bool dashes = traceparent[2] == '-' && traceparent[35] == '-' && traceparent[52] == '-';
  const bool numbers = IsHex(version) && version != "ff" && IsHex(traceparent.substr(53, 2));
  const bool ids = IsId(trace_id, kTraceDigits) && IsId(parent_id, kSpanDigits);
  return whole && dashes && numbers && ids ? Of(std::string(trace_id)) : New();
}

std::string Trace::Traceparent() const {
  if (!IsId(trace_id, kTraceDigits)) return "";
  return "00-" + trace_id + "-" + span_id + "-00";
}

}  // namespace mailmesh::telemetry
