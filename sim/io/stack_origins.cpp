#include "sim/io/stack_origins.h"

#include <algorithm>
#include <fmt/format.h>

namespace ridge {
namespace {

constexpr std::string_view root = "software.";

Origin::Kind kind_of(Evidence e) {
  switch (e) {
    case Evidence::assumed: return Origin::Kind::assumed;
    case Evidence::fitted: return Origin::Kind::fitted;
    case Evidence::measured: return Origin::Kind::measured;
    case Evidence::documented: return Origin::Kind::documented;
    case Evidence::definition: return Origin::Kind::definition;
  }
  return Origin::Kind::assumed;
}

bool is_below(std::string_view key, std::string_view prefix) {
  return key == prefix || (key.starts_with(prefix) && key[prefix.size()] == '.');
}

/// The longest key of `origins` that covers `key`.
const StackOrigin* covering(const SoftwareStack& stack, std::string_view key) {
  const StackOrigin* found = nullptr;
  std::size_t length = 0;
  for (const auto& [prefix, origin] : stack.origins)
    if (is_below(key, prefix) && prefix.size() >= length) found = &origin, length = prefix.size();
  return found;
}

/// "fitted: covers ..." as an origin; assumed when it does not say.
StackOrigin interval_origin(const std::string& text) {
  for (const auto& [evidence, name] : EnumNames<Evidence>::names)
    if (text.starts_with(std::string(name) + ": ")) return {evidence, text.substr(name.size() + 2)};
  return {Evidence::assumed, text.empty() ? "not estimated" : text};
}

void check_keys(const SoftwareStack& stack, const Node& document, Diagnostics& diagnostics) {
  const std::vector<std::string> known = dotted_keys(children_of(static_cast<const SoftwareStack*>(nullptr)));
  const Node* section = document.find("origins");
  for (const auto& [key, origin] : stack.origins) {
    if (std::ranges::any_of(known, [&](const std::string& k) { return is_below(k, key); })) continue;
    const Node* written = section ? section->find(key) : nullptr;
    auto& d =
        diagnostics.error("unknown-key", fmt::format("no number of a stack is below '{}'", printable(key)),
                          written ? written->span : document.span);
    d.suggestion = nearest(key, known);
  }
}

}  // namespace

void apply_stack_origins(const SoftwareStack& stack, const Node& document, Origins& origins,
                         Diagnostics& diagnostics) {
  if (!document.is_map()) return;
  check_keys(stack, document, diagnostics);
  const StackOrigin interval = interval_origin(stack.interval_source);
  StackOrigin composition = interval;
  composition.source += "; the part beyond what single kernels err (presets/software/kernels.yaml)";
  for (auto& [key, origin] : origins) {
    if (!key.starts_with(root) || origin.kind != Origin::Kind::preset) continue;
    const std::string_view inner = std::string_view(key).substr(root.size());
    const StackOrigin* says = covering(stack, inner);
    if (inner == "interval_log_sigma") says = &interval;
    if (inner == "composition_log_sigma" && !says) says = &composition;
    if (!says) continue;
    origin.kind = kind_of(says->kind);
    origin.citation = says->source.empty() ? stack.source : says->source;
  }
}

}  // namespace ridge
