// expect: no matching function for call to .max
#include "base/quantity.h"
auto wrong = max(ridge::Bytes{1}, ridge::Flop{1});
