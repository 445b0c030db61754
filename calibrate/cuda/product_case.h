#pragma once
/// One product shape with its operands in the random pool: checks kernels on it, and times them.

#include "calibrate/cuda/blas.h"
#include "calibrate/cuda/context.h"

namespace ridge::cuda {

struct ProductShape {
  std::int64_t m, n, k;
};

/// Sampled entries of a product against double sums, and the memory that takes.
class ProductChecker {
 public:
  static constexpr int samples = 32;
  ProductChecker();

  /// Queues the double sums of the entries (rows[i], cols[i]) of the product.
  using Reference = std::function<void(const std::int64_t* rows, const std::int64_t* cols, double* out)>;

  /// `queue` queues the product into `d`; throws ProbeError when it is wrong.
  void expect_right(ProbeContext&, const std::function<void()>& queue, ProductType, const ProductShape&,
                    const Buffer& d, const Reference&);
  /// Against the sums of a and w themselves.
  void expect_right(ProbeContext&, const std::function<void()>& queue, ProductType, const ProductShape&,
                    const Buffer& d, const void* a, const void* w);

 private:
  Buffer rows_, cols_, out_;
  std::mt19937_64 random_{99};
};

/// Operands of the shape in the pool, several sets in turn where they would fit a cache.
class ProductOperands {
 public:
  ProductOperands(ProbeContext&, ProductType, const ProductShape&);
  const void* a(int i) const { return pool_->at(static_cast<std::size_t>(i % turns_) * (a_ + w_)); }
  const void* w(int i) const { return pool_->at(static_cast<std::size_t>(i % turns_) * (a_ + w_) + a_); }
  int turns() const { return turns_; }

 private:
  const Buffer* pool_;
  std::size_t a_, w_;
  int turns_;
};

}  // namespace ridge::cuda
