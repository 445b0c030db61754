#include "sim/premises.h"

#include "sim/kernels.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ridge {
namespace {

void positions(const Scenario& s, std::vector<std::string>& out) {
  const auto [tokens, keys] = longest_sequence(s);
  const std::int64_t most = s.model.max_positions;
  if (most > 0 && tokens > most && s.model.positions != Positions::learned)
    out.push_back(
        fmt::format("{} is {}, beyond the {} positions of {}: the time is that of such a length, "
                    "what the model would say there is not promised",
                    keys, tokens, most, s.model_name));
}

bool is_named(const std::string& lower, std::string_view name) {
  return std::ranges::equal(lower, name, {}, {}, [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
}

/// A stack's kernels exist for some devices only.
void device_of_stack(const Scenario& s, std::vector<std::string>& out) {
  const Device& device = s.hardware.device;
  const std::vector<std::string>& known = s.software.runs_on;
  const auto is_this = [&](const std::string& name) {
    return name == enum_name(device.kind) || is_named(name, device.vendor);
  };
  if (known.empty() || std::ranges::any_of(known, is_this)) return;
  out.push_back(fmt::format("{} has no kernels for {}, a {} of {}: it runs on {}", s.software_name,
                            device.name, enum_name(device.kind), device.vendor, fmt::join(known, ", ")));
}

void stack(const Scenario& s, std::vector<std::string>& out) {
  if (s.inference() && s.software.purpose == StackPurpose::training)
    out.push_back(fmt::format("{} is made for training; serving engines such as vllm run other kernels",
                              s.software_name));
}

void number_format(const Scenario& s, std::vector<std::string>& out) {
  if (!s.training() && !s.inference()) return;
  const std::string_view name =
      s.training() ? std::string_view(s.precision.compute) : enum_name(s.weight_format.arithmetic);
  const Precision asked = precision_named(name);
  const auto execution = matrix_execution(s.hardware.device, asked);
  if (execution && execution->precision != asked)
    out.push_back(fmt::format("{} has no units for {}: products run in {}{}", s.hardware.device.name, name,
                              enum_name(execution->precision),
                              execution->on_matrix_unit ? "" : ", outside the matrix units"));
}

}  // namespace

LongestSequence longest_sequence(const Scenario& s) {
  if (const Training* t = s.training()) return {t->sequence_length, "training.sequence_length"};
  const Inference* i = s.inference();
  if (!i) return {};
  if (i->phase != InferencePhase::request) return {i->prompt_tokens, "inference.prompt_tokens"};
  return {i->prompt_tokens + i->output_tokens, "inference.prompt_tokens with output_tokens"};
}

std::vector<std::string> doubtful_premises(const Prepared& p) {
  std::vector<std::string> out;
  positions(p.scenario, out);
  stack(p.scenario, out);
  device_of_stack(p.scenario, out);
  number_format(p.scenario, out);
  return out;
}

}  // namespace ridge
