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
enum class Fill { bf16, fp16, fp32, fp8, int8 };
/// Uniform numbers in [-1, 1), integers in [-128, 127], a different sequence for every seed.
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
/// What a backward pass is given: the forward's operands, its output and the gradient of that, and for every
/// row the logarithm of its sum, [batch, heads, queries].
struct AttentionBackwardInputs {
  const void *q, *k, *v, *o, *d_o;
  const float* log_sums;
};
/// Rows as above; out: samples x (gradient of the query, then the logarithm of the row's sum).
void launch_query_gradient_reference(const AttentionBackwardInputs&, const AttentionLayout&,
                                     const std::int64_t* rows, int samples, double* out, cudaStream_t);
/// Rows named by batch, KV head and key; out: samples x (gradients of the key, then of the value).
void launch_key_gradient_reference(const AttentionBackwardInputs&, const AttentionLayout&,
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
/// The same in the way of PyTorch's F.rms_norm: a plain loop over the row, twice.
void launch_rmsnorm_looped(const void* x, const void* weight, void* y, int rows, int hidden, cudaStream_t);
/// y = silu(gate) * up; gate and up are the halves of each row of x.
void launch_silu_mul(const void* x, void* y, int rows, int width, cudaStream_t);
void launch_add(const void* a, const void* b, void* y, std::size_t elements, cudaStream_t);
void launch_softmax(const void* x, void* y, int rows, int width, cudaStream_t);

/// Passes over a working set that a block keeps to itself: its shared memory, or a part of `data` that its L1 holds;
/// `sums`: one word a block, the sum of all it read.
enum class NearLevel { shared, l1 };
bool launch_near_read(NearLevel, const std::uint32_t* data, std::size_t bytes_of_block, int passes,
                      int blocks, std::uint32_t* sums, cudaStream_t);
/// Passes of x[i] += step · x[i + 1] over `registers` (8 to 32 in fours, 40, 48) numbers of a thread that start at (i + 1) / registers
/// in every thread: three registers are read for each.  out: those of the first thread.  1024 threads a block.
void launch_register_read(int registers, float step, int passes, int blocks, float* out, cudaStream_t);

// --- matrix units (tensor_kernels.cu) --------------------------------------------------------------------
enum class TensorType { bf16, fp16, fp8, tf32, int8 };
/// D = iterations · A B^T, kept in the matrix units of the whole device: by mma.sync, rows of A and B of 32 bytes, 16
/// and 64 of them; by wgmma, rows of 128 bytes, 128 and 256 of them.  D (fp32, or int32) is written by one warp, or
/// block.  False: the device has no such instruction.
bool launch_tensor_rate(TensorType, bool is_wgmma, const void* a, const void* b, void* d, int iterations,
                        int blocks, cudaStream_t);
/// Products and sums that one block's iteration does.
double tensor_flops(TensorType, bool is_wgmma);

// --- training (training_kernels.cu); bf16 but where it says otherwise --------------------------------------
void launch_layernorm(const void* x, const void* weight, const void* bias, void* y, int rows, int hidden,
                      cudaStream_t);
/// Backward of rmsnorm, or of layernorm (has_mean); d_weight is fp32, `parts` room for norm_backward_blocks() of it.
/// Pre: hidden is a multiple of 32.
void launch_norm_backward(bool has_mean, const void* x, const void* dy, const void* weight, void* dx,
                          float* d_weight, void* parts, int rows, int hidden, cudaStream_t);
int norm_backward_blocks(bool has_mean, int rows, int hidden);
/// From the softmax's output.
void launch_softmax_backward(const void* y, const void* dy, void* dx, int rows, int width, cudaStream_t);
void launch_silu_mul_backward(const void* x, const void* dy, void* dx, int rows, int width, cudaStream_t);
/// AdamW, arXiv:1711.05101: fp32 moments, variances and master weights, bf16 gradients and weights.
struct AdamStep {
  float rate, beta1, beta2, epsilon, decay;
  float correction1, correction2;  ///< 1 / (1 - beta^step)
};
/// The same in the way of PyTorch's fused AdamW: fp32 throughout, chunks of 65536 numbers a block, 320 a launch.
struct ChunkedAdamStep {
  float rate, beta1, beta2, epsilon, decay;
  float step, root2;  ///< rate / (1 - beta1^step), sqrt(1 - beta2^step)
};
void launch_adam_chunks(const void* gradient, void* moment, void* variance, void* weight,
                        std::size_t elements, const ChunkedAdamStep&, cudaStream_t);
void launch_adam(const void* gradient, void* moment, void* variance, void* master, void* weight,
                 std::size_t elements, const AdamStep&, cudaStream_t);

// --- products (product_wgmma.cu); bf16 ---------------------------------------------------------------
/// D[m, n] = A[m, k] · W[n, k]^T on Hopper.  False: another device, or n or k no multiple of 8.
bool launch_product(const void* a, const void* w, void* d, std::int64_t m, std::int64_t n, std::int64_t k,
                    int multiprocessors, cudaStream_t);

// --- products with narrow weights (weight_kernels.cu) --------------------------------------------------------
/// D[m, n] = X[m, k] · (scale · W[n, k])^T: X and D bf16; W int8 with an fp32 scale a row, or 4 bits (q - 8; numbers 2j
/// and 2j + 1 of a word are its nibbles j and j + 4) with a bf16 scale for every 128 numbers of a row.
struct WeightProduct {
  int bits = 8;
  std::int64_t m = 1, n = 1, k = 128;
  const void *x = nullptr, *w = nullptr, *scales = nullptr;
  void* d = nullptr;
  void* expanded = nullptr;  ///< room for W in bf16: of parts of sums, from 97 rows on of W itself
  int multiprocessors = 1;
};
/// False when k is no multiple of 128.
bool launch_weight_product(const WeightProduct&, cudaStream_t);
/// W as bf16 into `expanded`, for a library's product.  False where few rows make widening on the way faster.
bool launch_weight_expansion(const WeightProduct&, cudaStream_t);
/// Rows of X and of W that a step computes whole, by the number of rows of X.
struct ProductTile {
  int rows = 1, columns = 1;
};
ProductTile weight_tile(std::int64_t rows);
/// Sampled entries as double sums, as launch_product_reference.
void launch_weight_reference(const WeightProduct&, const std::int64_t* rows, const std::int64_t* cols,
                             int samples, double* out, cudaStream_t);

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

// --- latent attention (attention_latent.cu); bf16 ---------------------------------------------------------
/// One query a sequence over keys of 576 numbers whose first 512 are the values too: q [batch, heads, 576],
/// kv [batch, keys, 576], o [batch, heads, 512].  False: other sizes, heads no multiple of 64, or no Hopper.
/// Its blocks share the tiles of all sequences: in ranges of whole sequences, or divided where that is sooner done.
struct LatentPlan {
  int ranges = 1;
  bool is_divided = false;
};
bool launch_latent(const void* q, const void* kv, void* o, const AttentionLayout&, void* workspace,
                   const LatentPlan&, cudaStream_t);
LatentPlan latent_plan(const AttentionLayout&, int multiprocessors);
std::size_t latent_workspace_bytes(const AttentionLayout&, const LatentPlan&);
AttentionTile latent_tile();

}  // namespace ridge::cuda
