// expect: could not convert .*Quantity.*|no matching function|no viable conversion
#include "base/quantity.h"
ridge::Seconds time(ridge::Bytes, ridge::BytesPerSecond);
auto wrong = time(ridge::BytesPerSecond{1}, ridge::Bytes{1});
