#include "hardware/time_curve.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>

namespace ridge {

namespace {

/// From the last point on, at the rate of the last segment that rises.
CurveSegment beyond(const TimeCurve& c) {
  const Bytes end = c.sizes.back();
  const Seconds time = c.times.back();
  for (std::size_t i = c.sizes.size() - 1; i > 0; --i)
    if (c.times[i] > c.times[i - 1])
      return {end, end + (c.sizes[i] - c.sizes[i - 1]), time, time + (c.times[i] - c.times[i - 1])};
  return {end, 2.0 * end, time, 2.0 * time};
}

}  // namespace

CurveSegment curve_segment(const TimeCurve& c, Bytes size) {
  if (size <= c.sizes.front() || c.sizes.size() == 1)
    return {c.sizes.front(), c.sizes.front(), c.times.front(), c.times.front()};
  if (size > c.sizes.back()) return beyond(c);
  const auto above = static_cast<std::size_t>(std::ranges::lower_bound(c.sizes, size) - c.sizes.begin());
  return {c.sizes[above - 1], c.sizes[above], c.times[above - 1], c.times[above]};
}

Seconds curve_time(const TimeCurve& c, Bytes size) {
  const CurveSegment s = curve_segment(c, size);
  if (!(s.right > s.left)) return s.left_time;
  return s.left_time + (s.right_time - s.left_time) * ((size - s.left) / (s.right - s.left));
}

std::string curve_problem(const TimeCurve& c) {
  if (c.sizes.empty() || c.sizes.size() != c.times.size())
    return fmt::format("{} sizes and {} times", c.sizes.size(), c.times.size());
  if (c.sizes.size() < 2) return "one size alone says nothing about others: at least two are needed";
  if (std::ranges::adjacent_find(c.sizes, std::greater_equal{}) != c.sizes.end())
    return "the sizes do not ascend";
  if (!std::ranges::is_sorted(c.times)) return "a larger size takes less time";
  return {};
}

}  // namespace ridge
