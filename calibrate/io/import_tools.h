#pragma once
/// What NVIDIA's own tools print, as measurements:
///
///   nccl-tests    text and -J JSON: one curve for each collective, number of ranks, type and launch mode, by the
///                 out-of-place time (in place where there is no other); `bytes` is the size column, which counts
///                 the whole buffer as we do
///   nvbandwidth   text and -j JSON: copies between host and device and between devices, one size: the median
///                 of the matrix; without a size in the output 512 MiB, the tool's default
///
/// Source  formats: NVIDIA/nccl-tests@0fdb00a src/util.cu; NVIDIA/nvbandwidth@4a34680 json_output.cpp, README.md

#include "calibrate/io/measurement_lines.h"

namespace ridge {

/// Whether a text looks like output of one of these tools.
bool is_tool_output(std::string_view text);

/// Facts hold the device's name where the output tells it.  A table without a row that can be read, or whose
/// collective nobody names, is an error at its line.  How many devices took part the ranks' lines tell, else the
/// header's threads and GPUs a thread, of one process; else `ranks`, and without that it is an error.
MeasuredRun import_tool_output(const SourcePtr&, Diagnostics&, int ranks = 0);

}  // namespace ridge
