#pragma once
/// Launch functions of our own kernels: plain C++, so that everything around them is compiled by the
/// ordinary compiler.  Each queues its kernel on the stream and returns; the caller asks for errors.
/// Buffers are device memory; `bf16` arrays are passed as void*.

#include <cstddef>
#include <cstdint>
#include <cuda_runtime_api.h>

namespace ridge::cuda {

// --- tools (tool_kernels.cu) ---------------------------------------------------------------------
/// Spins until *flag (mapped host memory) is not zero, two seconds at most.
void launch_hold(const volatile int* flag, cudaStream_t);
/// clock[0] = cycles, clock[1] = nanoseconds that one thread saw pass in about 50 us.
void launch_clock(std::int64_t* clock, cudaStream_t);
void launch_empty(cudaStream_t);
enum class Fill { bf16, fp16, fp32, fp8 };
/// Uniform numbers in [-1, 1), a different sequence for every seed.
void launch_fill(void* out, std::size_t elements, Fill, std::uint32_t seed, cudaStream_t);

// --- references in double precision (reference_kernels.cu) ------------------------------------------
/// D[i] = sum over k of A[row_i, k] B[col_i, k] for sampled entries; A is m x k, B is n x k, row-major.
void launch_product_reference(const void* a, const void* b, Fill, std::int64_t k, const std::int64_t* rows,
                              const std::int64_t* cols, int samples, double* out, cudaStream_t);
/// Strides in elements; the query i of the last `queries` tokens sees keys up to i when causal.
struct AttentionLayout {
  std::int64_t batch = 1, heads = 1, kv_heads = 1, queries = 1, keys = 1;
  int head_dim = 128;
  bool is_causal = true;
  /// Queries and outputs: [batch, queries, heads, head_dim].
  /// Keys and values:     prefill [batch, keys, kv_heads, head_dim], decode [batch, kv_heads, keys, head_dim].
  bool is_decode = false;
  /// Values are the first so many numbers of the keys, as in latent attention; 0: arrays of their own.
  int latent_dim = 0;
  bool is_latent() const { return latent_dim > 0; }
  int output_dim() const { return is_latent() ? latent_dim : head_dim; }
};
/// Rows of the output named by batch, head and query (three numbers each); out: samples x head_dim.
void launch_attention_reference(const void* q, const void* k, const void* v, const AttentionLayout&,
                                const std::int64_t* rows, int samples, double* out, cudaStream_t);

// --- memory (memory_kernels.cu) ----------------------------------------------------------------------
enum class Stream { read, write, copy, triad };
/// Passes over `bytes` of each array; bytes moved per pass: read, write 1x; copy 2x; triad 3x.
void launch_stream(Stream, void* a, const void* b, const void* c, std::size_t bytes, int passes, int blocks,
                   cudaStream_t);
/// Follows `steps` links from *place and leaves the last there, so that the next launch goes on.
void launch_chase(const std::uint32_t* links, std::uint32_t steps, std::uint32_t* place, cudaStream_t);

// --- pointwise (pointwise_kernels.cu); all bf16 ------------------------------------------------------
void launch_rmsnorm(const void* x, const void* weight, void* y, int rows, int hidden, cudaStream_t);
/// y = silu(gate) * up; gate and up are the halves of each row of x.
void launch_silu_mul(const void* x, void* y, int rows, int width, cudaStream_t);
void launch_add(const void* a, const void* b, void* y, std::size_t elements, cudaStream_t);
void launch_softmax(const void* x, void* y, int rows, int width, cudaStream_t);

// --- products (product_wgmma.cu); bf16 ---------------------------------------------------------------
/// D[m, n] = A[m, k] · W[n, k]^T on Hopper.  False: another device, or n or k no multiple of 8.
bool launch_product(const void* a, const void* w, void* d, std::int64_t m, std::int64_t n, std::int64_t k,
                    int multiprocessors, cudaStream_t);

// --- attention (attention_prefill.cu, attention_decode.cu); bf16 -------------------------------------
/// Queries, or query heads of a KV head, and keys that one step computes whole.
struct AttentionTile {
  int rows = 1, keys = 1;
};
/// False when the head size is not one of 64, 128, 256.
bool launch_prefill(const void* q, const void* k, const void* v, void* o, const AttentionLayout&,
                    cudaStream_t);
/// The same with wgmma; head sizes 64, 96, 128, 192, 256.  False: another size, or no Hopper device.
bool has_prefill_wgmma(int head_dim);
AttentionTile prefill_wgmma_tile(int head_dim);
bool launch_prefill_wgmma(const void* q, const void* k, const void* v, void* o, const AttentionLayout&,
                          cudaStream_t);
/// Splits the keys over `splits` blocks; 0 chooses.  False: head size not 64 or 128, or more than 16
/// query heads to a KV head.
bool launch_decode(const void* q, const void* k, const void* v, void* o, const AttentionLayout&,
                   void* workspace, int splits, cudaStream_t);
AttentionTile prefill_tile(int head_dim);
AttentionTile decode_tile();
int decode_splits(const AttentionLayout&, int multiprocessors);
std::size_t decode_workspace_bytes(const AttentionLayout&, int splits);

}  // namespace ridge::cuda
