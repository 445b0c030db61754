#pragma once
/// What a fuzz target may rely on.  A target is one function that must return for every input:
///
///   extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
///     const auto source = ridge::fuzz::source(data, size);
///     ...
///     FUZZ_CHECK(some law);
///     return 0;
///   }

#include "base/diagnostic.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

/// Ends the run, keeping the input, when a law does not hold.
#define FUZZ_CHECK(law)                                                             \
  do {                                                                              \
    if (!(law)) {                                                                   \
      std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #law); \
      std::abort();                                                                 \
    }                                                                               \
  } while (false)

namespace ridge::fuzz {

/// Inputs that got past the readers; a run in which few do tests little.
inline long long accepted = 0;

inline std::string text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}
inline SourcePtr source(const std::uint8_t* data, std::size_t size) {
  return std::make_shared<const Source>(Source{"input", text(data, size)});
}

/// Every diagnostic must be renderable, name a place inside the source, and have a message.
inline void check(const Diagnostics& diagnostics) {
  for (auto& d : diagnostics.items()) {
    FUZZ_CHECK(!d.message.empty() && !d.code.empty());
    FUZZ_CHECK(d.span.line >= 0 && d.span.column >= 0);
  }
  const std::string shown = render(diagnostics);
  FUZZ_CHECK(shown.empty() == diagnostics.empty());
  for (char c : shown) FUZZ_CHECK(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
}

}  // namespace ridge::fuzz
