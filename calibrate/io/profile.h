#pragma once
/// A calibrated profile: every fitted model with its error, and where it all comes from, as one YAML file.
///
///   calibration: 1                      version of this format
///   device: NVIDIA H200                 that was measured
///   base: hgx-h200                      preset it was fitted against
///   facts: {driver: 580.159.04, ...}    driver, libraries, clocks, date
///   kernels: [{family: gemm, variant: bf16, fixed_time: 3.41 us, flop_fraction: 0.76, ...,
///              residual: {axes: [...], values: "0.01, -0.02, ..."}, hold_out: {...}, intervals: [...]}]
///   curves:  [{family: all_reduce, variant: "4 devices, bf16, graph", sizes: ..., times: ...}]
///   traces:   [{family: gemm, variant: bf16, points: 460, gap: 0.9 us, kernels: [...]}]
///   counters: [{family: gemm, kernel: "nvjet_...", executed: 1.1 TFLOP, counted_flops: ..., flop_ratio: 1}]
///   skipped: ["NVLink multicast: ..."]
///   digest: 8c1f0a35d2e94b17            of everything above, to notice edits
///
/// Its constants alone, for `extends:` of a hardware preset, are what achievable_preset() writes.
/// Errors  a digest that does not fit, a future version, impossible values: refused; a profile of another
///         device is refused by check_device().

#include "base/document.h"
#include "base/schema.h"
#include "calibrate/fit/model.h"
#include "calibrate/fit/observation.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ridge {

struct Profile {
  std::int64_t version = 1;
  std::string device, base;
  std::map<std::string, std::string> facts;
  Models models;
  std::vector<TracedFamily> traces;     ///< event times against the device's own record
  std::vector<CountedKernel> counters;  ///< our FLOPs and bytes against the counted ones
};

/// Fits measurements and keeps what is known of the run.
std::string profile_text(const Profile&);

/// Empty when the text is no usable profile; the diagnostics say why, at the lines.
std::optional<Profile> read_profile(const SourcePtr&, Diagnostics&);

/// True when the profile was made on `device`; else an error is added.
bool check_device(const Profile&, std::string_view device, Diagnostics&);

/// A hardware preset that extends `base` and replaces the constants of the accepted models under
/// `device.achievable`: products per precision, decode attention, passes, launches.  `citation` goes with
/// every figure.
std::string achievable_preset(const Profile&, const std::string& name, const std::string& citation,
                              const std::string& date);

}  // namespace ridge
