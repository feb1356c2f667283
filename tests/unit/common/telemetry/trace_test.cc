#include "common/telemetry/trace.h"

#include <gtest/gtest.h>

#include <set>

namespace mailmesh::telemetry {
namespace {

// From W3C Trace Context, 3.2.2.5.
constexpr char kTraceId[] = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr char kValid[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceTest, NewOnesAreW3CsAndDiffer) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    const Trace trace = Trace::New();
    ids.insert(trace.trace_id);
    ids.insert(trace.span_id);
    EXPECT_EQ(trace.Traceparent(), "00-" + trace.trace_id + "-" + trace.span_id + "-00");
    EXPECT_EQ(Trace::OfCaller(trace.Traceparent()).trace_id, trace.trace_id);
  }
  EXPECT_EQ(ids.size(), 2000u);
}

TEST(TraceTest, ACallersTraceGoesOnInANewSpan) {
  for (const std::string& text : {std::string(kValid), "cc" + std::string(kValid).substr(2) + "-what-the-future-will-be-like",
                                  "cc" + std::string(kValid).substr(2)}) {
    const Trace trace = Trace::OfCaller(text);
    EXPECT_EQ(trace.trace_id, kTraceId) << text;
    EXPECT_NE(trace.span_id, "00f067aa0ba902b7");
    EXPECT_EQ(trace.span_id.size(), 16u);
  }
}

TEST(TraceTest, WhatIsNoneBeginsANewTrace) {
  const std::string valid = kValid;
  std::string capital = valid, zero_trace = valid, zero_parent = valid;
  capital[3] = 'B';
  zero_trace.replace(3, 32, 32, '0');
  zero_parent.replace(36, 16, 16, '0');
  for (const std::string& text : {std::string(), std::string("x"), valid.substr(0, 54), valid + "-01", valid + "x", "ff" + valid.substr(2),
                                  "cc" + valid.substr(2) + "x", capital, zero_trace, zero_parent, std::string(55, '-')}) {
    const Trace trace = Trace::OfCaller(text);
    EXPECT_NE(trace.trace_id, kTraceId) << text;
    EXPECT_EQ(trace.trace_id.size(), 32u) << text;
  }
}

TEST(TraceTest, KnownByItsId) {
  EXPECT_EQ(Trace::Of(kTraceId).trace_id, kTraceId);
  EXPECT_NE(Trace::Of(kTraceId).span_id, Trace::Of(kTraceId).span_id);
  EXPECT_FALSE(Trace::Of("").empty());
  // Of a message that an older version took.
  EXPECT_EQ(Trace::Of("01hq0zabcdefghjkmnpqrstvwx").trace_id, "01hq0zabcdefghjkmnpqrstvwx");
  EXPECT_EQ(Trace::Of("01hq0zabcdefghjkmnpqrstvwx").Traceparent(), "");
}

}  // namespace
}  // namespace mailmesh::telemetry
