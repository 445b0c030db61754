#include "calibrate/io/import_table.h"

#include "base/quantity_text.h"
#include "base/yaml/read_document.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <initializer_list>

namespace ridge {
namespace {

/// One row, either shape; cells by name.
class Row {
 public:
  explicit Row(const Node& n) : node_(n) {}
  std::string text(std::string_view key) const {
    const Node* n = node_.find(key);
    return n && n->is_scalar() ? n->text : std::string();
  }
  double number(std::string_view key, double otherwise = 0) const {
    const auto v = parse_number(text(key));
    return v ? *v : otherwise;
  }
  const Node& node() const { return node_; }

 private:
  const Node& node_;
};

struct Dtype {
  std::string_view written, variant;
  double activation, weight, output;
};
// Widths in bytes.  A block scale adds 4 B to 128 (activations) or 16 384 (weights) elements: left out.
constexpr std::array dtypes{
    Dtype{"bfloat16", "bf16", 2, 2, 2},
    Dtype{"bf16", "bf16", 2, 2, 2},
    Dtype{"float16", "fp16", 2, 2, 2},
    Dtype{"fp16", "fp16", 2, 2, 2},
    Dtype{"tf32", "tf32", 4, 4, 4},
    Dtype{"fp8", "fp8", 1, 1, 2},
    Dtype{"fp8_block", "fp8-block", 1, 1, 2},
    Dtype{"nvfp4", "nvfp4", 0.5625, 0.5625, 2},
    Dtype{"int8_wo", "int8-weights", 2, 1, 2},
    Dtype{"int4_wo", "int4-weights", 2, 0.5, 2},
    Dtype{"sq", "int8", 1, 1, 2},
    Dtype{"int8", "int8", 1, 1, 2},
};

const Dtype* dtype_of(std::string_view written) {
  if (written.starts_with("fp8 ")) written = "fp8_block";  // "fp8 (DeepGEMM)", "fp8 e4m3 1x128/..."
  const auto it = std::ranges::find(dtypes, written, &Dtype::written);
  return it == dtypes.end() ? nullptr : &*it;
}

void copy_sizes(Measurement& m, const Row& row,
                std::initializer_list<std::pair<const char*, const char*>> columns) {
  for (const auto& [to, from] : columns) m.sizes[to] = row.number(from);
}

std::string import_gemm(const Row& row, std::string_view prefix, Measurement& m) {
  const auto key = [&](const char* name) { return std::string(prefix) + name; };
  const Dtype* d = dtype_of(row.text(key("dtype")));
  if (!d) return "gemm in " + row.text(key("dtype"));
  m.family = "gemm";
  m.variant = d->variant;
  m.sizes = {{"m", row.number(key("m"))},         {"n", row.number(key("n"))}, {"k", row.number(key("k"))},
             {"activation_bytes", d->activation}, {"weight_bytes", d->weight}, {"output_bytes", d->output}};
  return {};
}

/// "bfloat16 / kv fp8", "bf16/kv bf16": operands and cache.
std::string import_attention(const Row& row, Measurement& m) {
  const std::string dtype = row.text("dtype"), op = row.text("op");
  if (op.find("MLA") != std::string::npos) return "latent attention";
  const auto slash = dtype.find("kv ");
  if (slash == std::string::npos) return "attention without a cache type";
  std::string operands = dtype.substr(0, dtype.find_first_of(" /"));
  const Dtype *a = dtype_of(operands), *c = dtype_of(dtype.substr(slash + 3));
  if (!a || !c) return "attention in " + dtype;
  const bool is_decode = op.starts_with("decode");
  m.family = is_decode ? "attention_decode" : "attention_prefill";
  const std::string types =
      a->variant == c->variant ? std::string(a->variant) : fmt::format("{}-cache-{}", a->variant, c->variant);
  // Engines bring kernels of their own, up to twice as fast as another's.
  const std::string engine = m.library.substr(0, m.library.find(" /"));
  m.variant = fmt::format("{}-d{}, {}", types, row.text("head_dim"), engine);
  copy_sizes(m, row,
             {{"batch", "batch"},
              {"heads", "heads"},
              {"kv_heads", "kv_heads"},
              {"head_dim", "head_dim"},
              {"key_tokens", "seqlen_kv"}});
  if (!is_decode)
    m.sizes["query_tokens"] = row.number("seqlen_q"), m.sizes["causal"] = row.text("causal") == "yes";
  m.sizes["activation_bytes"] = a->activation, m.sizes["cache_bytes"] = c->activation;
  return {};
}

std::string import_collective(const Row& row, Measurement& m) {
  const std::string op = row.text("op");
  constexpr std::array known{"all_reduce", "all_gather", "reduce_scatter", "alltoall", "broadcast"};
  const bool is_known = std::ranges::any_of(known, [&](const char* k) { return op == k; });
  if (!is_known || row.text("library").find("nccl-tests") == std::string::npos) return "collective " + op;
  m.family = op == "alltoall" ? "all_to_all" : op;
  m.variant = fmt::format("{} devices, {}", row.text("num_gpus"), row.text("dtype"));
  m.sizes = {{"bytes", row.number("size_bytes")}};
  return {};
}

std::string import_kernel_row(const Row& row, Measurement& m) {
  m.time = Seconds{row.number("latency_us") * 1e-6};
  m.device = row.text("gpu");
  m.library = row.text("library");
  m.source = fmt::format("{}@{}", row.text("source"), row.text("source_ref"));
  if (!(m.time > Seconds{})) return "rows without a latency";
  const std::string kind = row.text("kind"), op = row.text("op");
  std::string problem = kind + " " + op;
  if (kind == "gemm" && op == "gemm") problem = import_gemm(row, "", m);
  else if (kind == "attention") problem = import_attention(row, m);
  else if (kind == "collective") problem = import_collective(row, m);
  return problem;
}

std::string import_operator_attention(const Row& row, Measurement& m) {
  const Dtype* d = dtype_of(row.text("operator.dtype"));
  if (!d) return "attention in " + row.text("operator.dtype");
  const bool is_decode = row.text("operator.kind") == "attention_decode";
  const bool is_backward = !is_decode && row.text("operator.phase") == "backward";
  m.family = is_decode ? "attention_decode" : is_backward ? "attention_backward" : "attention_prefill";
  // Each implementation is a kernel of its own: cuDNN's is up to twice as fast as FlashAttention 2.
  m.variant = fmt::format("{}-d{}{}{}", d->variant, row.text("operator.head_dim"),
                          m.library.empty() ? "" : "-", m.library);
  copy_sizes(m, row,
             {{"batch", "operator.batch"},
              {"heads", "operator.heads"},
              {"kv_heads", "operator.kv_heads"},
              {"head_dim", "operator.head_dim"},
              {"key_tokens", "operator.sequence"}});
  if (!is_decode) {
    m.sizes["query_tokens"] = m.sizes["key_tokens"];
    m.sizes["causal"] = row.text("operator.causal") != "false";
  }
  m.sizes["activation_bytes"] = m.sizes["cache_bytes"] = d->activation;
  return {};
}

std::string import_operator_row(const Row& row, Measurement& m) {
  m.time = Seconds{row.number("measured.seconds")};
  m.device = row.text("hardware");
  m.library = row.text("operator.implementation");
  m.source = row.text("group");
  if (!(m.time > Seconds{})) return "rows without a time";
  const std::string kind = row.text("operator.kind");
  if (kind == "gemm") return import_gemm(row, "operator.", m);
  if (kind.starts_with("attention")) return import_operator_attention(row, m);
  if (kind == "rmsnorm") {
    m.family = "pointwise", m.variant = "rmsnorm";
    m.sizes = {{"bytes", 4 * row.number("operator.rows") * row.number("operator.hidden")},
               {"rows", row.number("operator.rows")}};
    return {};
  }
  m.sizes = {{"bytes", row.number("operator.bytes")}};
  if (kind == "copy") {
    m.family = "copy_" + row.text("operator.direction");
    m.variant = "pinned";
    if (m.family != "copy_device_to_device") return {};
    m.family = "pointwise", m.variant = "copy";
    m.sizes["bytes"] *= 2;
    return {};
  }
  if (kind == "optimizer" && row.text("operator.optimizer") == "adamw") {
    m.family = "pointwise",
    m.variant = "adamw";  // gradient, moments and weight read, all but the gradient written
    m.sizes = {{"bytes", 28 * row.number("operator.parameters")}};
    return {};
  }
  if (kind != "collective") return kind;
  m.family = row.text("operator.collective");
  const std::string launch = row.text("operator.launch");
  m.variant = fmt::format("{} devices, bf16, {}", row.text("devices"), launch == "stream" ? "eager" : launch);
  return {};
}

}  // namespace

ImportedTable import_table(const SourcePtr& source, Diagnostics& diagnostics) {
  ImportedTable table;
  const std::vector<Node> rows = read_csv(source, diagnostics);
  for (const Node& n : rows) {
    const Row row(n);
    Measurement m;
    std::string problem;
    if (n.find("latency_us") || n.find("gpu")) problem = import_kernel_row(row, m);
    else if (n.find("measured.seconds")) problem = import_operator_row(row, m);
    else problem = "rows of an unknown table";
    if (problem.empty()) table.points.push_back(std::move(m));
    else ++table.left_out[m.device.empty() ? problem : problem + " of " + m.device];
  }
  return table;
}

std::string device_preset_name(std::string_view gpu) {
  constexpr std::pair<std::string_view, std::string_view> known[] = {{"L40S-48GB", "l40s"},
                                                                     {"H20-96GB", "h20"},
                                                                     {"H800-SXM", "h800-sxm-80gb"},
                                                                     {"NVIDIA H200", "h200-sxm-141gb"}};
  for (const auto& [written, preset] : known)
    if (written == gpu) return std::string(preset);
  std::string out(gpu);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

}  // namespace ridge
