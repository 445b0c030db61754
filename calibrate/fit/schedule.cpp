#include "calibrate/fit/schedule.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace ridge {

BlockSchedule schedule_of(const Measurement& m) {
  return {m.size("tile_rows"), m.size("tile_columns"), m.size("blocks_at_once")};
}

double longest_chain(const Measurement& m, const BlockSchedule& s) {
  const double queries = m.size("query_tokens"), keys = m.size("key_tokens");
  const double heads = m.size("batch") * m.size("heads");
  const bool is_causal = m.size("causal", 1) > 0;
  std::vector<double> steps;  // of a head's tiles, the longest first
  double total = 0;
  for (double end = std::ceil(queries / s.rows) * s.rows; end > 0; end -= s.rows) {
    const double seen = is_causal ? std::clamp(end + keys - queries, 1.0, keys) : keys;
    steps.push_back(std::ceil(seen / s.columns) + s.overhead);
    total += heads * steps.back();
  }
  double longest = total / s.at_once;
  const double blocks = heads * static_cast<double>(steps.size());
  for (double k = 0; k * s.at_once < blocks; ++k)
    longest = std::max(longest, (k + 1) * steps[static_cast<std::size_t>(k * s.at_once / heads)]);
  return longest;
}

std::optional<Work> scheduled_work(const Measurement& m, const BlockSchedule& s) {
  auto work = work_of(m);
  // Beyond a million tiles a head the definition is as good.
  if (!work || !s.is_known() || m.family != "attention_prefill" || m.size("query_tokens") > 1e6 * s.rows)
    return work;
  const double step = 4 * m.size("head_dim") * s.rows * s.columns;
  work->flops = Flop{s.at_once * longest_chain(m, s) * step};
  return work;
}

}  // namespace ridge
