#include "calibrate/cuda/dnn.h"

#include "calibrate/cuda/dnn_graph.h"

#include <cmath>
#include <limits>
#include <optional>

namespace ridge::cuda {
namespace {

using Tensor = DnnGraph::Tensor;
using Sizes = DnnGraph::Sizes;
constexpr cudnnDataType_t bf16 = CUDNN_DATA_BFLOAT16;

/// Dimensions of an attention as the library counts them: batch, heads, tokens, head size.
struct Dims {
  Sizes q, q_steps, k, k_steps;
  explicit Dims(const AttentionLayout& s) {
    const std::int64_t d = s.head_dim, group = s.heads / s.kv_heads;
    if (s.is_decode) {
      q = {s.batch, s.kv_heads, group, d};
      q_steps = packed_steps(q);
      k = {s.batch, s.kv_heads, s.keys, d};
      k_steps = packed_steps(k);
    } else {
      q = {s.batch, s.heads, s.queries, d};
      q_steps = {s.queries * s.heads * d, d, s.heads * d, 1};
      k = {s.batch, s.kv_heads, s.keys, d};
      k_steps = {s.keys * s.kv_heads * d, d, s.kv_heads * d, 1};
    }
  }
  Sizes scores() const { return {q[0], q[1], q[2], k[2]}; }
  Sizes rows() const { return {q[0], q[1], q[2], 1}; }
  Sizes k_turned() const { return {k[0], k[1], k[3], k[2]}; }
  Sizes k_turned_steps() const { return {k_steps[0], k_steps[1], k_steps[3], k_steps[2]}; }
};

bool needs_mask(const AttentionLayout& s) {
  if (s.is_decode || !s.is_causal || s.queries == 1) return false;
  if (s.queries != s.keys) throw ProbeError("a causal graph with more keys than queries is not built here");
  return true;
}

/// scores where the key is no later than the query, `lowest` elsewhere.
Tensor masked(DnnGraph& g, Tensor scores, Tensor lowest, const Sizes& dims) {
  const Tensor row = g.inner(dims, CUDNN_DATA_INT32), column = g.inner(dims, CUDNN_DATA_INT32);
  g.pointwise(CUDNN_POINTWISE_GEN_INDEX, scores, 0, row, 0, 2);
  g.pointwise(CUDNN_POINTWISE_GEN_INDEX, scores, 0, column, 0, 3);
  const Tensor is_seen = g.inner(dims, CUDNN_DATA_BOOLEAN), out = g.inner(dims);
  g.pointwise(CUDNN_POINTWISE_CMP_GE, row, column, is_seen, 0, -1, CUDNN_DATA_BOOLEAN);
  g.pointwise(CUDNN_POINTWISE_BINARY_SELECT, scores, lowest, out, is_seen);
  return out;
}

Tensor passed(DnnGraph& g, cudnnPointwiseMode_t mode, Tensor x, Tensor b, const Sizes& dims) {
  const Tensor y = g.inner(dims);
  g.pointwise(mode, x, b, y);
  return y;
}

/// Weights of bf16 from scores; the library knows the pattern only with the logarithms of the sums.
Tensor softmax(DnnGraph& g, Tensor scores, Tensor log_sums, const Dims& d) {
  const Tensor highest = g.inner(d.rows()), total = g.inner(d.rows());
  g.reduce(CUDNN_REDUCE_TENSOR_MAX, scores, highest);
  const Tensor lowered = passed(g, CUDNN_POINTWISE_SUB, scores, highest, d.scores());
  const Tensor raised = passed(g, CUDNN_POINTWISE_EXP, lowered, 0, d.scores());
  g.reduce(CUDNN_REDUCE_TENSOR_ADD, raised, total);
  const Tensor log = passed(g, CUDNN_POINTWISE_LOG, total, 0, d.rows());
  g.pointwise(CUDNN_POINTWISE_ADD, highest, log, log_sums ? log_sums : g.inner(d.rows()));
  const Tensor weights = g.inner(d.scores(), bf16);
  g.pointwise(CUDNN_POINTWISE_DIV, raised, total, weights);
  return weights;
}

}  // namespace

struct Dnn::Plan::Impl {
  std::optional<DnnPlan> plan;
  float scale = 1, lowest = std::numeric_limits<float>::lowest(), one = 1;
  Tensor q = 0, k = 0, v = 0, o = 0, log_sums = 0, scale_at = 0, lowest_at = 0;
  Tensor d_o = 0, dq = 0, dk = 0, dv = 0, dq_sum = 0, row_sum = 0, one_at = 0;
  Buffer dq_sum_data, row_sum_data;  // fp32 results between the kernels of a backward pass
};

Dnn::Dnn(cudaStream_t stream) : library_(std::make_unique<DnnLibrary>(stream)) {}
Dnn::~Dnn() = default;
Dnn::Plan::~Plan() = default;
const std::string& Dnn::Plan::kernel() const { return impl_->plan->kernel; }

std::string Dnn::version() const {
  const std::size_t v = library_->version();
  return std::to_string(v / 10000) + "." + std::to_string(v / 100 % 100) + "." + std::to_string(v % 100);
}

std::unique_ptr<Dnn::Plan> Dnn::prepare_forward(const AttentionLayout& s, bool has_log_sums) const {
  const Dims d(s);
  DnnGraph g(*library_);
  const Tensor q = g.tensor(d.q, d.q_steps, bf16), k = g.tensor(d.k_turned(), d.k_turned_steps(), bf16),
               v = g.tensor(d.k, d.k_steps, bf16), o = g.tensor(d.q, d.q_steps, bf16), scale = g.scalar();
  const Tensor log_sums = has_log_sums ? g.tensor(d.rows(), packed_steps(d.rows()), CUDNN_DATA_FLOAT) : 0;
  const Tensor products = g.inner(d.scores());
  g.multiply(q, k, products);
  Tensor scores = passed(g, CUDNN_POINTWISE_MUL, products, scale, d.scores()), lowest = 0;
  if (needs_mask(s)) {
    lowest = g.scalar();
    scores = masked(g, scores, lowest, d.scores());
  }
  g.multiply(softmax(g, scores, log_sums, d), v, o);
  std::unique_ptr<Plan> out(new Plan);
  out->impl_ = std::make_unique<Plan::Impl>();
  Plan::Impl& p = *out->impl_;
  p.plan.emplace(g.plan());
  p.scale = 1 / std::sqrt(static_cast<float>(s.head_dim));
  p.q = q, p.k = k, p.v = v, p.o = o, p.log_sums = log_sums, p.scale_at = scale, p.lowest_at = lowest;
  return out;
}

namespace {

/// The tensors of a backward pass that lie in memory.
struct Gradients {
  Tensor q, k, v, o, d_o, dq, dk, dv, log_sums, row_sum, dq_sum, scale, one, lowest = 0;
  Gradients(DnnGraph& g, const Dims& d, bool is_masked)
      : q(g.tensor(d.q, d.q_steps, bf16)),
        k(g.tensor(d.k_turned(), d.k_turned_steps(), bf16)),
        v(g.tensor(d.k_turned(), d.k_turned_steps(), bf16)),
        o(g.tensor(d.q, d.q_steps, bf16)),
        d_o(g.tensor(d.q, d.q_steps, bf16)),
        dq(g.tensor(d.q, d.q_steps, bf16)),
        dk(g.tensor(d.k, d.k_steps, bf16)),
        dv(g.tensor(d.k, d.k_steps, bf16)),
        log_sums(g.tensor(d.rows(), packed_steps(d.rows()), CUDNN_DATA_FLOAT)),
        row_sum(g.tensor(d.rows(), packed_steps(d.rows()), CUDNN_DATA_FLOAT)),
        dq_sum(g.tensor(d.q, packed_steps(d.q), CUDNN_DATA_FLOAT)),
        scale(g.scalar()),
        one(g.scalar()) {
    if (is_masked) lowest = g.scalar();
  }
};

/// result = rows^T · operand, summed over the query heads of a KV head.
void into_keys(DnnGraph& g, const Dims& d, Tensor rows, Tensor operand, Tensor result) {
  const Sizes s = d.scores();
  const Tensor turned = g.inner({s[0], s[1], s[3], s[2]}, {s[1] * s[2] * s[3], s[2] * s[3], 1, s[3]}, bf16);
  g.reshape(rows, turned);
  if (d.q[1] == d.k[1]) return g.multiply(turned, operand, result);
  const Tensor all = g.inner({d.q[0], d.q[1], d.k[2], d.k[3]}, bf16);
  g.multiply(turned, operand, all);
  g.reduce(CUDNN_REDUCE_TENSOR_ADD, all, result);
}

void build_backward(DnnGraph& g, const Dims& d, const Gradients& t) {
  const Sizes scores = d.scores();
  // rowsum(dO O)
  const Tensor both = g.inner(d.q, d.q_steps, CUDNN_DATA_FLOAT), sums = g.inner(d.rows());
  g.pointwise(CUDNN_POINTWISE_MUL, t.d_o, t.o, both);
  g.reduce(CUDNN_REDUCE_TENSOR_ADD, both, sums);
  g.pointwise(CUDNN_POINTWISE_MUL, sums, t.one, t.row_sum);
  // P, and dV = P^T dO
  const Tensor products = g.inner(scores);
  g.multiply(t.q, t.k, products);
  Tensor p = passed(g, CUDNN_POINTWISE_MUL, products, t.scale, scores);
  p = passed(g, CUDNN_POINTWISE_SUB, p, t.log_sums, scores);
  if (t.lowest) p = masked(g, p, t.lowest, scores);
  p = passed(g, CUDNN_POINTWISE_EXP, p, 0, scores);
  into_keys(g, d, p, t.d_o, t.dv);
  // dS, dK = dS^T Q and dQ = dS K
  const Tensor dp = g.inner(scores);
  g.multiply(t.d_o, t.v, dp);
  Tensor ds = passed(g, CUDNN_POINTWISE_SUB, dp, t.row_sum, scores);
  ds = passed(g, CUDNN_POINTWISE_MUL, ds, p, scores);
  ds = passed(g, CUDNN_POINTWISE_MUL, ds, t.scale, scores);
  into_keys(g, d, ds, t.q, t.dk);
  const Tensor keys = g.inner(d.k, d.k_steps, bf16);
  g.reshape(t.k, keys);
  g.multiply(ds, keys, t.dq_sum);
  g.pointwise(CUDNN_POINTWISE_IDENTITY, t.dq_sum, 0, t.dq);
}

}  // namespace

std::unique_ptr<Dnn::Plan> Dnn::prepare_backward(const AttentionLayout& s) const {
  const Dims d(s);
  DnnGraph g(*library_);
  const Gradients t(g, d, needs_mask(s));
  build_backward(g, d, t);
  std::unique_ptr<Plan> out(new Plan);
  out->impl_ = std::make_unique<Plan::Impl>();
  Plan::Impl& p = *out->impl_;
  p.plan.emplace(g.plan());
  p.scale = 1 / std::sqrt(static_cast<float>(s.head_dim));
  p.q = t.q, p.k = t.k, p.v = t.v, p.o = t.o, p.log_sums = t.log_sums, p.d_o = t.d_o;
  p.dq = t.dq, p.dk = t.dk, p.dv = t.dv, p.row_sum = t.row_sum, p.dq_sum = t.dq_sum;
  p.scale_at = t.scale, p.one_at = t.one, p.lowest_at = t.lowest;
  const auto rows = static_cast<std::size_t>(s.batch * s.heads * s.queries) * sizeof(float);
  p.row_sum_data = Buffer(rows);
  p.dq_sum_data = Buffer(rows * static_cast<std::size_t>(s.head_dim));
  return out;
}

void Dnn::Plan::queue(const ForwardData& x) const {
  Impl& p = *impl_;
  p.plan->queue({{p.q, x.q},
                 {p.k, x.k},
                 {p.v, x.v},
                 {p.o, x.o},
                 {p.log_sums, x.log_sums},
                 {p.scale_at, &p.scale},
                 {p.lowest_at, &p.lowest}});
}

void Dnn::Plan::queue(const BackwardData& x) const {
  Impl& p = *impl_;
  p.plan->queue({{p.q, x.q},
                 {p.k, x.k},
                 {p.v, x.v},
                 {p.o, x.o},
                 {p.d_o, x.d_o},
                 {p.log_sums, x.log_sums},
                 {p.dq, x.dq},
                 {p.dk, x.dk},
                 {p.dv, x.dv},
                 {p.row_sum, p.row_sum_data.at()},
                 {p.dq_sum, p.dq_sum_data.at()},
                 {p.scale_at, &p.scale},
                 {p.one_at, &p.one},
                 {p.lowest_at, &p.lowest}});
}

}  // namespace ridge::cuda
