#include "hardware/time_curve.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>

namespace ridge {

CurveSegment curve_segment(const TimeCurve& c, Bytes size) {
  if (size <= c.sizes.front() || c.sizes.size() == 1)
    return {c.sizes.front(), c.sizes.front(), c.times.front(), c.times.front()};
  auto above = static_cast<std::size_t>(std::ranges::lower_bound(c.sizes, size) - c.sizes.begin());
  above = std::min(above, c.sizes.size() - 1);
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
  if (std::ranges::adjacent_find(c.sizes, std::greater_equal{}) != c.sizes.end())
    return "the sizes do not ascend";
  if (!std::ranges::is_sorted(c.times)) return "a larger size takes less time";
  return {};
}

}  // namespace ridge
