#include "cli/calibrate_command.h"

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <unistd.h>

namespace ridge {
namespace {

namespace fs = std::filesystem;

constexpr const char* program = "ridge-calibrate";

bool is_program(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) && access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::vector<std::string> calibrate_arguments(std::vector<std::string> after) {
  if (!after.empty() && after[0] == "--compare") after[0] = "compare";
  else if (!after.empty() && (after[0] == "--help" || after[0] == "-h" || after[0] == "--version"))
    return after;
  else if (after.empty() || after[0].starts_with('-')) after.insert(after.begin(), "run");
  return after;
}

std::string find_calibrator(const std::string& own_folder, const std::string& search_path) {
  for (const char* folder : {".", "calibrate"})
    if (const fs::path path = fs::path(own_folder) / folder / program; is_program(path))
      return path.lexically_normal().string();
  for (std::size_t from = 0; from <= search_path.size();) {
    const std::size_t end = std::min(search_path.find(':', from), search_path.size());
    const fs::path path = fs::path(search_path.substr(from, end - from)) / program;
    if (end > from && is_program(path)) return path.string();
    from = end + 1;
  }
  return {};
}

int hand_over_to_calibrator(const std::vector<std::string>& after) {
  std::error_code ignored;
  const fs::path own = fs::read_symlink("/proc/self/exe", ignored);
  const char* search = std::getenv("PATH");
  const std::string path = find_calibrator(own.parent_path().string(), search ? search : "");
  std::vector<std::string> arguments = calibrate_arguments(after);
  arguments.insert(arguments.begin(), path);
  std::vector<char*> raw;
  raw.reserve(arguments.size() + 1);
  for (std::string& a : arguments) raw.push_back(a.data());
  raw.push_back(nullptr);
  if (!path.empty()) execv(path.c_str(), raw.data());
  std::cerr << "ridge: calibration is the program ridge-calibrate, which "
            << (path.empty() ? "is neither beside ridge nor on the PATH" : "could not be started: " + path)
            << "\n  build it with: cmake --preset release && cmake --build --preset release --target "
               "ridge-calibrate"
               "\n  it needs Eigen 3; a CUDA toolkit adds the probes of NVIDIA devices\n";
  return 2;
}

}  // namespace ridge
