#pragma once
/// The commands of ridge-calibrate.  Each returns the exit status: 0 done, 1 done but not accepted, 2 bad
/// usage or input.

#include "calibrate/io/measurement_lines.h"
#include "calibrate/io/profile.h"

#include <string>
#include <vector>

namespace ridge::calibrate {

inline constexpr int done = 0, not_accepted = 1, bad_usage = 2;

struct FitCommand {
  std::vector<std::string> files;
  std::string device;   ///< of a table with many; empty: all, reported only
  std::string base;     ///< preset; empty: by the device's name
  std::string presets;  ///< folder
  std::string out, preset_out;
  bool has_table = true;
  std::string source;  ///< whose measurements: makes the profile an imported one
  bool is_json = false;
};
int fit(const FitCommand&);

struct CheckCommand {
  std::string profile;
  std::vector<std::string> files;
  bool takes_any_device = false, is_json = false;
};
/// A profile's predictions against other measurements, per family and variant; those of another device are
/// refused unless asked for.
int check(const CheckCommand&);

struct CompareCommand {
  std::string left, right;
  bool is_json = false;
};
/// How far two profiles lie apart, in parameters and predictions.
int compare(const CompareCommand&);

struct MergeCommand {
  std::string first, second, out;
  bool is_json = false;
};
/// One profile of two runs on the same kind of device: what the first lacks comes from the second.
int merge(const MergeCommand&);

struct ImportCommand {
  std::vector<std::string> files;
  std::string out;     ///< JSON lines; empty: said only
  std::string device;  ///< of measurements whose source does not tell
  int ranks = 0;       ///< of collectives whose source does not tell
  bool is_json = false;
};
/// Other tools' output and tables as measurements.
int import(const ImportCommand&);

struct ShowCommand {
  std::string profile;
  bool is_json = false, is_markdown = false;
};
/// What a profile holds: where it comes from, each model's error on points that no fit saw.
int show(const ShowCommand&);

struct PlotCommand {
  std::string profile, out = "plots";
  bool is_json = false;
};
/// An SVG file for each model of a profile: measured against fitted.
int plot(const PlotCommand&);

#ifdef RIDGE_HAVE_CUDA
struct KernelsCommand {
  std::vector<std::string> only;  ///< product, prefill, decode; empty: all
  bool is_json = false;
};
/// Our kernels beside the vendor's libraries, on this machine's first device.
int kernels(const KernelsCommand&);
#endif

/// Measurements of JSON-lines files and CSV tables, together; empty and reported when one cannot be read.
/// `ranks`: of collectives whose source does not tell; zero: unknown, an error there.
MeasuredRun read_measured(const std::vector<std::string>& files, Diagnostics&, int ranks = 0);

/// A profile's file, or nothing when it cannot be used (reported).
std::optional<Profile> load_profile(const std::string& path, Diagnostics&);

/// Prints what there is to say on standard error; true when there are errors.
bool report_problems(const Diagnostics&);

}  // namespace ridge::calibrate
