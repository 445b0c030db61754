// Whether a profile can be of a device: by its name, peaks, memory bandwidth and multiprocessors.
#include "hardware/profile.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace ridge {

std::string peak_precision(std::string_view variant) {
  const std::string_view first = variant.substr(0, variant.find_first_of("-, "));
  return std::string(variant.ends_with("-weights") ? "bf16" : first == "nvfp4" ? "fp4" : first);
}

namespace {

/// Within half a unit of the third digit: hardware files are written for people to read.
bool is_close(double a, double b) { return std::abs(a - b) <= 5e-3 * std::max(std::abs(a), std::abs(b)); }

std::string lower_words(std::string_view text) {
  std::string out = " ";
  for (const char c : text) {
    const bool is_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (c >= 'A' && c <= 'Z') out += static_cast<char>(c + 32);
    else out += is_word ? c : ' ';
  }
  return out + ' ';
}

/// The model's word of a device's name: the first that holds a digit ("NVIDIA H200" -> " h200 ").
std::string model_word(std::string_view device) {
  const std::string words = lower_words(device);
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::size_t end = words.find(' ', i);
    const std::string_view word = std::string_view(words).substr(i, end - i);
    if (word.find_first_of("0123456789") != std::string_view::npos) return fmt::format(" {} ", word);
    i = end;
  }
  return {};
}

std::optional<FlopPerSecond> peak_of(const Device& d, std::string_view variant) {
  for (const auto& [precision, name] : EnumNames<Precision>::names)
    if (name == peak_precision(variant))
      if (const auto e = matrix_execution(d, precision)) return e->peak;
  return std::nullopt;
}

/// What differs between a profile and a device, in words; empty when nothing does.
std::string difference(const ProfileRecord& p, const Device& d) {
  const std::string word = model_word(p.device);
  if (!word.empty() && !d.name.empty() && lower_words(d.name).find(word) == std::string::npos)
    return fmt::format("it was measured on '{}'", p.device);
  for (const KernelRecord& k : p.kernels) {
    if (!is_close(k.bandwidth.value(), d.hbm.bandwidth.value.value()))
      return fmt::format("its memory bandwidth is {}, not {}", format(k.bandwidth),
                         format(d.hbm.bandwidth.value));
    const auto peak = k.family == "gemm" ? peak_of(d, k.variant) : std::nullopt;
    if (peak && !is_close(k.peak.value(), peak->value()))
      return fmt::format("its {} peak is {}, not {}", k.variant, format(k.peak), format(*peak));
  }
  const auto it = p.facts.find("multiprocessors");
  const std::string written = it == p.facts.end() ? "" : it->second;
  const auto count = parse_number(written);
  if (count && d.multiprocessors > 0 && *count != static_cast<double>(d.multiprocessors))
    return fmt::format("it has {} multiprocessors, not {}", written, d.multiprocessors);
  return {};
}

}  // namespace

bool check_profile_device(const ProfileRecord& p, const Device& d, const Span& at, Diagnostics& diagnostics) {
  const std::string why = difference(p, d);
  if (why.empty()) return true;
  diagnostics
      .error("other-device",
             fmt::format("the profile is of another device than '{}': {}", d.name.empty() ? "this" : d.name,
                         why),
             at)
      .suggestion = "calibrate this device, or name the profile in a file that extends '" + p.base + "'";
  return false;
}

}  // namespace ridge
