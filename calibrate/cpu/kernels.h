#pragma once
/// Loops whose speed is a property of the machine, compiled once for each vector width.
///
/// The bodies are plain C in kernels_body.inc; best_kernels() takes the widest the processor has.

#include <cstddef>
#include <cstdint>

namespace ridge::cpu {

struct Kernels {
  const char* name;  ///< "avx512f", "avx2", "baseline"

  // Memory: n 8-byte words.
  std::uint64_t (*read)(const std::uint64_t* a, std::size_t n);  ///< sum of the words
  void (*write)(std::uint64_t* a, std::size_t n, std::uint64_t value);
  void (*copy)(std::uint64_t* to, const std::uint64_t* from, std::size_t n);
  void (*triad)(float* to, const float* a, const float* b, std::size_t n);  ///< a + 2 b

  /// x <- x/2 + 1 for `lanes` independent x, `steps` times: two FLOP each, no memory.
  void (*chain_fp32)(float* x, std::size_t steps);
  void (*chain_fp64)(double* x, std::size_t steps);
  std::size_t lanes_fp32, lanes_fp64;

  // Passes over rows of n floats.
  void (*add)(float* y, const float* x, const float* other, std::size_t n);
  void (*rmsnorm)(float* y, const float* x, const float* weight, std::size_t n);
  void (*silu_mul)(float* y, const float* x, const float* gate, std::size_t n);
  void (*softmax)(float* y, const float* x, std::size_t n);
  /// to += from.
  void (*accumulate)(float* to, const float* from, std::size_t n);

  /// One query of `head_dim` against `tokens` keys and values (token by token, head_dim floats each);
  /// `scores` is room for `tokens`.
  void (*attend)(float* out, const float* query, const float* keys, const float* values, float* scores,
                 std::size_t tokens, std::size_t head_dim);
};

const Kernels& best_kernels();

extern const Kernels kernels_baseline;
#if defined(__x86_64__)
extern const Kernels kernels_avx2, kernels_avx512;
#endif

}  // namespace ridge::cpu
