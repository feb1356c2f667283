// A caller's `traceparent`: whatever it is, there is a trace of W3C's form, the caller's or a new one, and the next process takes it.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/telemetry/trace.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using mailmesh::telemetry::Trace;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Trace trace = Trace::OfCaller(text);
  if (trace.trace_id.size() != 32 || trace.span_id.size() != 16) std::abort();
  if (trace.Traceparent() != "00-" + trace.trace_id + "-" + trace.span_id + "-00") std::abort();
  const Trace next = Trace::OfCaller(trace.Traceparent());
  if (next.trace_id != trace.trace_id || next.span_id == trace.span_id) std::abort();
  // The same text again: the same trace if it was the caller's.
  const bool of_caller = size >= 55 && text.substr(3, 32) == trace.trace_id;
  if (of_caller != (Trace::OfCaller(text).trace_id == trace.trace_id)) std::abort();
  return 0;
}
