#pragma once
/// The measured points of a model in short, as a profile keeps them: enough to plot, not to fit again.

#include <vector>

namespace ridge {

/// judged: held out.  `interval` is of older profiles, whose held-out points that set the intervals judged nothing.
enum class PointRole { fitted, interval, judged };

struct PlottedPoint {
  double size = 0;                     ///< bytes of a curve's point; 0 for families of several sizes
  double measured = 0, predicted = 0;  ///< seconds
  PointRole role = PointRole::fitted;
};
using PlottedPoints = std::vector<PlottedPoint>;

}  // namespace ridge
