#include "model/storage_format.h"

namespace ridge {

const Schema<Packing>& SchemaOf<Packing>::get() {
  using T = Packing;
  static const Schema<T> s{
      "packing",
      "Layout of one tensor's elements",
      {field("name", &T::name, "name"),
       field("block", &T::block, "elements packed together").range(1, 1 << 20),
       field("block_bytes", &T::block_bytes, "bytes of a block with its own scales").range(0, 1 << 20),
       field("scale_rows", &T::scale_rows, "rows sharing one further scale; 0: all").range(0, 1 << 24),
       field("scale_columns", &T::scale_columns, "columns sharing it; 0: all").range(0, 1 << 24),
       field("scale_bytes", &T::scale_bytes, "bytes of that scale").range(0, 1 << 20),
       field("bytes_per_input", &T::bytes_per_input, "bytes per column, such as GPTQ's g_idx")
           .range(0, 1 << 20),
       field("fallback", &T::fallback, "packing when columns are not a multiple of block")}};
  return s;
}

const Schema<PackingRule>& SchemaOf<PackingRule>::get() {
  using T = PackingRule;
  static const Schema<T> s{
      "rule",
      "Packing of some tensors",
      {field("roles", &T::roles, "tensor roles or classes: vector embedding head router expert linear"),
       field("packing", &T::packing, "what they get").required(),
       field("layers", &T::layers, "all, more-bits, first-eighth, first-sixteenth, or the first n"),
       field("min_query_groups", &T::min_query_groups, "only with at least so many query heads per K/V head")
           .range(0, 1 << 20),
       field("only_layers", &T::only_layers, "only for models of this depth").range(0, 1 << 20),
       field("min_experts", &T::min_experts, "only for models of at least so many experts").range(0, 1 << 20),
       field("only_experts", &T::only_experts, "only for models of so many experts").range(0, 1 << 20)}};
  return s;
}

const Schema<StorageFormat>& SchemaOf<StorageFormat>::get() {
  using T = StorageFormat;
  static const Schema<T> s{
      "format",
      "Storage of a model's weights",
      {field("name", &T::name, "name"), field("source", &T::source, "where the rules come from"),
       field("arithmetic", &T::arithmetic, "type of the products"),
       field("nominal_bits", &T::nominal_bits, "bits of an ordinary weight, scales included").range(0, 64),
       field("packing", &T::packing, "of every matrix no rule takes").required(),
       field("rules", &T::rules, "the first that matches wins")}};
  return s;
}

const Schema<StorageFormats>& SchemaOf<StorageFormats>::get() {
  using T = StorageFormats;
  static const Schema<T> s{
      "formats",
      "Storage formats and the packings they use",
      {field("packings", &T::packings, "layouts by name"), field("formats", &T::formats, "formats by name")}};
  return s;
}

}  // namespace ridge
