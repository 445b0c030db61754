#include "calibrate/measure/stop_signal.h"

#include <csignal>

namespace ridge {
namespace {

volatile std::sig_atomic_t is_asked = 0;

extern "C" void ridge_note_stop(int signal) {
  is_asked = 1;
  std::signal(signal, SIG_DFL);
}

}  // namespace

void watch_stop_signals() {
  std::signal(SIGINT, ridge_note_stop);
  std::signal(SIGTERM, ridge_note_stop);
}

bool is_stop_asked() { return is_asked != 0; }

}  // namespace ridge
