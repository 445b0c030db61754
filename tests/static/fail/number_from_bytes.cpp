// expect: cannot convert .*Quantity.* to .double.|no viable conversion
#include "base/quantity.h"
double wrong = ridge::Bytes{1};
