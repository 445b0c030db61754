#pragma once
/// Ctrl-C as a question: the run asks between points, closes its file and says how to go on.

namespace ridge {

/// From now on the first interrupt or termination signal only makes is_stop_asked() true; a second one ends
/// the program as usual.
void watch_stop_signals();
bool is_stop_asked();

}  // namespace ridge
