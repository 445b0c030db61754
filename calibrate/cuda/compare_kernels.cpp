// Our own products and attention beside the vendor's libraries, on the same operands.

#include "calibrate/cuda/attention_case.h"
#include "calibrate/cuda/dnn.h"
#include "calibrate/cuda/product_case.h"
#include "calibrate/fit/law.h"

#include <algorithm>
#include <memory>

namespace ridge::cuda {
namespace {

constexpr double product_target = 0.8, prefill_target = 0.6, decode_target = 0.8;

/// Fills `row`'s times; a ProbeError of either side goes into it.
void fill_times(KernelComparison& row, const std::function<Timing()>& ours,
                const std::function<Timing()>& theirs) {
  try {
    row.ours = ours().seconds.median;
    row.theirs = theirs().seconds.median;
  } catch (const ProbeError& e) {
    row.why_missed = e.what();
    cudaGetLastError();
  }
}

KernelComparison compare_product(ProbeContext& c, Blas& blas, const ProductShape& s) {
  const auto flops = 2.0 * static_cast<double>(s.m) * static_cast<double>(s.n * s.k);
  KernelComparison row{
      .kernel = "product wgmma",
      .shape = "m=" + std::to_string(s.m) + " n=" + std::to_string(s.n) + " k=" + std::to_string(s.k),
      .library = "cuBLASLt " + std::to_string(blas.version()),
      .flops = flops};
  if (s.m == 8192 && s.n == 8192 && s.k == 8192) row.target = product_target;
  Buffer d(static_cast<std::size_t>(s.m * s.n) * 2);
  ProductChecker checker;
  const ProductOperands x(c, ProductType::bf16, s);
  const auto timed = [&](const std::function<void(int)>& queue) {
    checker.expect_right(
        c, [&] { queue(0); }, ProductType::bf16, s, d, x.a(0), x.w(0));
    return c.timer().time(queue, x.turns());
  };
  fill_times(
      row,
      [&] {
        return timed([&](int i) {
          if (!launch_product(x.a(i), x.w(i), d.at(), s.m, s.n, s.k, c.multiprocessors(), c.stream()))
            throw ProbeError("no wgmma on this device, or a width that is no multiple of 8");
        });
      },
      [&] {
        const auto product = blas.prepare(ProductType::bf16, s.m, s.n, s.k);
        return timed([&](int i) { product->queue(x.a(i), x.w(i), d.at(), c.stream()); });
      });
  return row;
}

Timing checked(AttentionCase& one, const AttentionCase::Kernel& kernel) {
  one.expect_right(kernel);
  return one.time(kernel);
}

Timing time_library(AttentionCase& one, const Dnn& dnn, std::string* kernel) {
  const auto plan = dnn.prepare_forward(one.layout(), false);
  *kernel = plan->kernel();
  return checked(one, [&](const void* q, const void* k, const void* v, void* o) {
    plan->queue(Dnn::ForwardData{q, k, v, o, nullptr});
  });
}

KernelComparison compare_attention(ProbeContext& c, const Dnn& dnn, const AttentionLayout& s, bool is_plain) {
  const Measurement m = described(s);
  const auto work = work_of(m);
  KernelComparison row{.library = "cuDNN " + dnn.version(),
                       .flops = work->flops.value(),
                       .bytes = work->bytes.value(),
                       .target = s.is_decode ? decode_target
                                 : is_plain  ? 0
                                             : prefill_target};
  row.kernel = s.is_decode ? "decode"
               : is_plain  ? "prefill mma.sync"
                           : std::string("prefill ") + prefill_kernel(s.head_dim);
  for (const std::string_view name : {"batch", "heads", "kv_heads", "head_dim", "query_tokens", "key_tokens"})
    if (m.size(name) > 0)
      row.shape += (row.shape.empty() ? "" : " ") + std::string(name) + "=" +
                   std::to_string(std::lround(m.size(name)));
  AttentionCase one(c, s);
  std::string kernel;
  fill_times(
      row,
      [&] {
        if (s.is_decode) {
          const DecodeKernel decode(c, s);
          return checked(one, [&](auto... x) { decode.queue(x...); });
        }
        return checked(one, [&](const void* q, const void* k, const void* v, void* o) {
          if (!is_plain) queue_prefill(s, q, k, v, o, c.stream());
          else if (!launch_prefill(q, k, v, o, s, c.stream())) throw ProbeError("no such head size");
        });
      },
      [&] { return time_library(one, dnn, &kernel); });
  row.library += kernel.empty() ? "" : ", " + kernel;
  return row;
}

void compare_products(ProbeContext& c, const std::function<void(const KernelComparison&)>& give) {
  Blas blas;
  for (const ProductShape& s : {ProductShape{8192, 8192, 8192}, ProductShape{4096, 14336, 4096},
                                ProductShape{16384, 6144, 4096}, ProductShape{3000, 4096, 14336}})
    give(compare_product(c, blas, s));
}

AttentionLayout prefill(std::int64_t batch, std::int64_t heads, std::int64_t kv_heads, std::int64_t tokens,
                        int d) {
  return {batch, heads, kv_heads, tokens, tokens, d, true, false};
}
AttentionLayout decode(std::int64_t batch, std::int64_t heads, std::int64_t kv_heads, std::int64_t tokens,
                       int d) {
  return {batch, heads, kv_heads, 1, tokens, d, true, true};
}

}  // namespace

void compare_kernels(const std::vector<std::string>& only,
                     const std::function<void(const KernelComparison&)>& give) {
  const auto wants = [&](std::string_view name) {
    return only.empty() || std::ranges::find(only, name) != only.end();
  };
  ProbeContext c({}, {.skipped = [](const std::string&) {}});
  if (wants("product")) compare_products(c, give);
  if (!wants("prefill") && !wants("decode")) return;
  const Dnn dnn(c.stream());
  if (wants("prefill")) {
    for (const AttentionLayout& s :
         {prefill(16, 32, 8, 1024, 128), prefill(4, 32, 8, 4096, 128), prefill(1, 32, 8, 16384, 128),
          prefill(1, 64, 8, 3000, 128), prefill(4, 32, 8, 4096, 64), prefill(4, 32, 8, 4096, 96),
          prefill(4, 16, 8, 4096, 192), prefill(4, 16, 8, 4096, 256)})
      give(compare_attention(c, dnn, s, false));
    give(compare_attention(c, dnn, prefill(4, 32, 8, 4096, 128), true));
  }
  if (wants("decode"))
    for (const AttentionLayout& s :
         {decode(1, 32, 8, 32768, 128), decode(16, 32, 8, 4096, 128), decode(64, 64, 8, 8192, 128),
          decode(128, 32, 8, 2048, 128), decode(16, 32, 32, 4096, 128), decode(16, 32, 8, 4096, 64)})
      give(compare_attention(c, dnn, s, false));
}

}  // namespace ridge::cuda
