// SPDX-License-Identifier: Apache-2.0
#include "util/counter.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace roomcast {
namespace {

TEST(CounterTest, AddsAndSubtracts) {
    Counter counter;
    counter.add();
    counter.add(5);
    counter.subtract(2);
    EXPECT_EQ(counter.value(), 4U);
}

TEST(DurationHistogramTest, CountsAValueAtABoundInTheBucketOfThatBound) {
    DurationHistogram histogram;
    histogram.record(50);
    histogram.record(51);
    EXPECT_EQ(histogram.buckets()[0].value(), 1U);
    EXPECT_EQ(histogram.buckets()[1].value(), 1U);
}

TEST(DurationHistogramTest, CountsWhatIsLongerThanAllBoundsInTheLastBucket) {
    DurationHistogram histogram;
    histogram.record(2'500'001);
    EXPECT_EQ(histogram.buckets().back().value(), 1U);
    EXPECT_EQ(histogram.buckets().size(), DurationHistogram::kBoundsMicroseconds.size() + 1);
}

TEST(DurationHistogramTest, CountsOneMeasurementForManyReceivers) {
    DurationHistogram histogram;
    histogram.record(300, 1'000);
    EXPECT_EQ(histogram.buckets()[3].value(), 1'000U);
    EXPECT_EQ(histogram.sum_microseconds(), 300'000U);
}

}  // namespace
}  // namespace roomcast
