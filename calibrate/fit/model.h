#pragma once
/// From measurements to models that predict kernels nobody timed, and know their error.
///
///   1. choose what is held out, before any fit
///   2. a law (law.h) on the rest, then a residual table on what the law leaves
///   3. predict the points held out, which tell the error and set the interval of each regime; how many an interval
///      covers is judged by halves, each by the interval that the other half sets (conformal.h)
///   4. gates: a model too wrong or beyond the machine's limits is kept, but not accepted
///
/// Families over bytes alone become curves (hardware/time_curve.h) by the same steps.

#include "calibrate/fit/conformal.h"
#include "calibrate/fit/curve_fit.h"
#include "calibrate/fit/law.h"
#include "calibrate/fit/plotted_point.h"
#include "calibrate/fit/residual_fit.h"
#include "calibrate/fit/schedule.h"
#include "hardware/profile_record.h"

#include <functional>
#include <string>
#include <vector>

namespace ridge {

/// Limits of the machine that a law is relative to.
struct MachineLimits {
  std::function<FlopPerSecond(std::string_view variant)> peak;  ///< zero: the variant has none
  BytesPerSecond bandwidth;
};

struct KernelModel {
  std::string family, variant, library;
  KernelLaw law;
  BlockSchedule schedule;  ///< of a kernel whose tiles are known: the law's FLOPs are those of schedule.h
  ResidualTable residual;
  double bandwidth_reached = 1;  ///< largest bytes / (time · bandwidth) of the fitted points; 1: unknown
  std::int64_t fitted_points = 0;
  std::int64_t interval_points = 0;  ///< held-out points that set the intervals: all of them
  ErrorSummary fitted, hold_out;
  std::vector<RegimeInterval> intervals;
  std::vector<std::string> objections;  ///< of the gates; empty: accepted
  PlottedPoints samples;                ///< to plot; empty for imported tables
};

struct CurveModel {
  std::string family, variant, library;
  TimeCurve curve;
  std::int64_t fitted_points = 0;
  std::int64_t interval_points = 0;  ///< held-out points that set the intervals: all of them
  ErrorSummary hold_out;
  std::vector<RegimeInterval> intervals;
  std::vector<std::string> objections;
  PlottedPoints samples;
};

/// A single time, without sizes to fit over: a launch, a clock under load.
struct MeasuredFigure {
  std::string family, variant;
  Seconds time;
};

/// Where a measurement lies on the axes of its family's table (table_axes of hardware/profile_record.h).
std::vector<double> table_position(const Measurement&);

/// Which interval a point belongs to: "m <= 64", "m 65 - 1024", "m > 1024"; other families by time:
/// "< 20 us", "20 - 500 us", "> 500 us".
std::string regime_of(const Measurement&, Seconds predicted);

Seconds predict(const KernelModel&, const Measurement&);
Seconds predict(const CurveModel&, const Measurement&);

struct FitOptions {
  double hold_out_fraction = 0.2;  ///< where the measurements mark none themselves
  bool has_table = true;
  std::size_t most_knots = 16;  ///< per axis
  bool keeps_samples = true;    ///< false for tables that others publish
};

struct Models {
  std::vector<KernelModel> kernels;
  std::vector<CurveModel> curves;
  std::vector<MeasuredFigure> figures;
  std::vector<std::string> skipped;  ///< what could not be fitted, and why

  const KernelModel* kernel(std::string_view family, std::string_view variant) const;
  const CurveModel* curve(std::string_view family, std::string_view variant) const;
};

/// Fits every (family, variant) that occurs; those without sizes become figures.  Throttled points are left out and counted in `skipped`.
Models fit_models(const Measurements&, const MachineLimits&, const FitOptions& = {});

/// Limits on what a model may claim: hold-out median <= 10 %, 90th percentile <= 30 %; at least ten
/// points held out (passes seven, curves four); no fraction of a peak stuck at 1; an exponent inside its box.
std::vector<std::string> gate_objections(const KernelModel&);
std::vector<std::string> gate_objections(const CurveModel&);

}  // namespace ridge
