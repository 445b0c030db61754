// expect: no match for .operator<.|invalid operands to binary expression
#include "base/quantity.h"
bool wrong = ridge::Bytes{1} < ridge::Seconds{1};
