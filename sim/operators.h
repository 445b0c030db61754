#pragma once
/// The work of a step as a flat list of operators: what is launched, on which shapes, how many
/// bytes and FLOP each moves, how long it takes and what limits it.

#include "base/explain.h"
#include "hardware/answer.h"
#include "sim/stack.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace ridge {

enum class OperatorKind { product, attention, pass, collective, copy, optimizer };
enum class OperatorPhase { forward, recompute, backward, update };
enum class Bound { compute, memory, link, network, launch };
inline constexpr std::size_t num_bounds = 5;
/// Time by what limits each operator, in Bound's order.
using TimeByBound = std::array<Traced<Seconds>, num_bounds>;

struct Operator {
  std::string_view name;  ///< "attention.qkv", "rmsnorm", "all-reduce"
  OperatorKind kind = OperatorKind::product;
  OperatorPhase phase = OperatorPhase::forward;
  int layer_kind = -1;               ///< -1: outside layers
  double count = 1;                  ///< launches per micro-batch on this device, over its layers
  std::int64_t m = 0, n = 0, k = 0;  ///< products
  double kernels = 1;
  Flop flops;            ///< of one launch
  Bytes bytes;           ///< read and written by one launch (collectives: payload)
  Traced<Seconds> time;  ///< of one launch
  Bound bound = Bound::compute;
  Answer answer = {};  ///< who says how long; refers to the hardware it was evaluated on
};

using OperatorList = std::vector<Operator>;

template <> struct EnumNames<OperatorKind> {
  static constexpr std::pair<OperatorKind, std::string_view> names[] = {
      {OperatorKind::product, "product"}, {OperatorKind::attention, "attention"},
      {OperatorKind::pass, "pass"},       {OperatorKind::collective, "collective"},
      {OperatorKind::copy, "copy"},       {OperatorKind::optimizer, "optimizer"}};
};
template <> struct EnumNames<OperatorPhase> {
  static constexpr std::pair<OperatorPhase, std::string_view> names[] = {
      {OperatorPhase::forward, "forward"},
      {OperatorPhase::recompute, "recompute"},
      {OperatorPhase::backward, "backward"},
      {OperatorPhase::update, "update"}};
};
template <> struct EnumNames<Bound> {
  static constexpr std::pair<Bound, std::string_view> names[] = {{Bound::compute, "compute"},
                                                                 {Bound::memory, "memory"},
                                                                 {Bound::link, "link"},
                                                                 {Bound::network, "network"},
                                                                 {Bound::launch, "launch"}};
};

}  // namespace ridge
