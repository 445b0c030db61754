#include "model/huggingface_translator.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ridge {

const Node* HuggingfaceTranslator::field(std::initializer_list<std::string_view> names) const {
  for (std::string_view name : names)
    if (const Node* n = config.at(name); n && !n->is_null()) return n;
  return nullptr;
}

bool HuggingfaceTranslator::copy(std::string_view key, std::initializer_list<std::string_view> names) {
  bool is_null = false;
  for (std::string_view name : names) {
    const Node* n = config.at(name);
    is_null = is_null || n;
    if (!n || n->is_null()) continue;
    Node value = *n;
    if (name != key) value.called = name;
    set(model, key, std::move(value), n->span);
    return true;
  }
  absent_.push_back({std::string(key), std::string(*names.begin()), is_null});
  return false;
}

void HuggingfaceTranslator::put(std::string_view key, std::string_view text, const Span& span) {
  set(model, key, Node::scalar(std::string(text), span), span);
}

void HuggingfaceTranslator::remove(std::string_view key) {
  Node* map = &model;
  if (const auto dot = key.find('.'); dot != std::string_view::npos) {
    map = model.find(key.substr(0, dot));
    key.remove_prefix(dot + 1);
  }
  if (map) std::erase_if(map->entries, [&](const Node::Entry& e) { return e.key == key; });
}

bool HuggingfaceTranslator::flag(std::string_view name, bool otherwise) {
  const Node* n = field(name);
  if (!n) {
    tell_choice(fmt::format("{} {}", name, otherwise));
    return otherwise;
  }
  if (n->is_scalar() && !n->quoted && (n->text == "true" || n->text == "false")) return n->text == "true";
  diagnostics.error("wrong-type", fmt::format("'{}' must be true or false", name), n->span);
  return otherwise;
}

std::int64_t HuggingfaceTranslator::count(std::string_view name, std::int64_t otherwise) {
  const Node* n = field(name);
  if (!n) {
    tell_size(fmt::format("{} {}", name, otherwise));
    return otherwise;
  }
  std::int64_t value = 0;
  const char *first = n->text.data(), *last = first + n->text.size();
  if (const auto [end, error] = std::from_chars(first, last, value);
      n->is_scalar() && error == std::errc{} && end == last && value >= 0)
    return value;
  diagnostics.error("wrong-type", fmt::format("'{}' must be a count", name), n->span);
  return otherwise;
}

std::string HuggingfaceTranslator::text(std::string_view name, std::string_view otherwise) {
  const Node* n = field(name);
  if (!n) tell_choice(fmt::format("{} {}", name, otherwise));
  return n && n->is_scalar() ? n->text : std::string(otherwise);
}

const HuggingfaceTranslator::Absent* HuggingfaceTranslator::absent(std::string_view key) const {
  const auto at =
      std::find_if(absent_.rbegin(), absent_.rend(), [&](const Absent& a) { return a.key == key; });
  return at == absent_.rend() ? nullptr : &*at;
}

std::string HuggingfaceTranslator::name_of(std::string_view key) const {
  const Absent* a = absent(key);
  return a ? a->name : std::string(key);
}

void HuggingfaceTranslator::put_default(std::string_view key, std::string_view value) {
  if (states(key)) return;
  put(key, value);
  const bool is_choice = key == "max_positions" || key == "tied_embeddings";
  (is_choice ? choices_ : sizes_).push_back(fmt::format("{} {}", name_of(key), value));
}

void HuggingfaceTranslator::need(std::string_view key) {
  constexpr std::string_view optional[] = {"kv_heads", "head_dim", "first_dense_layers", "latent.q_lora_rank",
                                           "moe.shared_experts"};
  if (has(key) || (states(key) && std::ranges::find(optional, key) != std::end(optional))) return;
  diagnostics.error("missing-field",
                    fmt::format("the config lacks {}, and {} has no default for it that can be trusted",
                                name_of(key), type),
                    config.span);
}

void HuggingfaceTranslator::not_described(std::string_view name, std::string_view what, Severity severity) {
  const Node* n = config.at(name);
  diagnostics.add(
      {severity, "not-described", fmt::format("'{}': {}", name, what), n ? n->span : config.span, {}, {}});
}

void HuggingfaceTranslator::report_told() {
  auto report = [&](Severity severity, std::vector<std::string>& told, std::string_view what) {
    if (told.empty()) return;
    diagnostics.add({severity,
                     "default-used",
                     fmt::format("the config does not state these {}, and {}'s defaults hold: {}", what, type,
                                 fmt::join(told, ", ")),
                     config.span,
                     {},
                     {}});
    told.clear();
  };
  report(Severity::warning, sizes_, "sizes");
  report(Severity::note, choices_, "choices");
}

}  // namespace ridge
