#include "calibrate/measure/probe.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ridge {

std::string point_key(const Measurement& m) {
  return m.family + '|' + m.variant + '|' + sizes_text(m) + '|' + (m.sizes.empty() ? m.kernel : "");
}

std::vector<ProbeInfo> chosen_probes(const Backend& backend, const ProbeSettings& settings) {
  std::vector<ProbeInfo> out;
  for (const ProbeInfo& p : backend.probes())
    if (settings.only.empty() ? !p.is_extra : std::ranges::find(settings.only, p.name) != settings.only.end())
      out.push_back(p);
  return out;
}

double relative_error(std::span<const double> got, std::span<const double> expected) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (!std::isfinite(got[i])) return std::numeric_limits<double>::infinity();
    difference += (got[i] - expected[i]) * (got[i] - expected[i]);
    size += expected[i] * expected[i];
  }
  return size > 0 ? std::sqrt(difference / size) : std::numeric_limits<double>::infinity();
}

Seconds estimated_time(const std::vector<ProbeInfo>& probes, bool is_quick) {
  Seconds all;
  for (const ProbeInfo& p : probes) all += is_quick ? p.quick : p.full;
  return all;
}

}  // namespace ridge
