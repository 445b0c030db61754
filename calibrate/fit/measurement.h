#pragma once
/// One timed point: what ran, how large it was, how long it took, how sure that is.
///
/// Everything that calibration does after timing starts from these records: the probes write them,
/// tables of other people's measurements are turned into them, fits read nothing else.  A file of
/// them (calibrate/io/measurement_lines.h) can be fitted again without the machine.
///
///   family               sizes
///   gemm                 m n k, activation_bytes weight_bytes output_bytes (width of an element)
///   attention_prefill    batch heads kv_heads head_dim query_tokens key_tokens causal (0 or 1),
///                        activation_bytes cache_bytes; of a kernel of known tiles also tile_rows tile_columns
///                        blocks_at_once (calibrate/fit/schedule.h)
///   attention_backward   as attention_prefill
///   attention_decode     batch heads kv_heads head_dim key_tokens, activation_bytes cache_bytes
///   attention_latent     batch heads head_dim latent_dim key_tokens, activation_bytes cache_bytes: one query a
///                        sequence over a compressed cache
///   pointwise            bytes (moved: read plus written), and rows where a pass works on whole rows (norms, softmax)
///   anything else        bytes, and what names a curve: a copy, a collective, a memory level
///
/// Measurements of one family are fitted together when their `variant` is the same: "bf16",
/// "fp8-block", "4 devices".

#include "base/quantity.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ridge {

struct Measurement {
  std::string family, variant;
  std::map<std::string, double, std::less<>> sizes;
  Seconds time;       ///< median of the samples
  Seconds low, high;  ///< 95 % interval of that median; zero when the source gives none
  std::int64_t samples = 1;
  double spread = 0;              ///< interquartile range / median
  double revisit_difference = 0;  ///< |a - b| / min of the medians of two visits
  Hertz clock;                    ///< of the multiprocessors while it ran; zero when unknown
  bool is_throttled = false;      ///< the clock fell below 0.9 of the run's median
  bool is_held_out = false;       ///< kept from the fit, to judge it
  std::string device, library, kernel, source;
  std::int64_t rank = -1, peer = -1;  ///< of a cluster: who measured, and towards whom; -1: one device alone
  std::string node;                   ///< where that rank ran

  double size(std::string_view name, double otherwise = 0) const {
    const auto it = sizes.find(name);
    return it == sizes.end() ? otherwise : it->second;
  }
};

using Measurements = std::vector<Measurement>;

/// "m=128 n=4096 k=4096": the sizes in alphabetical order, for people and for stable choices.
std::string sizes_text(const Measurement&);

/// Points that a fit of a plan's author never saw: those marked by the probes, or, when none of the
/// family is marked, every point whose name's hash falls below `fraction`.  The choice depends on the
/// point alone, so that neither order nor company changes it.
bool is_chosen_for_hold_out(const Measurement&, double fraction);

}  // namespace ridge
