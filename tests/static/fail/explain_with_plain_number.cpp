// expect: no matching function for call to .note|could not convert|cannot convert|no viable conversion
#include "base/explain.h"
inline constexpr ridge::Formula f{"f", "a test", "a", "definition"};
// A term is a traced value: a bare number has no origin to show.
auto wrong = ridge::note(nullptr, f, 1.0, {{"a", 1.0}});
