// expect: Dim *{ *-1, 1, 1, 0, 0, 0, 0 *}|no viable conversion
#include "base/quantity.h"
ridge::Seconds wrong = ridge::Flop{1} / ridge::BytesPerSecond{1};
