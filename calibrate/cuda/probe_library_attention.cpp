// cuDNN's fused attention: forward over many queries, forward of one query a sequence, and backward.

#include "calibrate/cuda/attention_case.h"
#include "calibrate/cuda/dnn.h"

#include <memory>

namespace ridge::cuda {
namespace {

std::vector<double> fetch_doubles(const Buffer& b, std::size_t n) {
  std::vector<double> out(n);
  check(cudaMemcpy(out.data(), b.at(), n * 8, cudaMemcpyDeviceToHost), "copy");
  return out;
}

void expect_close(const char* what, std::span<const double> got, std::span<const double> expected) {
  const double error = relative_error(got, expected);
  if (!(error < 3e-2))
    throw ProbeError(std::string("a wrong gradient of ") + what + ", relative error " +
                     std::to_string(error));
}

/// The forward pass of an operand set, with what the backward pass needs of it.
class BackwardCase {
 public:
  BackwardCase(ProbeContext& c, const Dnn& dnn, const AttentionLayout& s)
      : context_(c),
        layout_(s),
        rows_(static_cast<std::size_t>(s.batch * s.heads * s.queries)),
        log_sums_(rows_ * 4),
        dq_(rows_ * static_cast<std::size_t>(s.head_dim) * 2),
        dk_(static_cast<std::size_t>(s.batch * s.kv_heads * s.keys * s.head_dim) * 2),
        dv_(dk_.bytes()),
        operands_(c, s),
        backward_(dnn.prepare_backward(s)) {
    const auto forward = dnn.prepare_forward(s, true);
    const auto queue_forward = [&](const void* q, const void* k, const void* v, void* o) {
      forward->queue(Dnn::ForwardData{q, k, v, o, log_sums_.as<float>()});
    };
    if (c.is_looking()) operands_.queue_first(queue_forward);
    else operands_.expect_right(queue_forward);
  }

  const std::string& kernel() const { return backward_->kernel(); }

  void queue(const void* q, const void* k, const void* v, void* o) const {
    // The gradient of the output is random: the queries of another set would do, and these do as well.
    backward_->queue(
        Dnn::BackwardData{q, k, v, o, gradient(), log_sums_.as<float>(), dq_.at(), dk_.at(), dv_.at()});
  }

  void expect_right() {
    ProbeContext& c = context_;
    const Buffer& pool = c.random_pool(0, Fill::bf16);
    const void *q = pool.at(), *k = pool.at(operands_.query_bytes()),
               *v = pool.at(operands_.query_bytes() + operands_.key_bytes());
    for (const Buffer* b : {&dq_, &dk_, &dv_})
      check(cudaMemsetAsync(b->at(), 0xFF, b->bytes(), c.stream()), "memory");
    queue(q, k, v, operands_.output());
    const AttentionLayout& s = layout_;
    const AttentionBackwardInputs in{q, k, v, operands_.output(), gradient(), log_sums_.as<float>()};
    constexpr int samples = 8;
    const auto d = static_cast<std::size_t>(s.head_dim);
    Buffer rows(samples * 3 * 8), out(samples * 2 * d * 8);
    const auto send = [&](const std::vector<std::int64_t>& r) {
      check(cudaMemcpy(rows.at(), r.data(), r.size() * 8, cudaMemcpyHostToDevice), "copy");
      return rows.as<std::int64_t>();
    };
    const auto query_rows = sampled_rows(s.batch, s.heads, s.queries, samples);
    launch_query_gradient_reference(in, s, send(query_rows), samples, out.as<double>(), c.stream());
    check_launch("reference gradient");
    check(cudaStreamSynchronize(c.stream()), "gradients");
    check_queries(query_rows, fetch_doubles(out, samples * (d + 1)));
    const auto key_rows = sampled_rows(s.batch, s.kv_heads, s.keys, samples);
    launch_key_gradient_reference(in, s, send(key_rows), samples, out.as<double>(), c.stream());
    check_launch("reference gradient");
    check(cudaStreamSynchronize(c.stream()), "gradients");
    check_keys(key_rows, fetch_doubles(out, samples * 2 * d));
  }

  Timing time() {
    return operands_.time([&](const void* q, const void* k, const void* v, void* o) { queue(q, k, v, o); });
  }

 private:
  const void* gradient() const { return context_.random_pool(0, Fill::bf16).at(std::size_t{8} << 30); }
  void check_queries(const std::vector<std::int64_t>& rows, const std::vector<double>& reference) const {
    const auto d = static_cast<std::size_t>(layout_.head_dim);
    std::vector<double> gradients, log_sums, got;
    for (std::size_t i = 0; i < reference.size(); ++i)
      (i % (d + 1) < d ? gradients : log_sums).push_back(reference[i]);
    for (std::size_t i = 0; i < rows.size(); i += 3) {
      float x = 0;
      const std::int64_t at = (rows[i] * layout_.heads + rows[i + 1]) * layout_.queries + rows[i + 2];
      check(cudaMemcpy(&x, log_sums_.as<float>() + at, 4, cudaMemcpyDeviceToHost), "copy");
      got.push_back(static_cast<double>(x));
    }
    expect_close("nothing: the logarithms of the sums", got, log_sums);
    expect_close("the queries", fetch_rows(dq_.at(), rows, layout_.heads, layout_.queries, layout_.head_dim),
                 gradients);
  }
  void check_keys(const std::vector<std::int64_t>& rows, const std::vector<double>& reference) const {
    const auto d = static_cast<std::size_t>(layout_.head_dim);
    std::vector<double> keys, values;
    for (std::size_t i = 0; i < reference.size(); ++i)
      (i % (2 * d) < d ? keys : values).push_back(reference[i]);
    const auto fetch = [&](const Buffer& b) {
      return fetch_rows(b.at(), rows, layout_.kv_heads, layout_.keys, layout_.head_dim);
    };
    expect_close("the keys", fetch(dk_), keys);
    expect_close("the values", fetch(dv_), values);
  }

  ProbeContext& context_;
  AttentionLayout layout_;
  std::size_t rows_;
  Buffer log_sums_, dq_, dk_, dv_;
  AttentionCase operands_;
  std::unique_ptr<Dnn::Plan> backward_;
};

struct Heads {
  std::int64_t heads, kv_heads;
};

/// Points over batches and tokens.
class Grid {
 public:
  Grid(ProbeContext& c, std::shared_ptr<Dnn> dnn, bool is_backward)
      : context_(c), dnn_(std::move(dnn)), is_backward_(is_backward) {}

  void add(int d, std::initializer_list<Heads> all, std::initializer_list<std::int64_t> batches,
           std::initializer_list<std::int64_t> tokens, bool is_decode, bool is_held_out) {
    for (const auto& [heads, kv_heads] : all)
      for (const std::int64_t b : batches)
        for (const std::int64_t t : tokens)
          if (b * t <= (is_decode ? 524288 : 40000))
            add({b, heads, kv_heads, is_decode ? 1 : t, t, d, true, is_decode}, is_held_out);
  }

  std::vector<Point> take() { return std::move(points_); }

 private:
  void add(const AttentionLayout& s, bool is_held_out) {
    Measurement m = described(s, "-cudnn");
    if (is_backward_) m.family = "attention_backward";
    m.library = "cuDNN " + dnn_->version();
    m.is_held_out = is_held_out;
    ProbeContext& c = context_;
    if (is_backward_)
      points_.push_back({m, [&c, dnn = dnn_, s, one = std::shared_ptr<BackwardCase>()]() mutable {
                           if (!one) {
                             one = std::make_shared<BackwardCase>(c, *dnn, s);
                             if (!c.is_looking()) one->expect_right();
                           }
                           return one->time();
                         }});
    else
      points_.push_back({m, [&c, dnn = dnn_, s, plan = std::shared_ptr<Dnn::Plan>()]() mutable {
                           AttentionCase one(c, s);
                           const AttentionCase::Kernel kernel = [&](const void* q, const void* k,
                                                                    const void* v, void* o) {
                             plan->queue(Dnn::ForwardData{q, k, v, o, nullptr});
                           };
                           if (!plan) {
                             plan = dnn->prepare_forward(s, false);
                             if (!c.is_looking()) one.expect_right(kernel);
                           }
                           return one.time(kernel);
                         }});
  }

  ProbeContext& context_;
  std::shared_ptr<Dnn> dnn_;
  bool is_backward_;
  std::vector<Point> points_;
};

}  // namespace

void probe_library_attention(ProbeContext& c) {
  const auto dnn = std::make_shared<Dnn>(c.stream());
  Grid forward(c, dnn, false), backward(c, dnn, true);
  if (c.settings().is_quick) {
    forward.add(128, {{32, 8}}, {1, 4}, {512, 2048, 8192}, false, false);
    backward.add(128, {{32, 8}}, {1, 4}, {512, 2048, 8192}, false, false);
  } else {
    forward.add(128, {{8, 1}, {32, 8}, {32, 32}}, {1, 8}, {256, 512, 1024, 2048, 4096, 8192}, false, false);
    forward.add(128, {{64, 8}, {16, 4}}, {1, 4}, {384, 1500, 6000}, false, true);
    forward.add(64, {{16, 16}}, {1, 8}, {256, 512, 1024, 2048, 4096, 16384}, false, false);
    forward.add(64, {{32, 8}}, {2}, {256, 512, 1024, 2048, 4096, 16384}, false, false);
    forward.add(64, {{12, 12}, {24, 6}}, {1, 6}, {384, 1500, 6000}, false, true);
    backward.add(128, {{8, 1}, {32, 8}, {32, 32}}, {1, 8}, {256, 512, 1024, 2048, 4096}, false, false);
    backward.add(128, {{64, 8}, {16, 4}}, {1, 4}, {384, 1500, 6000}, false, true);
    backward.add(64, {{16, 16}}, {1, 8}, {256, 512, 1024, 2048, 4096, 16384}, false, false);
    backward.add(64, {{32, 8}}, {2}, {256, 512, 1024, 2048, 4096, 16384}, false, false);
    backward.add(64, {{12, 12}, {24, 6}}, {1, 6}, {384, 1500, 6000}, false, true);
  }
  c.run("cuDNN forward", forward.take());
  c.run("cuDNN backward", backward.take());
}

void probe_library_decode(ProbeContext& c) {
  const auto dnn = std::make_shared<Dnn>(c.stream());
  Grid points(c, dnn, false);
  points.add(128, {{32, 8}, {16, 1}}, {1, 4, 16, 64}, {128, 512, 2048, 8192, 32768}, true, false);
  points.add(128, {{64, 8}, {16, 4}}, {4, 48}, {300, 2500, 6000}, true, true);
  c.run("cuDNN decode", points.take());
}

}  // namespace ridge::cuda
