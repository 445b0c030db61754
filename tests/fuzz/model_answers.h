#pragma once
/// What must hold for every architecture that was read without an error.

#include "model/flops.h"
#include "model/inventory.h"
#include "model/kv_cache.h"
#include "model/storage_format.h"
#include "tests/fuzz/fuzz.h"

#include <cmath>

namespace ridge::fuzz {

inline StorageFormat whole_bytes(StorageFormats& formats) {
  formats.packings["byte"] = {
      .name = "byte", .block = 32, .block_bytes = 34, .scale_rows = 1, .scale_bytes = 2};
  StorageFormat f{.name = "byte", .packing = "byte"};
  f.rules.push_back({.roles = {"v", "expert"}, .packing = "byte", .layers = "more-bits"});
  return f;
}

inline void check_counts(const Architecture& a, const Inventory& inv) {
  FUZZ_CHECK(inv.parameters > 0 && inv.parameters < 100'000'000'000'000'000);
  FUZZ_CHECK(inv.active_parameters > 0 && inv.active_parameters <= inv.parameters);
  FUZZ_CHECK(inv.non_embedding_parameters >= 0 && inv.non_embedding_parameters <= inv.parameters);
  FUZZ_CHECK(inv.layers.kinds.size() < 256 && inv.layers.kinds.size() == inv.of_kind.size());
  for (const Tensor& t : inv.tensors) {
    FUZZ_CHECK(t.elements() >= 0 && !role_name(t.role).empty());
    FUZZ_CHECK(elements_per_rank(t, a, {.tensor = 7, .expert = 3, .expert_tensor = 2}) <= t.elements());
  }
  for (const ElementSums& s : inv.of_kind) {
    FUZZ_CHECK(s.per_rank({}) == s.total());
    FUZZ_CHECK(s.per_rank({.tensor = 8, .expert = 4}) <= s.total());
  }
}

inline void check_work(const Architecture& a, const Inventory& inv) {
  for (bool absorbed : {false, true}) {
    const TokenBatch b{
        .sequences = 2, .tokens = 33, .past = 100, .encoder_tokens = 5, .latent_absorbed = absorbed};
    const double flop = forward_flop(a, inv, b, 1).value.value();
    FUZZ_CHECK(std::isfinite(flop) && flop >= 0);
    FUZZ_CHECK(training_flop(a, inv, b).value.value() >= flop);
    forward_operators(a, inv, b, 33);
  }
  for (std::int64_t tensor : {1, 3, 64}) {
    const double bytes =
        cache_bytes(a, inv.layers, cache_format("int8"), 3, 1'000'000, 7, tensor).value.value();
    FUZZ_CHECK(std::isfinite(bytes) && bytes >= 0);
  }
  StorageFormats formats;
  const StorageFormat format = whole_bytes(formats);
  FUZZ_CHECK(weight_bytes(a, inv, formats, format).total > 0);
}

inline void check_answers(const Architecture& a) {
  FUZZ_CHECK(validate(a).empty());
  const Inventory inv = inventory(a);
  check_counts(a, inv);
  check_work(a, inv);
  Explain ex;
  FUZZ_CHECK(parameters(a, inv, &ex).value == inv.parameters);
  FUZZ_CHECK(active_parameters(a, inv, &ex).value == inv.active_parameters);
  cache_elements_per_token(a, inv.layers, &ex);
}

}  // namespace ridge::fuzz
