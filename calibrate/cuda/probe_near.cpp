// Registers, shared memory and L1 of all multiprocessors together, and the rates of their matrix units.

#include "calibrate/cuda/context.h"

#include <cmath>
#include <cuda_bf16.h>
#include <memory>

namespace ridge::cuda {
namespace {

constexpr double kibi = 1024;

Measurement level(const char* name, double bytes) {
  return {.family = "memory_read", .variant = name, .sizes = {{"bytes", bytes}}, .library = "ridge"};
}

Timing per_pass(Timing t, double passes) {
  for (Seconds* s : {&t.seconds.median, &t.seconds.low, &t.seconds.high}) *s /= passes;
  return t;
}

/// Time of one pass: that of many less that of few, which leaves the launch out.
Timing difference(ProbeContext& c, const std::function<void(int passes)>& queue, int few, int many) {
  const StopRule rule{.budget = Seconds{10e-3}};
  const Timing less = c.timer().time_plain([&](int) { queue(few); }, rule);
  Timing t = c.timer().time_plain([&](int) { queue(many); }, rule);
  for (Seconds* s : {&t.seconds.median, &t.seconds.low, &t.seconds.high}) *s -= less.seconds.median;
  return per_pass(t, many - few);
}

/// The words that every block summed, against the host's sums.
void expect_sums(ProbeContext& c, const Buffer& data, const Buffer& sums, std::size_t bytes, int passes) {
  const auto blocks = static_cast<std::size_t>(c.multiprocessors()), words = bytes / 4;
  std::vector<std::uint32_t> all(blocks * words), got(blocks);
  check(cudaStreamSynchronize(c.stream()), "reading");
  check(cudaMemcpy(all.data(), data.at(), all.size() * 4, cudaMemcpyDeviceToHost), "copy");
  check(cudaMemcpy(got.data(), sums.at(), blocks * 4, cudaMemcpyDeviceToHost), "copy");
  for (std::size_t b = 0; b < blocks; ++b) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < words; ++i) sum += all[b * words + i];
    if (sum * static_cast<std::uint32_t>(passes) != got[b]) throw ProbeError("a wrong sum of what was read");
  }
}

void add_reads(ProbeContext& c, std::vector<Point>& points) {
  const auto data = std::make_shared<Buffer>(static_cast<std::size_t>(c.multiprocessors()) * (256u << 10));
  const auto sums = std::make_shared<Buffer>(static_cast<std::size_t>(c.multiprocessors()) * 4);
  launch_fill(data->at(), data->bytes() / 4, Fill::fp32, 11, c.stream());
  int most_shared = 0;
  check(cudaDeviceGetAttribute(&most_shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, c.settings().device),
        "device");
  const std::initializer_list<double> shared_sizes{64, 80, 96, 112, 128, 144, 160, 192, 224},
      l1_sizes{64, 80, 96, 112, 128, 136, 144, 152, 160};
  const auto add = [&](NearLevel where, const char* name, double kibibytes) {
    const auto bytes = static_cast<std::size_t>(kibibytes * kibi);
    if (where == NearLevel::shared && bytes > static_cast<std::size_t>(most_shared)) return;
    points.push_back({level(name, static_cast<double>(bytes) * c.multiprocessors()),
                      [&c, data, sums, where, bytes, is_checked = false]() mutable {
                        const auto queue = [&](int passes) {
                          launch_near_read(where, data->as<std::uint32_t>(), bytes, passes,
                                           c.multiprocessors(), sums->as<std::uint32_t>(), c.stream());
                          check_launch("reading");
                        };
                        if (!is_checked) {
                          queue(3);
                          expect_sums(c, *data, *sums, bytes, 3);
                        }
                        is_checked = true;
                        const int many = static_cast<int>(2e8 / static_cast<double>(bytes));
                        return difference(c, queue, many / 8, many);
                      },
                      {},
                      1});
  };
  for (const double k : shared_sizes) add(NearLevel::shared, "shared memory", k);
  for (const double k : l1_sizes) add(NearLevel::l1, "l1", k);
}

void expect_turned(ProbeContext& c, const Buffer& out, int registers, float step, int passes) {
  std::vector<double> x(static_cast<std::size_t>(registers)), got;
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<double>(i + 1) / registers;
  for (int p = 0; p < passes; ++p)
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += static_cast<double>(step) * x[(i + 1) % x.size()];
  std::vector<float> raw(x.size());
  check(cudaStreamSynchronize(c.stream()), "registers");
  check(cudaMemcpy(raw.data(), out.at(), raw.size() * 4, cudaMemcpyDeviceToHost), "copy");
  for (const float v : raw) got.push_back(static_cast<double>(v));
  if (!(relative_error(got, x) < 1e-4)) throw ProbeError("wrong numbers in registers");
}

/// Bytes: the registers of all threads; a pass reads each three times, and that is what the time is divided by.
void add_registers(ProbeContext& c, std::vector<Point>& points) {
  const auto out = std::make_shared<Buffer>(256 * 4);
  for (const int registers : {8, 12, 16, 20, 24, 28, 32, 40, 48})
    points.push_back({level("registers", registers * 4.0 * 1024 * c.multiprocessors()),
                      [&c, out, registers] {
                        constexpr float step = 1.0f / 1048576;
                        const auto queue = [&](int passes) {
                          launch_register_read(registers, step, passes, c.multiprocessors(), out->as<float>(),
                                               c.stream());
                          check_launch("registers");
                        };
                        queue(50);
                        expect_turned(c, *out, registers, step, 50);
                        return per_pass(difference(c, queue, 4000, 40000), 3);
                      },
                      {},
                      1});
}

struct Rate {
  TensorType type;
  const char* name;
  Fill fill;
  double width;  // bytes of a number
};
constexpr Rate rates[] = {{TensorType::bf16, "bf16", Fill::bf16, 2},
                          {TensorType::fp16, "fp16", Fill::fp16, 2},
                          {TensorType::fp8, "fp8", Fill::fp8, 1},
                          {TensorType::tf32, "tf32", Fill::fp32, 4},
                          {TensorType::int8, "int8", Fill::int8, 1}};

/// Two iterations of the first block (or warp) against double sums.
void expect_products(ProbeContext& c, const Rate& rate, bool is_wgmma, const Buffer& a, const Buffer& b,
                     const Buffer& d) {
  const int m = is_wgmma ? 128 : 16, n = is_wgmma ? 256 : 64, iterations = 2;
  const auto k = static_cast<std::int64_t>((is_wgmma ? 128 : 32) / rate.width);
  check(cudaMemsetAsync(d.at(), 0xFF, d.bytes(), c.stream()), "memory");
  if (!launch_tensor_rate(rate.type, is_wgmma, a.at(), b.at(), d.at(), iterations, 2, c.stream()))
    throw ProbeError("the device has no such instruction");
  check_launch("matrix units");
  std::vector<std::int64_t> rows, columns;
  for (int i = 0; i < m * n; i += 7) rows.push_back(i / n), columns.push_back(i % n);
  const auto samples = rows.size();
  Buffer device_rows(samples * 8), device_columns(samples * 8), out(samples * 8);
  check(cudaMemcpy(device_rows.at(), rows.data(), samples * 8, cudaMemcpyHostToDevice), "copy");
  check(cudaMemcpy(device_columns.at(), columns.data(), samples * 8, cudaMemcpyHostToDevice), "copy");
  launch_product_reference(a.at(), b.at(), rate.fill, k, device_rows.as<std::int64_t>(),
                           device_columns.as<std::int64_t>(), static_cast<int>(samples), out.as<double>(),
                           c.stream());
  check_launch("reference product");
  check(cudaStreamSynchronize(c.stream()), "matrix units");
  std::vector<double> expected(samples), got;
  check(cudaMemcpy(expected.data(), out.at(), samples * 8, cudaMemcpyDeviceToHost), "copy");
  for (double& x : expected) x *= iterations;
  std::vector<float> sums(static_cast<std::size_t>(m * n));
  check(cudaMemcpy(sums.data(), d.at(), sums.size() * 4, cudaMemcpyDeviceToHost), "copy");
  for (std::size_t i = 0; i < samples; ++i) {
    const float& x = sums[static_cast<std::size_t>(rows[i] * n + columns[i])];
    got.push_back(rate.type == TensorType::int8
                      ? static_cast<double>(reinterpret_cast<const std::int32_t&>(x))
                      : static_cast<double>(x));
  }
  const double error = relative_error(got, expected);
  if (!(error < 1e-2))
    throw ProbeError("wrong sums of the matrix units, relative error " + std::to_string(error));
}

/// Seconds that the whole device takes for 2^40 multiplications and additions.
Timing time_rate(ProbeContext& c, const Rate& rate, bool is_wgmma) {
  Buffer a(128 * 128), b(256 * 128), d(128 * 256 * 4);
  const auto fill = [&](const Buffer& to, std::uint32_t seed) {
    launch_fill(to.at(), static_cast<std::size_t>(static_cast<double>(to.bytes()) / rate.width), rate.fill,
                seed, c.stream());
  };
  fill(a, 3), fill(b, 4);
  expect_products(c, rate, is_wgmma, a, b, d);
  const int blocks = c.multiprocessors() * (is_wgmma ? 1 : 2);
  const double wanted = std::exp2(40), one = tensor_flops(rate.type, is_wgmma) * blocks;
  const int iterations = static_cast<int>(wanted / one);
  Timing t = c.timer().time_plain([&](int) {
    launch_tensor_rate(rate.type, is_wgmma, a.at(), b.at(), d.at(), iterations, blocks, c.stream());
  });
  return per_pass(t, iterations * one / wanted);
}

}  // namespace

void probe_near(ProbeContext& c) {
  std::vector<Point> points;
  add_reads(c, points);
  add_registers(c, points);
  c.run("near levels", std::move(points));
}

void probe_tensor_rates(ProbeContext& c) {
  std::vector<Point> points;
  for (const bool is_wgmma : {false, true})
    for (const Rate& rate : rates) {
      Measurement m{.family = "tensor_rate", .variant = rate.name, .library = "ridge"};
      m.kernel = std::string(is_wgmma ? "wgmma" : "mma.sync") + ", 2^40 FLOP";
      points.push_back({m, [&c, rate, is_wgmma] { return time_rate(c, rate, is_wgmma); }});
    }
  c.run("matrix units", std::move(points));
}

}  // namespace ridge::cuda
