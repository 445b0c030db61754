#include "calibrate/cuda/attention_case.h"

#include <cuda_bf16.h>

namespace ridge::cuda {
namespace {

constexpr std::size_t pool_bytes = std::size_t{12} << 30;

std::size_t aligned(std::int64_t elements) {
  return (static_cast<std::size_t>(elements) * 2 + 255) / 256 * 256;
}

}  // namespace

AttentionCase::AttentionCase(ProbeContext& c, const AttentionLayout& s)
    : context_(&c),
      layout_(s),
      q_(aligned(s.batch * s.queries * s.heads * s.head_dim)),
      k_(aligned(s.batch * s.keys * s.kv_heads * s.head_dim)),
      o_(aligned(s.batch * s.queries * s.heads * s.output_dim())),
      set_(q_ + (s.is_latent() ? 1 : 2) * k_),
      turns_(rotation_for(static_cast<double>(set_))),
      out_(o_) {
  const Buffer& pool = c.random_pool(pool_bytes, Fill::bf16);
  if (set_ > pool.bytes()) throw ProbeError("operands larger than the pool");
  while (turns_ > 1 && static_cast<std::size_t>(turns_) * set_ > pool.bytes()) --turns_;
}

void AttentionCase::expect_right(const Kernel& kernel) {
  ProbeContext& c = *context_;
  const Buffer& pool = c.random_pool(pool_bytes, Fill::bf16);
  const AttentionLayout& s = layout_;
  const void *q = pool.at(), *k = pool.at(q_), *v = s.is_latent() ? k : pool.at(q_ + k_);
  check(cudaMemsetAsync(out_.at(), 0xFF, o_, c.stream()), "memory");
  kernel(q, k, v, out_.at());
  check_launch("attention");
  const int samples = s.keys > 8192 ? 4 : 12;
  const auto rows = sampled_rows(s.batch, s.heads, s.queries, samples);
  const auto numbers = static_cast<std::size_t>(samples * s.output_dim());
  Buffer device_rows(rows.size() * 8), out(numbers * 8);
  check(cudaMemcpy(device_rows.at(), rows.data(), rows.size() * 8, cudaMemcpyHostToDevice), "copy");
  launch_attention_reference(q, k, v, s, device_rows.as<std::int64_t>(), samples, out.as<double>(),
                             c.stream());
  check_launch("reference attention");
  check(cudaStreamSynchronize(c.stream()), "attention");
  std::vector<double> expected(numbers);
  check(cudaMemcpy(expected.data(), out.at(), numbers * 8, cudaMemcpyDeviceToHost), "copy");
  const double error =
      relative_error(fetch_rows(out_.at(), rows, s.heads, s.queries, s.output_dim()), expected);
  if (!(error < 2e-2)) throw ProbeError("a wrong attention result, relative error " + std::to_string(error));
}

void AttentionCase::queue_first(const Kernel& kernel) const {
  const Buffer& pool = context_->random_pool(pool_bytes, Fill::bf16);
  kernel(pool.at(), pool.at(q_), layout_.is_latent() ? pool.at(q_) : pool.at(q_ + k_), out_.at());
  check_launch("attention");
}

Timing AttentionCase::time(const Kernel& kernel) {
  const Buffer& pool = context_->random_pool(pool_bytes, Fill::bf16);
  const StopRule rule{.budget = Seconds{30e-3}};
  const auto queue = [&](int i) {
    const std::size_t at = static_cast<std::size_t>(i % turns_) * set_;
    kernel(pool.at(at), pool.at(at + q_), layout_.is_latent() ? pool.at(at + q_) : pool.at(at + q_ + k_),
           out_.at());
    check_launch("attention");
  };
  return context_->timer().time(queue, turns_, rule);
}

Measurement described(const AttentionLayout& s, std::string_view by) {
  Measurement m{.family = s.is_decode ? "attention_decode" : "attention_prefill",
                .variant = "bf16-d" + std::to_string(s.head_dim) + std::string(by),
                .library = "ridge"};
  m.sizes = {{"batch", static_cast<double>(s.batch)},
             {"heads", static_cast<double>(s.heads)},
             {"kv_heads", static_cast<double>(s.kv_heads)},
             {"head_dim", static_cast<double>(s.head_dim)},
             {"key_tokens", static_cast<double>(s.keys)},
             {"activation_bytes", 2},
             {"cache_bytes", 2}};
  if (!s.is_decode) m.sizes["query_tokens"] = static_cast<double>(s.queries), m.sizes["causal"] = s.is_causal;
  return m;
}

std::vector<std::int64_t> sampled_rows(std::int64_t batch, std::int64_t heads, std::int64_t tokens,
                                       int samples) {
  std::mt19937_64 random(static_cast<std::uint64_t>(tokens * 31 + batch));
  const auto below = [&](std::int64_t x) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(x));
  };
  std::vector<std::int64_t> rows{0, 0, 0, batch - 1, heads - 1, tokens - 1};
  while (rows.size() < 3 * static_cast<std::size_t>(samples))
    rows.insert(rows.end(), {below(batch), below(heads), below(tokens)});
  return rows;
}

std::vector<double> fetch_rows(const void* from, const std::vector<std::int64_t>& rows, std::int64_t heads,
                               std::int64_t tokens, std::int64_t size) {
  std::vector<double> out;
  std::vector<__nv_bfloat16> row(static_cast<std::size_t>(size));
  for (std::size_t i = 0; i < rows.size(); i += 3) {
    const std::int64_t at = ((rows[i] * tokens + rows[i + 2]) * heads + rows[i + 1]) * size;
    check(cudaMemcpy(row.data(), static_cast<const char*>(from) + at * 2, row.size() * 2,
                     cudaMemcpyDeviceToHost),
          "copy");
    for (const __nv_bfloat16 x : row) out.push_back(static_cast<double>(__bfloat162float(x)));
  }
  return out;
}

void queue_prefill(const AttentionLayout& s, const void* q, const void* k, const void* v, void* o,
                   cudaStream_t stream) {
  if (launch_prefill_wgmma(q, k, v, o, s, stream) || launch_prefill(q, k, v, o, s, stream)) return;
  throw ProbeError("no kernel for head size " + std::to_string(s.head_dim));
}

const char* prefill_kernel(int head_dim) { return has_prefill_wgmma(head_dim) ? "wgmma" : "mma.sync"; }

DecodeKernel::DecodeKernel(ProbeContext& c, const AttentionLayout& s)
    : context_(&c),
      layout_(s),
      splits_(decode_splits(s, c.multiprocessors())),
      workspace_(decode_workspace_bytes(s, splits_)) {
  check(cudaMemsetAsync(workspace_.at(), 0, workspace_.bytes(), c.stream()), "memory");
}

void DecodeKernel::queue(const void* q, const void* k, const void* v, void* o) const {
  if (!launch_decode(q, k, v, o, layout_, workspace_.at(), splits_, context_->stream()))
    throw ProbeError("no kernel for this head size or group");
}

}  // namespace ridge::cuda
