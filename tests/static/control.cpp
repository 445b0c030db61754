// expect: nothing
#include "base/explain.h"
#include "base/literals.h"
#include "base/quantity.h"

inline constexpr ridge::Formula f{"f", "a test", "a", "definition"};
ridge::Seconds time(ridge::Bytes b, ridge::BytesPerSecond r) { return b / r; }
auto right = time(ridge::Bytes{1} + ridge::Bytes{2}, ridge::BytesPerSecond{1});
auto noted = ridge::note(nullptr, f, 1.0, {{"a", ridge::constant(nullptr, "one", 1.0, "definition")}});
