#include "model/storage_format.h"

#include <algorithm>
#include <cmath>

namespace ridge {

namespace {

constexpr Formula unpacked_formula{"weights.tensor", "bytes of a tensor", "n * B", "definition"};
constexpr Formula blocks_formula{"weights.tensor.blocks", "bytes of a tensor in blocks",
                                 "copies * rows * ceil(columns / k) * B", "model/storage_format.h",
                                 "k elements of a row make a block of B bytes, the last one padded"};
constexpr Formula one_blocks_formula{"weights.tensor.one.blocks", "bytes of a tensor in blocks",
                                     "rows * ceil(columns / k) * B", "model/storage_format.h",
                                     "k elements of a row make a block of B bytes, the last one padded"};
constexpr Formula scaled_formula{"weights.tensor.scaled", "bytes of a tensor in blocks with further scales",
                                 "copies * (rows * ceil(columns / k) * B + u * v * s + columns * g)",
                                 "model/storage_format.h",
                                 "u by v tiles have a scale of s bytes each; g bytes of index a column"};
constexpr Formula tiles_formula{"weights.tiles", "tiles along an axis", "ceil(n / tile)", "definition"};
constexpr Formula packed_alike_formula{"weights.layers", "bytes of a tensor in the layers packed alike",
                                       "n * b", "definition"};
constexpr Formula all_layers_formula{"weights.all_layers", "bytes of a tensor in all layers of a kind",
                                     "sum(...)", "definition"};
constexpr Formula average_formula{"weights.average", "bytes of a tensor in an average layer", "all / n",
                                  "definition"};
constexpr Formula group_formula{"weights.group", "bytes of the tensors that are divided alike", "sum(...)",
                                "sum over the tensor inventory (ridge model --tensors)"};

using Count = Traced<std::int64_t>;

/// A field of a packing, where presets/formats states it.
template <class Q> Traced<Q> field_of(const Packing& p, std::string_view field, Q value, Explain* ex) {
  if (!ex) return {value, 0};
  const Origin unstated{Origin::Kind::default_value, {}, "not stated", {}};
  const std::string key = "formats.packings." + p.name + "." + std::string(field);
  if constexpr (std::is_same_v<Q, std::int64_t>)
    return {value, ex->input(key, static_cast<double>(value), Dim{}, unstated)};
  else return {value, ex->input(key, value.value(), Q::dim, unstated)};
}

Traced<double> tiles_of(Count size, const Packing& p, std::string_view field, std::int64_t tile,
                        Explain* ex) {
  if (tile <= 0) return constant(ex, "one tile spans the axis", 1.0, "model/storage_format.h");
  const auto n = std::ceil(static_cast<double>(size.value) / static_cast<double>(tile));
  return note(ex, tiles_formula, n, {{"n", size}, {"tile", field_of(p, field, tile, ex)}});
}

Traced<Bytes> packed(const Architecture& a, const Tensor& t, const Packing& p, Explain* ex) {
  const Bytes bytes{packed_bytes(t, p)};
  if (!ex) return {bytes, 0};
  const auto B = field_of(p, "block_bytes", Bytes{p.block_bytes}, ex);
  const bool has_scales = p.scale_bytes > 0 || p.bytes_per_input > 0;
  if (p.block == 1 && !has_scales)
    return note(ex, unpacked_formula, bytes, {{"n", tensor_elements(a, t, ex)}, {"B", B}});
  const Count one{1, constant(ex, "a vector is one row", 1.0, "model/storage_format.h").node};
  const Count rows = t.is_vector() ? one : extent(a, t.out_extent, ex);
  const Count columns = extent(a, t.is_vector() ? t.out_extent : t.in_extent, ex);
  const Count k = field_of(p, "block", p.block, ex);
  if (!has_scales && t.copies == 1)
    return note(ex, one_blocks_formula, bytes, {{"rows", rows}, {"columns", columns}, {"k", k}, {"B", B}});
  const Count copies = tensor_copies(a, t, ex);
  if (!has_scales)
    return note(ex, blocks_formula, bytes,
                {{"copies", copies}, {"rows", rows}, {"columns", columns}, {"k", k}, {"B", B}});
  return note(ex, scaled_formula, bytes,
              {{"copies", copies},
               {"rows", rows},
               {"columns", columns},
               {"k", k},
               {"B", B},
               {"u", tiles_of(rows, p, "scale_rows", p.scale_rows, ex)},
               {"v", tiles_of(columns, p, "scale_columns", p.scale_columns, ex)},
               {"s", field_of(p, "scale_bytes", Bytes{p.scale_bytes}, ex)},
               {"g", field_of(p, "bytes_per_input", Bytes{p.bytes_per_input}, ex)}});
}

/// Does the format treat layers of one kind differently?
bool depends_on_layer(const StorageFormat& f) {
  return std::any_of(f.rules.begin(), f.rules.end(), [](const PackingRule& r) { return r.layers != "all"; });
}

struct PackedLayers {
  const Packing* packing;
  std::int64_t layers;
};

/// How many layers of a tensor's kind get which packing, in order of first use.
std::vector<PackedLayers> packings_of(const Architecture& a, const Inventory& inv, const Tensor& t,
                                      const StorageFormats& formats, const StorageFormat& format) {
  const auto kind = static_cast<std::size_t>(t.layer_kind);
  std::vector<PackedLayers> found;
  for (std::size_t i = 0; i < inv.layers.kind_of_layer.size(); ++i) {
    if (inv.layers.kind_of_layer[i] != kind) continue;
    const auto layer =
        static_cast<std::int64_t>(i) - (inv.layers.kinds[kind].is_encoder ? 0 : inv.layers.encoder_layers);
    const Packing* packing = &packing_of(t, layer, a, formats, format);
    const auto known =
        std::find_if(found.begin(), found.end(), [&](const PackedLayers& p) { return p.packing == packing; });
    if (known == found.end()) found.push_back({packing, 1});
    else ++known->layers;
  }
  return found;
}

Traced<Bytes> averaged(const Architecture& a, const Inventory& inv, const Tensor& t,
                       const std::vector<PackedLayers>& packings, Explain* ex) {
  double total = 0;
  std::vector<Term> terms;
  for (const auto& [packing, layers] : packings) {
    const double n = static_cast<double>(layers);
    const auto each = packed(a, t, *packing, ex);
    total += n * each.value.value();
    if (!ex) continue;
    const auto count = constant(ex, "layers packed as " + packing->name + ": " + std::to_string(layers), n,
                                "the storage format's rules (presets/formats) over the model's layers");
    terms.emplace_back(packing->name,
                       note(ex, packed_alike_formula, n * each.value, {{"n", count}, {"b", each}}));
  }
  const Count layers = layers_of(a, inv.layers, static_cast<std::size_t>(t.layer_kind), ex);
  const Bytes average{total / static_cast<double>(layers.value)};
  if (!ex) return {average, 0};
  const Traced<Bytes> all{Bytes{total}, ex->note(all_layers_formula, total, Bytes::dim, terms)};
  return note(ex, average_formula, average, {{"all", all}, {"n", layers}});
}

void add(ByteSums& sums, const Tensor& t, double bytes, const Architecture& a) {
  switch (divider(t)) {
    case Divider::none: sums.replicated += bytes; break;
    case Divider::tensor: sums.tensor += bytes; break;
    case Divider::kv_heads: sums.key_value += bytes; break;
    case Divider::experts: sums.expert += bytes; break;
    case Divider::expert_ranks: sums.expert_replicated += bytes; break;
  }
  if (t.is_expert)
    sums.expert_active +=
        bytes * static_cast<double>(std::min(a.moe.top_k, t.copies)) / static_cast<double>(t.copies);
}

}  // namespace

Traced<Bytes> tensor_bytes(const Architecture& a, const Inventory& inv, const Tensor& t,
                           const StorageFormats& formats, const StorageFormat& format, Explain* ex) {
  if (t.layer_kind < 0) return packed(a, t, packing_of(t, -1, a, formats, format), ex);
  if (!depends_on_layer(format)) return packed(a, t, packing_of(t, 0, a, formats, format), ex);
  const auto packings = packings_of(a, inv, t, formats, format);
  if (packings.size() == 1) return packed(a, t, *packings.front().packing, ex);
  return averaged(a, inv, t, packings, ex);
}

Traced<Bytes> group_bytes(const Architecture& a, const Inventory& inv, int group, Divider by,
                          const StorageFormats& formats, const StorageFormat& format, Explain* ex) {
  Bytes total{0};
  std::vector<Term> terms;
  for (const Tensor& t : tensors_of(inv, group)) {
    if (divider(t) != by) continue;
    const auto bytes = tensor_bytes(a, inv, t, formats, format, ex);
    total += bytes.value;
    if (ex) terms.emplace_back(role_name(t.role), bytes);
  }
  if (!ex) return {total, 0};
  if (terms.empty()) return constant(ex, "no such tensor", Bytes{0}, "tensor inventory");
  return {total, ex->note(group_formula, total.value(), Bytes::dim, terms)};
}

Bytes ByteSums::per_rank(ShardingDegrees d) const {
  const auto by = [](double bytes, std::int64_t degree) {
    return bytes / static_cast<double>(std::max<std::int64_t>(1, degree));
  };
  return Bytes{replicated + by(tensor, d.tensor) + by(key_value, std::min(d.tensor, kv_heads)) +
               by(expert, d.expert * d.expert_tensor) + by(expert_replicated, d.expert)};
}

ByteSums& ByteSums::operator+=(const ByteSums& o) {
  replicated += o.replicated;
  tensor += o.tensor;
  key_value += o.key_value;
  expert += o.expert;
  expert_replicated += o.expert_replicated;
  expert_active += o.expert_active;
  kv_heads = std::max(kv_heads, o.kv_heads);
  return *this;
}

WeightBytes weight_bytes(const Architecture& a, const Inventory& inv, const StorageFormats& formats,
                         const StorageFormat& format) {
  WeightBytes w;
  w.of_kind.resize(inv.layers.kinds.size());
  double total = 0;
  for (std::size_t i = 0; i < inv.tensors.size(); ++i) {
    const Tensor& t = inv.tensors[i];
    const double bytes = tensor_bytes(a, inv, t, formats, format).value.value();
    const bool is_in_layer = i >= inv.first_layer;
    add(is_in_layer             ? w.of_kind[static_cast<std::size_t>(t.layer_kind)]
        : i >= inv.first_output ? w.output
                                : w.embedding,
        t, bytes, a);
    const bool repeats = is_in_layer && !inv.shared_layers;
    total += repeats ? bytes * static_cast<double>(inv.layers.count[static_cast<std::size_t>(t.layer_kind)])
                     : bytes;
  }
  for (ByteSums* s : {&w.embedding, &w.output}) s->kv_heads = std::max<std::int64_t>(1, a.kv_heads);
  for (ByteSums& s : w.of_kind) s.kv_heads = std::max<std::int64_t>(1, a.kv_heads);
  w.total = std::llround(total);
  return w;
}

}  // namespace ridge
