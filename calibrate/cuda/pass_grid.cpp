#include "calibrate/cuda/pass_grid.h"

#include <algorithm>

namespace ridge::cuda {
namespace {

constexpr PassShape held_out[] = {
    {1, 5120, true},    {3, 7168, true},    {13, 3072, true},   {50, 12288, true},  {100, 2048, true},
    {190, 5120, true},  {300, 7168, true},  {700, 3072, true},  {1500, 2048, true}, {1500, 12288, true},
    {3000, 6144, true}, {6000, 3072, true}, {9000, 5120, true}, {20000, 2560, true}};

double bytes_of(const PassShape& s) { return 2.0 * s.rows * s.width; }

}  // namespace

std::vector<PassShape> pass_shapes(bool is_over_rows, bool is_quick, int arrays, double room) {
  std::vector<PassShape> out;
  const auto add = [&](const PassShape& s) {
    const bool is_known =
        std::ranges::any_of(out, [&](const PassShape& o) { return o.rows == s.rows && o.width == s.width; });
    if (s.rows > 0 && !is_known && arrays * bytes_of(s) <= room) out.push_back(s);
  };
  constexpr double kib = 1024, mib = 1024 * kib;
  if (!is_over_rows) {
    for (double bytes = 4 * kib; bytes <= 512 * mib; bytes *= is_quick ? 8 : 2)
      add({static_cast<int>(bytes / (2 * 2048)), 2048});
  } else if (is_quick) {
    for (const int width : {1024, 4096, 16384})
      for (const double bytes : {256 * kib, 4 * mib, 16 * mib, 256 * mib})
        add({static_cast<int>(bytes / (2 * width)), width});
  } else {
    for (const int width : {1024, 4096, 8192, 16384})
      for (const double bytes : {2.0 * width, 128 * kib, 512 * kib, 1 * mib, 2 * mib, 4 * mib, 8 * mib,
                                 16 * mib, 32 * mib, 64 * mib, 256 * mib})
        add({static_cast<int>(bytes / (2 * width)), width});
  }
  for (const PassShape& s : held_out) add(s);
  return out;
}

Measurement described_pass(const char* name, const PassShape& s, bool is_over_rows, int units) {
  Measurement m{.family = "pointwise", .variant = name, .library = "ridge"};
  m.sizes = {{"bytes", units * bytes_of(s)}};
  if (is_over_rows) m.sizes["rows"] = s.rows;
  m.is_held_out = s.is_held_out;
  return m;
}

}  // namespace ridge::cuda
