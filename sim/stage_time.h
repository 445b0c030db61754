#pragma once
/// Time of one pipeline stage for one micro-batch: its layers, and the embedding or head it holds.

#include "sim/host.h"
#include "sim/layer_time.h"
#include "sim/partition.h"

#include <string_view>
#include <utility>
#include <vector>

namespace ridge {

/// Time of each layer kind and of the ends, for one micro-batch.
struct WorkTimes {
  std::vector<LayerTime> kinds;
  LayerTime embedding, output;
};

/// Sums of `n` layers of each kind, class by class.
struct StageTime {
  PhaseTime forward, recompute, backward;
};
StageTime stage_time(const Prepared&, const ParallelPlan&, const WorkTimes&, const StageLayers&,
                     Explain* ex = nullptr);

/// Names of `time.parts` for the classes of time.
std::string_view part_name(TimeClass);

/// Adds named durations, recording the sum.
class SecondsSum {
 public:
  explicit SecondsSum(Explain* ex) : ex_(ex) {}
  void add(std::string_view name, Traced<Seconds> t) {
    value_ += t.value;
    if (ex_) terms_.emplace_back(name, t);
  }
  Traced<Seconds> total(const Formula& f) const {
    if (!ex_) return {value_, 0};
    if (terms_.empty()) return constant(ex_, "no time", Seconds{0}, "nothing of this kind is launched");
    return {value_, ex_->note(f, value_.value(), Seconds::dim, terms_)};
  }

 private:
  Explain* ex_;
  Seconds value_{0};
  std::vector<Term> terms_;
};

/// a + b: pieces one after another.
Traced<Seconds> plus(Traced<Seconds> a, Traced<Seconds> b, Explain* ex = nullptr);

/// Activation bytes from a pipeline stage to the next: tokens d a, divided by the tensor degree under
/// sequence parallelism.
Traced<Bytes> stage_payload(const Prepared&, const ParallelPlan&, const MicroBatch&, Explain* ex = nullptr);

/// n * t
Traced<Seconds> repeated(Traced<double> n, Traced<Seconds> t, Explain* ex = nullptr);

}  // namespace ridge
