#include "model/storage_format.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace ridge {

namespace {

bool is_table(TensorRole r) {
  return r == TensorRole::token_embedding || r == TensorRole::position_embedding ||
         r == TensorRole::token_type_embedding || r == TensorRole::relative_bias ||
         r == TensorRole::encoder_relative_bias || r == TensorRole::mtp_embedding;
}

/// Classes of roles a rule may name; the first that fits a tensor.
std::string_view role_class(const Tensor& t) {
  if (t.is_vector() || t.role == TensorRole::ssm_a || t.role == TensorRole::ssm_conv) return "vector";
  if (t.role == TensorRole::lm_head || t.role == TensorRole::mtp_head) return "head";
  if (is_table(t.role)) return "embedding";
  if (t.role == TensorRole::router) return "router";
  return t.is_expert ? "expert" : "linear";
}

constexpr std::string_view role_classes[] = {"vector", "head", "embedding", "router", "expert", "linear"};

bool takes_role(const PackingRule& r, const Tensor& t, const Architecture& a) {
  if (r.roles.empty()) return true;
  std::string_view group = role_class(t), name = t.is_vector() ? std::string_view{} : role_name(t.role);
  // A tied token table is the head.
  if (t.role == TensorRole::token_embedding && a.tied_embeddings && a.head != Head::none)
    group = "head", name = "lm_head";
  return std::any_of(r.roles.begin(), r.roles.end(),
                     [&](const std::string& s) { return s == group || s == name; });
}

bool takes_layer(const PackingRule& r, std::int64_t i, std::int64_t n) {
  if (r.layers == "all") return true;
  if (i < 0) return false;
  if (r.layers == "more-bits") return uses_more_bits(i, n);
  if (r.layers == "first-eighth") return i < n / 8;
  if (r.layers == "first-sixteenth") return i < n / 16;
  std::int64_t first = 0;
  std::from_chars(r.layers.data(), r.layers.data() + r.layers.size(), first);
  return i < first;
}

bool takes_model(const PackingRule& r, const Architecture& a) {
  const std::int64_t groups = a.kv_heads > 0 ? a.heads / a.kv_heads : 1;
  return groups >= r.min_query_groups && (r.only_layers == 0 || r.only_layers == a.layers) &&
         a.moe.experts >= r.min_experts && (r.only_experts == 0 || r.only_experts == a.moe.experts);
}

const Packing& fitting(const Tensor& t, const std::string& name, const StorageFormats& formats) {
  const Packing* p = &formats.packings.find(name)->second;
  // A chain of fallbacks is as long as the packings at most; files are checked to have no unknown ones.
  for (std::size_t i = 0; i < formats.packings.size() && t.in % p->block != 0 && !p->fallback.empty(); ++i)
    p = &formats.packings.find(p->fallback)->second;
  return *p;
}

double tiles(std::int64_t size, std::int64_t tile) {
  return tile > 0 ? static_cast<double>((size + tile - 1) / tile) : 1;
}

}  // namespace

double packed_bytes(const Tensor& t, const Packing& p) {
  // Vectors are packed along their only axis.
  const std::int64_t rows = t.is_vector() ? 1 : t.out, columns = t.is_vector() ? t.out : t.in;
  double bytes =
      static_cast<double>(rows) * static_cast<double>((columns + p.block - 1) / p.block) * p.block_bytes;
  if (p.scale_bytes > 0) bytes += tiles(rows, p.scale_rows) * tiles(columns, p.scale_columns) * p.scale_bytes;
  bytes += static_cast<double>(columns) * p.bytes_per_input;
  return bytes * static_cast<double>(t.copies);
}

const Packing& packing_of(const Tensor& t, std::int64_t layer, const Architecture& a,
                          const StorageFormats& formats, const StorageFormat& format) {
  for (const PackingRule& r : format.rules)
    if (takes_role(r, t, a) && takes_layer(r, layer, a.layers) && takes_model(r, a))
      return fitting(t, r.packing, formats);
  return fitting(t, format.packing, formats);
}

namespace {

bool is_known_role(std::string_view name) {
  if (std::find(std::begin(role_classes), std::end(role_classes), name) != std::end(role_classes))
    return true;
  for (std::size_t i = 0; i < num_tensor_roles; ++i)
    if (role_name(static_cast<TensorRole>(i)) == name) return true;
  return false;
}

bool is_known_layers(std::string_view s) {
  if (s == "all" || s == "more-bits" || s == "first-eighth" || s == "first-sixteenth") return true;
  std::int64_t n = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), n);
  return error == std::errc{} && end == s.data() + s.size() && n > 0;
}

class Checker {
 public:
  Checker(const StorageFormats& f, const Node& n, ReadContext& c) : formats_(f), node_(n), context_(c) {}
  void packing(const std::string& name, std::string_view in) {
    if (formats_.packings.find(name) == formats_.packings.end())
      error(fmt::format("'{}' uses unknown packing '{}'", in, name));
  }
  void rule(const PackingRule& r, std::string_view in) {
    packing(r.packing, in);
    for (const std::string& role : r.roles)
      if (!is_known_role(role)) error(fmt::format("'{}' has a rule for unknown role '{}'", in, role));
    if (!is_known_layers(r.layers))
      error(fmt::format("'{}' has a rule for unknown layers '{}'", in, r.layers));
  }
  void error(std::string message) {
    context_.diagnostics.error("bad-format", std::move(message), node_.span);
  }

 private:
  const StorageFormats& formats_;
  const Node& node_;
  ReadContext& context_;
};

}  // namespace

void read_storage_formats(const Node& node, StorageFormats& formats, ReadContext& c) {
  Diagnostics found;
  ReadContext inner{found, c.origins, c.path, c.kind, c.known_elsewhere};
  read_fields(node, formats, SchemaOf<StorageFormats>::get(), inner);
  Checker check(formats, node, inner);
  for (auto& [name, p] : formats.packings) {
    p.name = name;
    if (!p.fallback.empty()) check.packing(p.fallback, name);
  }
  for (auto& [name, f] : formats.formats) {
    f.name = name;
    check.packing(f.packing, name);
    for (const PackingRule& r : f.rules) check.rule(r, name);
  }
  if (found.has_errors()) formats = {};
  c.diagnostics.append(std::move(found));
}

}  // namespace ridge
