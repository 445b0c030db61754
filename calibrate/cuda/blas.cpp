#include "calibrate/cuda/blas.h"

#include <algorithm>
#include <cublasLt.h>
#include <vector>

namespace ridge::cuda {
namespace {

constexpr std::size_t workspace_bytes = 32u << 20;
constexpr std::int64_t most_scales = 1 << 18;

void check(cublasStatus_t s, const char* what) {
  if (s != CUBLAS_STATUS_SUCCESS)
    throw ProbeError(std::string(what) + ": status " + std::to_string(static_cast<int>(s)));
}

cudaDataType operand_type(ProductType t) {
  switch (t) {
    case ProductType::bf16: return CUDA_R_16BF;
    case ProductType::fp16: return CUDA_R_16F;
    case ProductType::fp8:
    case ProductType::fp8_rows: return CUDA_R_8F_E4M3;
    case ProductType::tf32: return CUDA_R_32F;
  }
  return CUDA_R_16BF;
}

bool is_fp8(ProductType t) { return t == ProductType::fp8 || t == ProductType::fp8_rows; }
cudaDataType result_type(ProductType t) { return is_fp8(t) ? CUDA_R_16BF : operand_type(t); }

}  // namespace

const char* name_of(ProductType t) {
  constexpr const char* names[] = {"bf16", "fp16", "fp8", "fp8-rows", "tf32"};
  return names[static_cast<int>(t)];
}
Fill fill_of(ProductType t) {
  constexpr Fill fills[] = {Fill::bf16, Fill::fp16, Fill::fp8, Fill::fp8, Fill::fp32};
  return fills[static_cast<int>(t)];
}
double operand_bytes(ProductType t) {
  constexpr double bytes[] = {2, 2, 1, 1, 4};
  return bytes[static_cast<int>(t)];
}
double result_bytes(ProductType t) { return t == ProductType::tf32 ? 4 : 2; }

/// The functions used, by the library's names.
struct Blas::Library {
  SharedLibrary file{"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so"};
  decltype(&cublasLtCreate) create;
  decltype(&cublasLtDestroy) destroy;
  decltype(&cublasLtGetVersion) version;
  decltype(&cublasLtMatmulDescCreate) create_product;
  decltype(&cublasLtMatmulDescDestroy) destroy_product;
  decltype(&cublasLtMatmulDescSetAttribute) set_product;
  decltype(&cublasLtMatrixLayoutCreate) create_layout;
  decltype(&cublasLtMatrixLayoutDestroy) destroy_layout;
  decltype(&cublasLtMatmulPreferenceCreate) create_preference;
  decltype(&cublasLtMatmulPreferenceDestroy) destroy_preference;
  decltype(&cublasLtMatmulPreferenceSetAttribute) set_preference;
  decltype(&cublasLtMatmulAlgoGetHeuristic) heuristic;
  decltype(&cublasLtMatmulAlgoConfigGetAttribute) algorithm_attribute;
  decltype(&cublasLtMatmul) multiply;
  cublasLtHandle_t handle = nullptr;

  Library() {
    file.get(create, "cublasLtCreate");
    file.get(destroy, "cublasLtDestroy");
    file.get(version, "cublasLtGetVersion");
    file.get(create_product, "cublasLtMatmulDescCreate");
    file.get(destroy_product, "cublasLtMatmulDescDestroy");
    file.get(set_product, "cublasLtMatmulDescSetAttribute");
    file.get(create_layout, "cublasLtMatrixLayoutCreate");
    file.get(destroy_layout, "cublasLtMatrixLayoutDestroy");
    file.get(create_preference, "cublasLtMatmulPreferenceCreate");
    file.get(destroy_preference, "cublasLtMatmulPreferenceDestroy");
    file.get(set_preference, "cublasLtMatmulPreferenceSetAttribute");
    file.get(heuristic, "cublasLtMatmulAlgoGetHeuristic");
    file.get(algorithm_attribute, "cublasLtMatmulAlgoConfigGetAttribute");
    file.get(multiply, "cublasLtMatmul");
    check(create(&handle), "cuBLASLt");
  }
  ~Library() { destroy(handle); }
};

struct Blas::Product::Impl {
  const Library* library = nullptr;
  void* workspace = nullptr;
  cublasLtMatmulDesc_t product = nullptr;
  cublasLtMatrixLayout_t weights = nullptr, activations = nullptr, result = nullptr;
  cublasLtMatmulHeuristicResult_t chosen{};
  ~Impl() {
    if (product) library->destroy_product(product);
    for (const cublasLtMatrixLayout_t l : {weights, activations, result})
      if (l) library->destroy_layout(l);
  }
};

namespace {

/// A scale for each operand, or one for each row of the activations and of the weights.
template <class Library>
void set_scales(const Library& lib, cublasLtMatmulDesc_t product, ProductType type, const Buffer& ones,
                std::int64_t most_rows) {
  const auto set = [&](cublasLtMatmulDescAttributes_t a, auto value) {
    check(lib.set_product(product, a, &value, sizeof value), "scale");
  };
  if (type == ProductType::fp8_rows) {
    if (most_rows > most_scales) throw ProbeError("more rows than scales");
    set(CUBLASLT_MATMUL_DESC_A_SCALE_MODE, CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F);
    set(CUBLASLT_MATMUL_DESC_B_SCALE_MODE, CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F);
  }
  set(CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, static_cast<const void*>(ones.at()));
  set(CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, static_cast<const void*>(ones.at()));
}

}  // namespace

Blas::Blas()
    : library_(std::make_unique<Library>()), workspace_(workspace_bytes), ones_(most_scales * sizeof(float)) {
  const std::vector<float> ones(most_scales, 1.0f);
  ridge::cuda::check(cudaMemcpy(ones_.at(), ones.data(), ones_.bytes(), cudaMemcpyHostToDevice),
                     "copying scales");
}
Blas::~Blas() = default;
Blas::Product::~Product() = default;

std::size_t Blas::version() const { return library_->version(); }

// Column-major as the library sees it: D^T[n, m] = W[k, n]^T · A[k, m].
std::unique_ptr<Blas::Product> Blas::prepare(ProductType type, std::int64_t m, std::int64_t n,
                                             std::int64_t k) {
  const Library& lib = *library_;
  std::unique_ptr<Product> out(new Product);
  out->impl_ = std::make_unique<Product::Impl>();
  Product::Impl& p = *out->impl_;
  p.library = &lib;
  p.workspace = workspace_.at();
  const auto compute = type == ProductType::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
  check(lib.create_product(&p.product, compute, CUDA_R_32F), "product");
  const cublasOperation_t transposed = CUBLAS_OP_T;
  check(lib.set_product(p.product, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed), "product");
  if (is_fp8(type)) set_scales(lib, p.product, type, ones_, std::max(m, n));
  const auto rows = [](std::int64_t x) { return static_cast<std::uint64_t>(x); };
  check(lib.create_layout(&p.weights, operand_type(type), rows(k), rows(n), k), "layout");
  check(lib.create_layout(&p.activations, operand_type(type), rows(k), rows(m), k), "layout");
  check(lib.create_layout(&p.result, result_type(type), rows(n), rows(m), n), "layout");
  cublasLtMatmulPreference_t preference = nullptr;
  check(lib.create_preference(&preference), "preference");
  lib.set_preference(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace_bytes,
                     sizeof workspace_bytes);
  int found = 0;
  const cublasStatus_t s = lib.heuristic(lib.handle, p.product, p.weights, p.activations, p.result, p.result,
                                         preference, 1, &p.chosen, &found);
  lib.destroy_preference(preference);
  if (s != CUBLAS_STATUS_SUCCESS || found == 0) throw ProbeError("cuBLASLt has no kernel for the shape");
  return out;
}

void Blas::Product::queue(const void* a, const void* w, void* d, cudaStream_t stream) const {
  const Impl& p = *impl_;
  const float one = 1, zero = 0;
  check(p.library->multiply(p.library->handle, p.product, &one, w, p.weights, a, p.activations, &zero, d,
                            p.result, d, p.result, &p.chosen.algo, p.workspace, workspace_bytes, stream),
        "cublasLtMatmul");
}

std::string Blas::Product::kernel() const {
  const auto attribute = [&](cublasLtMatmulAlgoConfigAttributes_t a) {
    int value = 0;
    std::size_t written = 0;
    impl_->library->algorithm_attribute(&impl_->chosen.algo, a, &value, sizeof value, &written);
    return std::to_string(value);
  };
  const std::string waves = std::to_string(impl_->chosen.wavesCount);
  return "algorithm " + attribute(CUBLASLT_ALGO_CONFIG_ID) + ", tile " +
         attribute(CUBLASLT_ALGO_CONFIG_TILE_ID) + ", split " + attribute(CUBLASLT_ALGO_CONFIG_SPLITK_NUM) +
         ", " + waves.substr(0, waves.find('.') + 3) + " waves";
}

}  // namespace ridge::cuda
