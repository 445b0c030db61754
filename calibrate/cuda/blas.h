#pragma once
/// Matrix products through cuBLASLt, the library that frameworks call, opened at run time.
///
///   D[m, n] = A[m, k] · W[n, k]^T, row-major: a linear layer with its weights as they are stored.
///
/// The first algorithm of the library's heuristic with 32 MiB of workspace is taken, as PyTorch does on
/// Hopper.  fp8 has fp32 scales of one, for each operand or (fp8_rows) for each row of both, and a bf16 result.

#include "calibrate/cuda/device.h"
#include "calibrate/cuda/kernels.h"

#include <cstdint>
#include <memory>
#include <string>

namespace ridge::cuda {

enum class ProductType { bf16, fp16, fp8, fp8_rows, tf32 };
const char* name_of(ProductType);
Fill fill_of(ProductType);
/// Bytes of an element of the operands, and of the result.
double operand_bytes(ProductType);
double result_bytes(ProductType);

class Blas {
 public:
  Blas();
  ~Blas();
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;

  /// A product prepared for one shape; queueing it costs a launch.
  class Product {
   public:
    ~Product();
    Product(const Product&) = delete;
    Product& operator=(const Product&) = delete;
    void queue(const void* a, const void* w, void* d, cudaStream_t) const;
    /// "algorithm 66, tile 20, split 1, 0.97 waves"
    std::string kernel() const;

   private:
    friend class Blas;
    Product() = default;
    struct Impl;
    std::unique_ptr<Impl> impl_;
  };

  /// Throws ProbeError when the library has no kernel for the shape.
  std::unique_ptr<Product> prepare(ProductType, std::int64_t m, std::int64_t n, std::int64_t k);
  std::size_t version() const;

 private:
  friend class Product;
  struct Library;
  std::unique_ptr<Library> library_;
  Buffer workspace_, ones_;
};

}  // namespace ridge::cuda
