#pragma once
/// Low-rank adapters: beside a frozen product of shape out x in, two trained ones of rank r.
///
///   elements = r·(in + out)      per adapted matrix, of every layer and every expert
///
/// Source  Hu et al. 2021, arXiv:2106.09685, section 4.1.
/// Check   Llama-2-7B, r = 8 on q and v: 4 194 304 (tests/model/adapters_test.cpp).

#include "model/inventory.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace ridge {

/// Roles behind a name: "attention" (all products of the mixer), "feed-forward" (dense, expert and shared
/// products), "all-linear" (both), or role names joined by '+' ("q+v").  Empty when a name is unknown.
std::vector<TensorRole> adapter_targets(std::string_view name);

/// Trained elements of all layers.
Traced<std::int64_t> adapter_elements(const Inventory&, const std::vector<TensorRole>& targets,
                                      std::int64_t rank, Explain* ex = nullptr);

}  // namespace ridge
