#include "cli/run.h"

#include <iostream>

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  return ridge::run({argv + 1, argv + argc}, std::cin, std::cout, std::cerr, ridge::process_terminal());
}
