#pragma once
/// Low-rank adapters: beside a frozen product of shape out x in, two trained ones of rank r.
///
///   elements = r (in + out)           per adapted matrix of a layer
///   on one of t tensor ranks          the side that cuts the matrix is divided: r (in + out / t), or
///                                     r (in / t + out) for a row-parallel one
///
/// Routed experts have none: libraries keep a layer's experts in one parameter, not in linear layers.
///
/// Source  Hu et al. 2021, arXiv:2106.09685, section 4.1.
/// Check   Llama-2-7B, r = 8 on q and v: 4 194 304 (tests/model/adapters_test.cpp).

#include "model/inventory.h"

#include <bitset>
#include <cstdint>
#include <string_view>

namespace ridge {

/// Roles whose matrices get adapters.
struct AdapterTargets {
  std::bitset<num_tensor_roles> roles;
  bool is_adapted(const Tensor& t) const {
    return t.layer_kind >= 0 && !t.is_expert && !t.is_bias && !t.is_vector() &&
           roles[static_cast<std::size_t>(t.role)];
  }
  /// Whether any product of the mixer, or of the feed-forward part, is adapted.
  bool has_attention() const;
  bool has_feed_forward() const;
  bool empty() const { return roles.none(); }
};

/// Roles behind a name: "attention" (all products of the mixer), "feed-forward" (dense and shared-expert
/// products), "all-linear" (both), or role names joined by '+' ("q+v").  Empty when a name is unknown.
AdapterTargets adapter_targets(std::string_view name);

/// Elements of one matrix's adapters on one of `t` tensor-parallel ranks.
Traced<Elements> adapter_elements(const Architecture&, const Tensor&, std::int64_t rank, Traced<double> t,
                                  Explain* ex = nullptr);
/// Of all adapted matrices of one layer of a kind, on one of `t` ranks.
Traced<Elements> adapter_elements(const Architecture&, const Inventory&, std::size_t kind,
                                  const AdapterTargets&, std::int64_t rank, Traced<double> t,
                                  Explain* ex = nullptr);
/// Trained elements of all layers, not divided.
Traced<std::int64_t> adapter_elements(const Architecture&, const Inventory&, const AdapterTargets&,
                                      std::int64_t rank, Explain* ex = nullptr);

}  // namespace ridge
