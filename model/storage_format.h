#pragma once
/// How weights lie in memory and files: which packing each tensor gets and what it takes, scales,
/// zero points and block padding included.  Formats are data (presets/formats/*.yaml).
///
///   bf16 fp16 fp32 fp8 fp8-block int8 awq-g128 gptq-g128 int4-g32 int4-g128 nf4 nf4-dq mxfp4 nvfp4
///   gguf:Q4_0 ... gguf:Q4_K_M ... gguf:Q8_0 gguf:F16
///
///   bytes of a tensor = out·ceil(in / block)·block_bytes
///                     + ceil(out / scale_rows)·ceil(in / scale_columns)·scale_bytes
///                     + in·bytes_per_input                              (GPTQ's g_idx)
///
/// Check  Llama-2-7B: gguf:Q4_K_M 4 080 263 168 B of tensors; AWQ g128 3 889 307 648 B
///        (tests/model/storage_format_test.cpp).

#include "model/dtype.h"
#include "model/inventory.h"

#include <map>
#include <string>
#include <vector>

namespace ridge {

/// Layout of one tensor's elements.
struct Packing {
  std::string name;
  std::int64_t block = 1;                          ///< elements along `in` that are packed together
  double block_bytes = 2;                          ///< bytes of one block, its own scales included
  std::int64_t scale_rows = 0, scale_columns = 0;  ///< tile of one further scale; 0: the whole axis
  double scale_bytes = 0;                          ///< per tile
  double bytes_per_input = 0;                      ///< per column of the matrix
  std::string fallback;                            ///< packing when `in` is not a multiple of block

  double bits_per_element() const { return 8 * block_bytes / static_cast<double>(block); }
};

/// Chooses a packing for some tensors of some layers.
struct PackingRule {
  std::vector<std::string> roles;  ///< role names or classes: vector embedding head linear expert router
  std::string packing;
  std::string layers = "all";  ///< all, more-bits, first-eighth, first-sixteenth, or a number: the first n
  std::int64_t min_query_groups = 0;  ///< applies when heads / kv_heads is at least this
  std::int64_t only_layers = 0;       ///< applies to models of exactly this depth
  std::int64_t min_experts = 0;       ///< applies to models of at least this many experts
  std::int64_t only_experts = 0;      ///< applies to models of exactly this many experts
};

struct StorageFormat {
  std::string name, source;
  Dtype arithmetic = Dtype::bf16;  ///< what products compute in once weights are read
  double nominal_bits = 16;        ///< of an ordinary linear layer, scales included
  std::string packing;             ///< of every matrix no rule takes
  std::vector<PackingRule> rules;  ///< the first that matches wins
};

/// Formats and packings by name.
struct StorageFormats {
  std::map<std::string, Packing> packings;
  std::map<std::string, StorageFormat> formats;
};

/// Bytes by what divides them, as ElementSums does elements; averages over the layers of a kind.
struct ByteSums {
  double replicated = 0, tensor = 0, key_value = 0, expert = 0, expert_replicated = 0;
  double expert_active = 0;
  std::int64_t kv_heads = 1;
  double total() const { return replicated + tensor + key_value + expert + expert_replicated; }
  Bytes per_rank(ShardingDegrees) const;
  ByteSums& operator+=(const ByteSums&);
};

struct WeightBytes {
  std::vector<ByteSums> of_kind;  ///< one layer of each kind, averaged over its layers
  ByteSums embedding, output;
  std::int64_t total = 0;  ///< whole model, exact
};

/// Pre  `format` is a member of `formats` and its packings exist (checked when read).
WeightBytes weight_bytes(const Architecture&, const Inventory&, const StorageFormats& formats,
                         const StorageFormat& format);

/// Bytes of one tensor, all its copies, averaged over the layers of its kind where the format treats
/// them differently.
Traced<Bytes> tensor_bytes(const Architecture&, const Inventory&, const Tensor&,
                           const StorageFormats& formats, const StorageFormat& format, Explain* ex = nullptr);
/// The same over the tensors of a group (inventory.h) that are divided alike: a field of ByteSums, opened.
Traced<Bytes> group_bytes(const Architecture&, const Inventory&, int group, Divider,
                          const StorageFormats& formats, const StorageFormat& format, Explain* ex = nullptr);

/// Bytes of one tensor (all copies) in layer `layer` of `layers`.
double packed_bytes(const Tensor&, const Packing&);
const Packing& packing_of(const Tensor&, std::int64_t layer, const Architecture&, const StorageFormats&,
                          const StorageFormat&);

/// llama.cpp's choice of layers worth more bits: i < n/8, i >= 7n/8, or every third between.
constexpr bool uses_more_bits(std::int64_t i, std::int64_t n) {
  return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
}

/// Reads one file's `packings` and `formats` into `formats`; reports unknown packings and roles.
void read_storage_formats(const Node&, StorageFormats& formats, ReadContext&);

template <> struct SchemaOf<Packing> { static const Schema<Packing>& get(); };
template <> struct SchemaOf<PackingRule> { static const Schema<PackingRule>& get(); };
template <> struct SchemaOf<StorageFormat> { static const Schema<StorageFormat>& get(); };
template <> struct SchemaOf<StorageFormats> { static const Schema<StorageFormats>& get(); };

}  // namespace ridge
