#pragma once
/// How far a phase is, in a line a second on standard error.

#include <chrono>
#include <cstddef>
#include <fmt/format.h>
#include <string>

namespace ridge {

inline double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class Pace {
 public:
  /// `later`: seconds of the phases behind this one.
  Pace(std::string phase, std::size_t steps, double later)
      : phase_(std::move(phase)), steps_(steps), later_(later) {}
  void step(const std::string& what) {
    ++done_;
    if (done_ < steps_ && steady_seconds() - said_ < 1) return;
    said_ = steady_seconds();
    const double left = (said_ - begin_) / static_cast<double>(done_) * static_cast<double>(steps_ - done_);
    fmt::print(stderr, "{}: {} of {} ({}), about {:.0f} s left of it, {:.0f} s in all\n", phase_, done_,
               steps_, what, left, left + later_);
  }

 private:
  std::string phase_;
  std::size_t steps_, done_ = 0;
  double later_, begin_ = steady_seconds(), said_ = 0;
};

}  // namespace ridge
