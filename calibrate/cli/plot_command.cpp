#include "base/chart_svg.h"
#include "calibrate/cli/commands.h"
#include "calibrate/fit/model_chart.h"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>

namespace ridge::calibrate {
namespace {

/// "all_reduce 4 devices, bf16, graph" -> "all_reduce-4-devices-bf16-graph.svg"
std::string file_name(const std::string& family, const std::string& variant) {
  std::string out;
  for (const char c : family + '-' + variant) {
    const bool is_kept =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    if (is_kept) out += c;
    else if (!out.empty() && out.back() != '-') out += '-';
  }
  return out + ".svg";
}

class Writer {
 public:
  Writer(std::string folder, bool is_json) : folder_(std::move(folder)), is_json_(is_json) {}

  template <class Model> void add(const Model& m) {
    const auto panels = model_chart(m);
    if (panels.empty()) return void(++without_);
    const std::string path = folder_ + '/' + file_name(m.family, m.variant);
    std::ofstream out(path);
    out << chart_svg(panels);
    out.close();
    if (!out) return void(failed_.push_back(path));
    if (!is_json_) fmt::print("{}\n", path);
    written_.push_back(path);
  }

  int status() const {
    if (is_json_)
      fmt::print("{}\n", nlohmann::json{{"files", written_}, {"without_points", without_}}.dump(2));
    for (const std::string& f : failed_) fmt::print(stderr, "cannot write {}\n", f);
    if (without_ > 0)
      fmt::print(stderr, "{} models keep no measured points to plot: imported tables, or an old run\n",
                 without_);
    if (!failed_.empty()) return bad_usage;
    return written_.empty() ? not_accepted : done;
  }

 private:
  std::string folder_;
  bool is_json_;
  std::vector<std::string> failed_, written_;
  int without_ = 0;
};

}  // namespace

int plot(const PlotCommand& c) {
  Diagnostics diagnostics;
  const auto profile = load_profile(c.profile, diagnostics);
  if (report_problems(diagnostics) || !profile) return bad_usage;
  std::error_code problem;
  std::filesystem::create_directories(c.out, problem);
  if (problem) {
    fmt::print(stderr, "cannot make the folder {}: {}\n", c.out, problem.message());
    return bad_usage;
  }
  Writer writer(c.out, c.is_json);
  for (const KernelModel& m : profile->models.kernels) writer.add(m);
  for (const CurveModel& m : profile->models.curves) writer.add(m);
  return writer.status();
}

}  // namespace ridge::calibrate
