#include "sim/io/read_operator.h"

#include <algorithm>
#include <fmt/format.h>

namespace ridge {
namespace {

using Keys = std::vector<std::string_view>;

/// What a kind needs, and what it also understands.
struct OperatorKeys {
  std::string_view kind;
  Keys needed, understood;
};

const std::vector<OperatorKeys>& operator_keys() {
  static const std::vector<OperatorKeys> all{
      {"gemm", {"m", "n", "k"}, {}},
      {"attention",
       {"batch", "heads", "head_dim", "sequence"},
       {"kv_heads", "causal", "phase", "implementation"}},
      {"attention_decode", {"batch", "heads", "head_dim", "sequence"}, {"kv_heads", "implementation"}},
      {"copy", {"bytes"}, {"direction"}},
      {"rmsnorm", {"rows", "hidden"}, {}},
      {"collective", {"collective", "bytes"}, {}},
      {"moe_layer", {"tokens", "hidden", "ffn", "experts", "top_k"}, {"expert_parallel"}},
      {"optimizer", {"parameters"}, {"optimizer"}},
  };
  return all;
}

bool holds(const Keys& keys, std::string_view key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

/// Whether a key was left out or is zero where it must be a size.
void check_needed(const Node& n, const OperatorKeys& keys, const Node& written, ReadContext& c) {
  for (const std::string_view key : keys.needed) {
    const Node* given = n.find(key);
    const Node* value = written.find(key);
    const bool is_empty = !value || !value->is_scalar() || value->text.empty() || value->text == "0";
    if (!is_empty) continue;
    const std::string message =
        given ? fmt::format("operator.{} must be at least 1 for {}", key, keys.kind)
              : fmt::format("missing key 'operator.{}', which {} needs", key, keys.kind);
    c.diagnostics.error(given ? "out-of-range" : "missing-key", message, given ? given->span : n.span);
  }
}

void check_understood(const Node& n, const OperatorKeys& keys, ReadContext& c) {
  static constexpr std::string_view always[] = {"kind", "dtype", "launch"};
  for (const Node::Entry& e : n.entries) {
    const bool is_known = std::find(std::begin(always), std::end(always), e.key) != std::end(always);
    if (is_known || holds(keys.needed, e.key) || holds(keys.understood, e.key)) continue;
    auto& d = c.diagnostics.warning(
        "without-effect", fmt::format("operator.{} has no meaning for {}", printable(e.key), keys.kind),
        e.key_span);
    for (const Keys* list : {&keys.needed, &keys.understood})
      d.expected.insert(d.expected.end(), list->begin(), list->end());
  }
}

}  // namespace

OperatorCase read_operator(const Node& n, ReadContext& c) {
  OperatorCase o{};
  const std::size_t before = c.diagnostics.items().size();
  read_value(n, o, c);
  if (c.diagnostics.items().size() > before) return o;
  const auto& all = operator_keys();
  const auto keys =
      std::find_if(all.begin(), all.end(), [&](const OperatorKeys& k) { return k.kind == o.kind; });
  if (keys == all.end()) return o;
  check_needed(n, *keys, write_value(o), c);
  check_understood(n, *keys, c);
  if (o.kind == "moe_layer" && o.experts > 0 && (o.top_k > o.experts || o.experts % o.expert_parallel != 0))
    c.diagnostics.error(
        "out-of-range",
        fmt::format("{} experts: top_k may be at most that, and expert_parallel must divide it", o.experts),
        n.span);
  return o;
}

}  // namespace ridge
