// Which request a line of the log belongs to, in all roles: the W3C trace context (https://www.w3.org/TR/trace-context/).
//
// A trace is the way of one message, or one session of a reader, or one command of an operator; a span is one process's part of
// it. The trace's id is also the message's correlation id: it is in the reply to the sender, in the Received field, in the
// relay's queue and in the stored message's facts, and `mailmesh trace` takes it.
//
//   session:  trace_ = telemetry::Trace::New();
//   client:   rpc::CallContext::Within(timeout, trace_)           // travels as `traceparent`
//   server:   telemetry::Info("message stored", {info.trace, {"size", size}});
//
// Nothing is exported: the lines of the log are the spans. Thread-safety: values.
#ifndef MAILMESH_COMMON_TELEMETRY_TRACE_H_
#define MAILMESH_COMMON_TELEMETRY_TRACE_H_

#include <string>
#include <string_view>

namespace mailmesh::telemetry {

struct Trace {
  static Trace New();
  // A new span of a trace that is known by its id; a new trace where that is empty.
  static Trace Of(std::string trace_id);
  // A new span of the caller's trace; a new trace where `traceparent` is none.
  static Trace OfCaller(std::string_view traceparent);

  // 3.2: version, trace-id, parent-id, flags (not sampled). Empty where the id is not of W3C's form: a message that an older
  // version took has another one.
  std::string Traceparent() const;

  bool empty() const { return trace_id.empty(); }

  // 32 hexadecimal digits. They begin with the time, so that ids sort by it; the rest is random.
  std::string trace_id;
  // 16 hexadecimal digits.
  std::string span_id;
};

}  // namespace mailmesh::telemetry

#endif  // MAILMESH_COMMON_TELEMETRY_TRACE_H_
