#pragma once
/// Literals for tests and figures in code: 80_GiB, 3.35_TBps, 989.4_TFLOPps, 12.3_us.
/// "ps" ends a rate ("per second"); prefixes as in quantity_text.h.  Each literal is the double that
/// parse_quantity gives for the same text (tests/base/literals_test.cpp).

#include "base/quantity.h"

namespace ridge {
inline namespace literals {

// One line per literal: suffix, type, and its size in base units as multiplier / divisor.
#define RIDGE_LITERAL(suffix, type, multiplier, divisor)                                      \
  constexpr type operator""_##suffix(long double v) {                                         \
    return type{static_cast<double>(v * (multiplier) / (divisor))};                           \
  }                                                                                           \
  constexpr type operator""_##suffix(unsigned long long v) {                                  \
    return type{static_cast<double>(static_cast<long double>(v) * (multiplier) / (divisor))}; \
  }

RIDGE_LITERAL(B, Bytes, 1.0L, 1.0L)
RIDGE_LITERAL(kB, Bytes, 1e3L, 1.0L)
RIDGE_LITERAL(MB, Bytes, 1e6L, 1.0L)
RIDGE_LITERAL(GB, Bytes, 1e9L, 1.0L)
RIDGE_LITERAL(TB, Bytes, 1e12L, 1.0L)
RIDGE_LITERAL(KiB, Bytes, 1024.0L, 1.0L)
RIDGE_LITERAL(MiB, Bytes, 1048576.0L, 1.0L)
RIDGE_LITERAL(GiB, Bytes, 1073741824.0L, 1.0L)
RIDGE_LITERAL(TiB, Bytes, 1099511627776.0L, 1.0L)
RIDGE_LITERAL(Bps, BytesPerSecond, 1.0L, 1.0L)
RIDGE_LITERAL(MBps, BytesPerSecond, 1e6L, 1.0L)
RIDGE_LITERAL(GBps, BytesPerSecond, 1e9L, 1.0L)
RIDGE_LITERAL(TBps, BytesPerSecond, 1e12L, 1.0L)
RIDGE_LITERAL(Gbps, BytesPerSecond, 1e9L, 8.0L)
RIDGE_LITERAL(FLOP, Flop, 1.0L, 1.0L)
RIDGE_LITERAL(MFLOP, Flop, 1e6L, 1.0L)
RIDGE_LITERAL(GFLOP, Flop, 1e9L, 1.0L)
RIDGE_LITERAL(TFLOP, Flop, 1e12L, 1.0L)
RIDGE_LITERAL(PFLOP, Flop, 1e15L, 1.0L)
RIDGE_LITERAL(FLOPps, FlopPerSecond, 1.0L, 1.0L)
RIDGE_LITERAL(GFLOPps, FlopPerSecond, 1e9L, 1.0L)
RIDGE_LITERAL(TFLOPps, FlopPerSecond, 1e12L, 1.0L)
RIDGE_LITERAL(PFLOPps, FlopPerSecond, 1e15L, 1.0L)
RIDGE_LITERAL(s, Seconds, 1.0L, 1.0L)
RIDGE_LITERAL(ms, Seconds, 1.0L, 1e3L)
RIDGE_LITERAL(us, Seconds, 1.0L, 1e6L)
RIDGE_LITERAL(ns, Seconds, 1.0L, 1e9L)
RIDGE_LITERAL(min, Seconds, 60.0L, 1.0L)
RIDGE_LITERAL(h, Seconds, 3600.0L, 1.0L)
RIDGE_LITERAL(elements, Elements, 1.0L, 1.0L)
RIDGE_LITERAL(tokens, Tokens, 1.0L, 1.0L)
RIDGE_LITERAL(USD, Usd, 1.0L, 1.0L)
RIDGE_LITERAL(J, Joules, 1.0L, 1.0L)
RIDGE_LITERAL(kJ, Joules, 1e3L, 1.0L)
RIDGE_LITERAL(W, Watts, 1.0L, 1.0L)
RIDGE_LITERAL(kW, Watts, 1e3L, 1.0L)
RIDGE_LITERAL(MHz, Hertz, 1e6L, 1.0L)
RIDGE_LITERAL(GHz, Hertz, 1e9L, 1.0L)

#undef RIDGE_LITERAL

}  // namespace literals
}  // namespace ridge
