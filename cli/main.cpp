#include "cli/calibrate_command.h"
#include "cli/run.h"

#include <iostream>
#include <string_view>

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "calibrate")
    return ridge::hand_over_to_calibrator({argv + 2, argv + argc});
  std::ios::sync_with_stdio(false);
  return ridge::run({argv + 1, argv + argc}, std::cin, std::cout, std::cerr, ridge::process_terminal());
}
