#include "calibrate/cuda/product_case.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

namespace ridge::cuda {
namespace {

double value_at(const Buffer& d, std::int64_t index, ProductType type) {
  if (type == ProductType::tf32) {
    float x = 0;
    check(cudaMemcpy(&x, d.at(static_cast<std::size_t>(index) * 4), 4, cudaMemcpyDeviceToHost), "copy");
    return static_cast<double>(x);
  }
  std::uint16_t bits = 0;
  check(cudaMemcpy(&bits, d.at(static_cast<std::size_t>(index) * 2), 2, cudaMemcpyDeviceToHost), "copy");
  if (type == ProductType::fp16) return static_cast<double>(__half2float(__half(__half_raw{bits})));
  return static_cast<double>(__bfloat162float(__nv_bfloat16(__nv_bfloat16_raw{bits})));
}

std::size_t aligned(double bytes) { return (static_cast<std::size_t>(bytes) + 255) / 256 * 256; }

}  // namespace

ProductChecker::ProductChecker() : rows_(samples * 8), cols_(samples * 8), out_(samples * 8) {}

void ProductChecker::expect_right(ProbeContext& c, const std::function<void()>& queue, ProductType type,
                                  const ProductShape& s, const Buffer& d, const Reference& reference) {
  std::vector<std::int64_t> rows{s.m - 1}, cols{s.n - 1};
  const auto below = [&](std::int64_t x) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(x));
  };
  while (rows.size() < samples) rows.push_back(below(s.m)), cols.push_back(below(s.n));
  check(cudaMemcpy(rows_.at(), rows.data(), samples * 8, cudaMemcpyHostToDevice), "copy");
  check(cudaMemcpy(cols_.at(), cols.data(), samples * 8, cudaMemcpyHostToDevice), "copy");
  const auto bytes = static_cast<std::size_t>(static_cast<double>(s.m * s.n) * result_bytes(type));
  check(cudaMemsetAsync(d.at(), 0xFF, bytes, c.stream()), "memory");
  queue();
  check_launch("product");
  reference(rows_.as<std::int64_t>(), cols_.as<std::int64_t>(), out_.as<double>());
  check_launch("reference product");
  check(cudaStreamSynchronize(c.stream()), "product");
  std::vector<double> expected(samples), got;
  check(cudaMemcpy(expected.data(), out_.at(), samples * 8, cudaMemcpyDeviceToHost), "copy");
  for (std::size_t i = 0; i < samples; ++i) got.push_back(value_at(d, rows[i] * s.n + cols[i], type));
  const double error = relative_error(got, expected);
  if (!(error < 1e-2)) throw ProbeError("a wrong product, relative error " + std::to_string(error));
}

void ProductChecker::expect_right(ProbeContext& c, const std::function<void()>& queue, ProductType type,
                                  const ProductShape& s, const Buffer& d, const void* a, const void* w) {
  expect_right(c, queue, type, s, d, [&](const std::int64_t* rows, const std::int64_t* cols, double* out) {
    launch_product_reference(a, w, fill_of(type), s.k, rows, cols, samples, out, c.stream());
  });
}

ProductOperands::ProductOperands(ProbeContext& c, ProductType type, const ProductShape& s)
    : pool_(&c.random_pool(std::size_t{4} << 30, fill_of(type))),
      a_(aligned(static_cast<double>(s.m * s.k) * operand_bytes(type))),
      w_(aligned(static_cast<double>(s.n * s.k) * operand_bytes(type))),
      turns_(rotation_for(static_cast<double>(a_ + w_))) {
  if (a_ + w_ > pool_->bytes()) throw ProbeError("operands larger than the pool");
  while (turns_ > 1 && static_cast<std::size_t>(turns_) * (a_ + w_) > pool_->bytes()) --turns_;
}

}  // namespace ridge::cuda
