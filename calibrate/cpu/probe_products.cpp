// Matrix products y = x wᵀ through a BLAS library found at run time, fp32 and fp64, all cores.

#include "calibrate/cpu/context.h"
#include "calibrate/measure/shared_library.h"

#include <algorithm>
#include <memory>
#include <random>

#ifdef RIDGE_HAVE_BLAS
#include <cblas.h>
#endif

namespace ridge::cpu {

#ifndef RIDGE_HAVE_BLAS

std::string blas_text() { return "none: built without"; }
void probe_products(Context&) { throw ProbeError("built without BLAS (RIDGE_WITH_BLAS)"); }

#else

namespace {

struct Blas {
  SharedLibrary file{"libopenblas.so.0", "libopenblas.so", "libmkl_rt.so.2", "libblis.so.4", "libcblas.so.3"};
  decltype(&cblas_sgemm) sgemm = nullptr;
  decltype(&cblas_dgemm) dgemm = nullptr;
  decltype(&cblas_sgemv) sgemv = nullptr;
  decltype(&cblas_dgemv) dgemv = nullptr;
  void (*set_threads)(int) = nullptr;
  char* (*config)() = nullptr;

  Blas() {
    file.get(sgemm, "cblas_sgemm");
    file.get(dgemm, "cblas_dgemm");
    file.get(sgemv, "cblas_sgemv");
    file.get(dgemv, "cblas_dgemv");
    file.find(set_threads, "openblas_set_num_threads");
    file.find(config, "openblas_get_config");
  }
  std::string name() const { return config ? config() : "a BLAS library"; }
};

struct Shape {
  int m, n, k;
  bool is_held_out;
};

/// One row is a product of a matrix and a vector: engines call it so, and libraries are faster that way.
void product(const Blas& b, const Shape& s, const float* x, const float* w, float* y) {
  if (s.m == 1) b.sgemv(CblasRowMajor, CblasNoTrans, s.n, s.k, 1, w, s.k, x, 1, 0, y, 1);
  else b.sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, s.m, s.n, s.k, 1, x, s.k, w, s.k, 0, y, s.n);
}
void product(const Blas& b, const Shape& s, const double* x, const double* w, double* y) {
  if (s.m == 1) b.dgemv(CblasRowMajor, CblasNoTrans, s.n, s.k, 1, w, s.k, x, 1, 0, y, 1);
  else b.dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, s.m, s.n, s.k, 1, x, s.k, w, s.k, 0, y, s.n);
}

/// The grid, and beside it layers of real models at other row counts, which no fit sees.
std::vector<Shape> shapes(bool is_quick) {
  using Sizes = std::vector<int>;
  const Sizes rows = is_quick ? Sizes{1, 4, 16, 64, 256} : Sizes{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};
  const Sizes widths = is_quick ? Sizes{512, 1280, 3072} : Sizes{384, 768, 1536, 3072, 6144};
  std::vector<Shape> out;
  for (const int m : rows)
    for (const int n : widths)
      for (const int k : widths) out.push_back({m, n, k, false});
  constexpr int layers[][2] = {{2304, 768},  {3072, 768}, {768, 3072}, {2048, 2048},
                               {4864, 896},  {896, 4864}, {1152, 896}, {1920, 640},
                               {2560, 1024}, {640, 2560}, {3000, 600}, {1536, 1536}};
  const Sizes held{1, 8, 32, 100, 200, 6, 48, 24};
  std::size_t turn = 0;
  for (const auto& [n, k] : layers)
    for (int i = 0; i < (is_quick ? 1 : 5); ++i) out.push_back({held[turn++ * 3 % held.size()], n, k, true});
  return out;
}

/// A pool of T: the context's own of floats, else one as large made of it.
const float* pool_of(Context& c, std::shared_ptr<Buffer>&, float) { return c.pool().as<float>(); }
const double* pool_of(Context& c, std::shared_ptr<Buffer>& own, double) {
  if (!own) {
    own = std::make_shared<Buffer>(c.pool().bytes());
    const std::size_t n = own->bytes() / sizeof(double);
    for (std::size_t i = 0; i < n; ++i)
      own->as<double>()[i] = static_cast<double>(c.pool().as<float>()[i % (1u << 20)]);
  }
  return own->as<double>();
}

template <class T>
void expect_right(const Blas& b, const Shape& s, const T* x, const T* w, std::vector<T>& y) {
  constexpr int samples = 24;
  std::ranges::fill(y, T(1e30));
  product(b, s, x, w, y.data());
  std::mt19937_64 random(std::random_device{}());
  std::vector<double> got, expected;
  for (int i = 0; i < samples; ++i) {
    const auto k = static_cast<std::size_t>(s.k);
    const std::size_t r =
        i == 0 ? static_cast<std::size_t>(s.m) - 1 : random() % static_cast<std::size_t>(s.m);
    const std::size_t col =
        i == 0 ? static_cast<std::size_t>(s.n) - 1 : random() % static_cast<std::size_t>(s.n);
    double sum = 0;
    for (std::size_t j = 0; j < k; ++j)
      sum += static_cast<double>(x[r * k + j]) * static_cast<double>(w[col * k + j]);
    expected.push_back(sum);
    got.push_back(static_cast<double>(y[r * static_cast<std::size_t>(s.n) + col]));
  }
  const double error = relative_error(got, expected);
  if (!(error < (sizeof(T) == 4 ? 1e-4 : 1e-11)))
    throw ProbeError("a wrong product, relative error " + std::to_string(error));
}

struct Session {
  Blas blas;
  std::shared_ptr<Buffer> doubles;
};

template <class T> Timing time_product(Context& c, Session& session, const Shape& s, bool& is_checked) {
  const T* pool = pool_of(c, session.doubles, T{});
  const std::size_t x_size = static_cast<std::size_t>(s.m) * static_cast<std::size_t>(s.k);
  const std::size_t w_size = static_cast<std::size_t>(s.n) * static_cast<std::size_t>(s.k);
  const std::size_t room = c.pool().bytes() / sizeof(T);
  if (x_size + w_size > room) throw ProbeError("operands larger than the pool");
  const auto turns = std::clamp<std::size_t>((room - x_size) / w_size, 1,
                                             static_cast<std::size_t>(c.turns_for(w_size * sizeof(T))));
  std::vector<T> y(static_cast<std::size_t>(s.m) * static_cast<std::size_t>(s.n));
  if (!is_checked) expect_right(session.blas, s, pool, pool + x_size, y);
  is_checked = true;
  return c.time([&](int i) {
    product(session.blas, s, pool, pool + x_size + static_cast<std::size_t>(i) % turns * w_size, y.data());
  });
}

template <class T>
std::vector<Point> product_points(Context& c, const std::shared_ptr<Session>& session,
                                  const char* precision) {
  std::vector<Point> points;
  for (const Shape& s : shapes(c.is_quick())) {
    Measurement m{.family = "gemm", .variant = precision, .library = session->blas.name()};
    m.sizes = {{"m", static_cast<double>(s.m)}, {"n", static_cast<double>(s.n)},
               {"k", static_cast<double>(s.k)}, {"activation_bytes", sizeof(T)},
               {"weight_bytes", sizeof(T)},     {"output_bytes", sizeof(T)}};
    m.kernel = s.m == 1 ? "gemv" : "gemm";
    m.is_held_out = s.is_held_out;
    const auto is_checked = std::make_shared<bool>(false);
    points.push_back(
        {m, [&c, session, s, is_checked] { return time_product<T>(c, *session, s, *is_checked); }});
  }
  return points;
}

}  // namespace

std::string blas_text() {
  try {
    return Blas{}.name();
  } catch (const ProbeError& e) { return std::string("none: ") + e.what(); }
}

void probe_products(Context& c) {
  const auto session = std::make_shared<Session>();
  if (session->blas.set_threads) session->blas.set_threads(c.team().size());
  c.runner().run("products in fp32", product_points<float>(c, session, "fp32"));
  if (!c.is_quick()) c.runner().run("products in fp64", product_points<double>(c, session, "fp64"));
}

#endif

}  // namespace ridge::cpu
