#pragma once
/// A chip's counters as the library knows them, and the image that programs a list of them.  No device.

#include "calibrate/cuda/cupti.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace ridge::cuda {

class CounterConfig {
 public:
  /// Throws ProbeError for a chip that the library does not know.
  explicit CounterConfig(std::string_view chip);
  ~CounterConfig();
  CounterConfig(const CounterConfig&) = delete;
  CounterConfig& operator=(const CounterConfig&) = delete;

  bool has(const std::string& metric) const;
  /// Makes the image; once.  Returns the passes it takes; throws ProbeError naming what was refused.
  int add(const std::vector<std::string>& metrics);
  const std::vector<std::uint8_t>& image() const { return image_; }
  /// One value a metric, in the order of add(), of a range in decoded counter data.
  std::vector<double> values(const std::vector<std::uint8_t>& data, std::size_t range) const;
  /// The metrics' names as CUPTI takes them.
  std::vector<const char*>& names() { return names_; }

 private:
  CUpti_Profiler_Host_Object* host_ = nullptr;
  std::vector<std::string> metrics_;
  mutable std::vector<const char*> names_;
  std::vector<std::uint8_t> image_;
};

}  // namespace ridge::cuda
