#pragma once
/// Number formats that hardware computes in, and tables with one entry per format.

#include "hardware/sourced.h"

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

namespace ridge {

/// Operand format of a multiply; products accumulate in fp32 (int32 for integers) unless the name
/// says otherwise.
enum class Precision { fp64, fp32, tf32, bf16, fp16, fp16_acc16, fp8, fp6, fp4, int8, int4 };
inline constexpr std::size_t num_precisions = 11;

template <> struct EnumNames<Precision> {
  static constexpr std::pair<Precision, std::string_view> names[] = {
      {Precision::fp64, "fp64"}, {Precision::fp32, "fp32"}, {Precision::tf32, "tf32"},
      {Precision::bf16, "bf16"}, {Precision::fp16, "fp16"}, {Precision::fp16_acc16, "fp16_acc16"},
      {Precision::fp8, "fp8"},   {Precision::fp6, "fp6"},   {Precision::fp4, "fp4"},
      {Precision::int8, "int8"}, {Precision::int4, "int4"},
  };
};

/// At most one T per precision; an absent entry means "not supported" or "not published".
template <class T> struct PerPrecision {
  std::array<std::optional<T>, num_precisions> entries;
  const T* find(Precision p) const {
    const auto& e = entries[static_cast<std::size_t>(p)];
    return e ? &*e : nullptr;
  }
  T& operator[](Precision p) {
    auto& e = entries[static_cast<std::size_t>(p)];
    return e ? *e : e.emplace();
  }
};

template <class T> void read_value(const Node& n, PerPrecision<T>& table, ReadContext& c, Range r = {}) {
  if (!n.is_map()) return report_not_a_map(n, "precision table", c);
  std::vector<std::string> known;
  for (auto& p : EnumNames<Precision>::names) known.emplace_back(p.second);
  for (const auto& e : n.entries) {
    bool found = false;
    for (auto& [precision, name] : EnumNames<Precision>::names) {
      if (name != e.key) continue;
      found = true;
      PathScope scope(c, e.key);
      read_value(e.value, table[precision], c, r);
    }
    if (!found) report_unknown_key(e, "precision table", known, c);
  }
}
template <class T> Node write_value(const PerPrecision<T>& table) {
  Node m = Node::map();
  for (auto& [precision, name] : EnumNames<Precision>::names)
    if (const T* e = table.find(precision)) m.entries.push_back({std::string(name), {}, write_value(*e)});
  return m.entries.empty() ? Node{} : m;
}
template <class T> std::string type_text(const PerPrecision<T>*) {
  return "map of precision to " + type_text(static_cast<const T*>(nullptr));
}
template <class T> std::vector<FieldInfo> children_of(const PerPrecision<T>*) {
  return children_of(static_cast<const T*>(nullptr));
}

}  // namespace ridge
