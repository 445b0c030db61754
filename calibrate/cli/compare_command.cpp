#include "calibrate/cli/commands.h"
#include "calibrate/fit/profile_difference.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ridge::calibrate {
namespace {

using nlohmann::json;

json json_of(const ModelDifference& d) {
  json j{{"family", d.family}, {"variant", d.variant}, {"in_left", d.in_left}, {"in_right", d.in_right}};
  if (!d.in_left || !d.in_right) return j;
  j["predictions"] = {{"points", d.points}, {"median", d.median}, {"p90", d.p90}, {"bias", d.bias}};
  for (const ParameterChange& p : d.parameters)
    j["parameters"][p.name] = {{"left", p.left}, {"right", p.right}};
  return j;
}

void print_difference(const ModelDifference& d) {
  fmt::print("{:<20} {:<32} ", d.family, d.variant);
  if (!d.in_left || !d.in_right) return fmt::print("only in the {}\n", d.in_left ? "first" : "second");
  if (d.points == 0) fmt::print("{:>6} {:>7} {:>7} {:>7}  ", 0, "-", "-", "-");
  else fmt::print("{:>6} {:>7.1f} {:>7.1f} {:>+7.1f}  ", d.points, 100 * d.median, 100 * d.p90, 100 * d.bias);
  for (const ParameterChange& p : d.parameters)
    if (p.left != p.right && p.name == "t0")
      fmt::print(" t0 {:.2f} -> {:.2f} us", 1e6 * p.left, 1e6 * p.right);
    else if (p.left != p.right && p.name == "c")
      fmt::print(" c {:.2f} -> {:.2f} ns", 1e9 * p.left, 1e9 * p.right);
    else if (p.left != p.right) fmt::print(" {} {:.3g} -> {:.3g}", p.name, p.left, p.right);
  fmt::print("\n");
}

}  // namespace

int compare(const CompareCommand& c) {
  Diagnostics diagnostics;
  const auto left = load_profile(c.left, diagnostics), right = load_profile(c.right, diagnostics);
  if (report_problems(diagnostics) || !left || !right) return bad_usage;
  if (left->device != right->device)
    fmt::print(stderr, "note: these are different devices, '{}' and '{}'\n", left->device, right->device);
  const auto all = model_differences(left->models, right->models);
  if (c.is_json) {
    json models = json::array();
    for (const ModelDifference& d : all) models.push_back(json_of(d));
    fmt::print("{}\n", json{{"left", left->device},
                            {"right", right->device},
                            {"typical_difference", typical_difference(all)},
                            {"models", models}}
                           .dump(2));
    return done;
  }
  fmt::print("{:<20} {:<32} {:>6} {:>7} {:>7} {:>7}   {}\n", "family", "variant", "points", "median%", "p90%",
             "bias%", "parameters");
  for (const ModelDifference& d : all) print_difference(d);
  if (std::ranges::none_of(all, [](const ModelDifference& d) { return d.points > 0; })) {
    fmt::print("\nNo model of both can be compared.\n");
    return not_accepted;
  }
  fmt::print("\nPredictions differ by {:.1f} % (median over the models of their medians).\n",
             100 * typical_difference(all));
  return done;
}

}  // namespace ridge::calibrate
