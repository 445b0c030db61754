#pragma once
/// Sizes at which passes are timed, and those held out to judge them.
///
///   plain passes      by bytes alone, each twice the one before
///   passes over rows  a block takes a row, so that its length counts beside the bytes: lengths from 1024 to 16384, for
///                     each the same bytes, closer together where the cache ends
///   held out          hidden sizes and token counts of models, which lie between those of the grid

#include "calibrate/fit/measurement.h"

#include <vector>

namespace ridge::cuda {

struct PassShape {
  int rows = 1, width = 1;
  bool is_held_out = false;
};

/// Of arrays of rows x width bf16, of which `arrays` have to fit `room` bytes.
std::vector<PassShape> pass_shapes(bool is_over_rows, bool is_quick, int arrays, double room);

/// "rmsnorm" moving `units` arrays.
Measurement described_pass(const char* name, const PassShape&, bool is_over_rows, int units);

}  // namespace ridge::cuda
