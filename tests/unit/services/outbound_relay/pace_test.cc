#include "services/outbound_relay/pace.h"

#include <gtest/gtest.h>

namespace mailmesh::outbound_relay {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

PaceOptions Options() {
  PaceOptions options;
  options.max_window = 5;
  options.longest_back_off = absl::Seconds(60);
  return options;
}

TEST(Pace, OpensByOneWithEachSuccessUpToTheLimit) {
  Pace pace(Options());
  uint32_t most = 0;
  for (int i = 0; i < 20; ++i) {
    while (pace.MayBegin(kStart)) pace.Begin();
    most = std::max(most, pace.running());
    pace.EndReached(kStart);
  }
  EXPECT_EQ(most, 5u);
  EXPECT_EQ(pace.window(), 5u);
}

TEST(Pace, AFreshDestinationIsTriedWithFew) {
  Pace pace(Options());
  pace.Begin();
  EXPECT_TRUE(pace.MayBegin(kStart));
  pace.Begin();
  EXPECT_FALSE(pace.MayBegin(kStart));
}

TEST(Pace, BacksOffTwiceAsLongEachTimeUpToTheLimit) {
  Pace pace(Options());
  absl::Time now = kStart;
  absl::Duration last;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(pace.MayBegin(now));
    pace.Begin();
    EXPECT_EQ(pace.MayBegin(now), i == 0) << "one at a time while it fails";
    pace.EndUnreachable(now, 0);
    const absl::Duration pause = pace.back_off_until() - now;
    if (i > 0) {
      EXPECT_EQ(pause, std::min(2 * last, absl::Seconds(60)));
    }
    last = pause;
    EXPECT_FALSE(pace.MayBegin(now + pause - absl::Milliseconds(1)));
    now += pause;
  }
  EXPECT_EQ(last, absl::Seconds(60));
}

TEST(Pace, WhatBeganBeforeTheBackOffIsNoNews) {
  Pace pace(Options());
  pace.Begin();
  pace.Begin();
  pace.EndUnreachable(kStart, 0);
  const absl::Time until = pace.back_off_until();
  pace.EndUnreachable(kStart, 0);
  EXPECT_EQ(pace.back_off_until(), until);
}

TEST(Pace, ShrinksToWhatTheServerTakes) {
  Pace pace(Options());
  for (int i = 0; i < 5; ++i) {
    pace.Begin();
    pace.EndReached(kStart);
  }
  for (int i = 0; i < 5; ++i) pace.Begin();
  // The fifth connection is refused while four are open.
  pace.EndUnreachable(kStart, 0);
  EXPECT_EQ(pace.window(), 4u);
  EXPECT_FALSE(pace.MayBegin(kStart));
  pace.EndReached(kStart);
  EXPECT_TRUE(pace.MayBegin(kStart));
}

TEST(Pace, OneSuccessEndsTheBackOffAndItOpensFromTheBeginning) {
  Pace pace(Options());
  absl::Time now = kStart;
  for (int i = 0; i < 4; ++i) {
    pace.Begin();
    pace.EndUnreachable(now, 0.5);
    now = pace.back_off_until();
  }
  pace.Begin();
  EXPECT_FALSE(pace.IsFresh(now));
  pace.EndReached(now);
  EXPECT_EQ(pace.window(), 2u);
  // It is remembered to be up for a while.
  EXPECT_FALSE(pace.IsFresh(now));
  EXPECT_FALSE(pace.IsFresh(pace.known_until() - absl::Milliseconds(1)));
  EXPECT_TRUE(pace.IsFresh(pace.known_until()));
}

TEST(Pace, StandingIsWhatTheLastAttemptsHaveShown) {
  PaceOptions options = Options();
  options.untried = Standing::kWaiting;
  Pace pace(options);
  EXPECT_EQ(pace.standing(), Standing::kWaiting);
  EXPECT_EQ(Pace(Options()).standing(), Standing::kNew);
  pace.Begin();
  pace.End();
  EXPECT_EQ(pace.standing(), Standing::kWaiting) << "nothing was learnt";
  pace.Begin();
  pace.EndReached(kStart);
  EXPECT_EQ(pace.standing(), Standing::kUp);
  pace.Begin();
  pace.EndUnreachable(kStart, 0);
  EXPECT_EQ(pace.standing(), Standing::kFailing);
  // What an operator makes it forget is not thereby up.
  pace.Forget();
  EXPECT_EQ(pace.standing(), Standing::kWaiting);
  pace.Begin();
  pace.EndReached(kStart);
  pace.Forget();
  EXPECT_EQ(pace.standing(), Standing::kUp);
}

TEST(Pace, AnOperatorMayMakeItForget) {
  Pace pace(Options());
  pace.Begin();
  pace.EndUnreachable(kStart, 0);
  EXPECT_FALSE(pace.MayBegin(kStart));
  pace.Forget();
  EXPECT_TRUE(pace.MayBegin(kStart));
}

}  // namespace
}  // namespace mailmesh::outbound_relay
