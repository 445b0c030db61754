#include "model/architecture.h"
#include "model/huggingface_translator.h"

#include <algorithm>
#include <fmt/format.h>

namespace ridge {

namespace {

/// A name of transformers' activation table: what it is between two products, and what as a gate.
struct NamedActivation {
  std::string_view name;
  Activation plain, gate;
  bool is_alike = false;  ///< described as another function of one value: its cost is near, not its values
};

/// The tanh forms that are written out launch a kernel for each step; gelu and gelu_pytorch_tanh are one.
constexpr NamedActivation activations[] = {
    {"gelu", Activation::gelu, Activation::geglu},
    {"gelu_pytorch_tanh", Activation::gelu, Activation::geglu},
    {"gelu_new", Activation::gelu_new, Activation::geglu},
    {"gelu_fast", Activation::gelu_new, Activation::geglu},
    {"gelu_accurate", Activation::gelu_new, Activation::geglu},
    {"gelu_python", Activation::gelu_new, Activation::geglu},
    {"gelu_python_tanh", Activation::gelu_new, Activation::geglu},
    {"relu", Activation::relu, Activation::reglu},
    {"relu2", Activation::relu2, Activation::reglu},
    {"silu", Activation::silu, Activation::swiglu},
    {"swish", Activation::silu, Activation::swiglu},
    {"quick_gelu", Activation::gelu, Activation::geglu, true},
    {"gelu_10", Activation::gelu, Activation::geglu, true},
    {"laplace", Activation::gelu, Activation::geglu, true},
    {"leaky_relu", Activation::relu, Activation::reglu, true},
    {"linear", Activation::relu, Activation::reglu, true},
    {"mish", Activation::silu, Activation::swiglu, true},
    {"prelu", Activation::relu, Activation::reglu, true},
    {"relu6", Activation::relu, Activation::reglu, true},
    {"sigmoid", Activation::silu, Activation::swiglu, true},
    {"tanh", Activation::silu, Activation::swiglu, true},
    {"xielu", Activation::silu, Activation::swiglu, true},
};

/// Names that say themselves that there is a gate.
constexpr NamedActivation gated_names[] = {
    {"swiglu", Activation::silu, Activation::swiglu},
    {"geglu", Activation::gelu, Activation::geglu},
    {"reglu", Activation::relu, Activation::reglu},
};

template <class List> const NamedActivation* find_in(const List& list, std::string_view name) {
  const auto* at = std::find_if(std::begin(list), std::end(list),
                                [&](const NamedActivation& a) { return a.name == name; });
  return at == std::end(list) ? nullptr : at;
}

/// The field that a type's feed-forward reads; "" when it has none.
std::string_view activation_field(const HuggingfaceTranslator& t) {
  struct Row {
    std::string_view type, field;
  };
  constexpr Row rows[] = {
      {"bloom", ""},
      {"chatglm", ""},
      {"dbrx", "ffn_config.ffn_act_fn.name"},
      {"distilbert", "activation"},
      {"falcon", "activation"},
      {"gpt2", "activation_function"},
      {"gpt_bigcode", "activation_function"},
      {"gpt_neo", "activation_function"},
      {"gptj", "activation_function"},
      {"mamba", ""},
      {"mamba2", ""},
      {"mpt", ""},
      {"nemotron_h", "mlp_hidden_act"},
      {"opt", "activation_function"},
      {"rwkv", ""},
  };
  for (const Row& row : rows)
    if (row.type == t.type) return row.field;
  return t.type.starts_with("gemma") && t.field("hidden_activation") ? "hidden_activation" : "hidden_act";
}

/// What the type's choices say, as the classes' default.
Activation activation_of_type(const HuggingfaceTranslator& t) {
  const Node* choice = t.model.at("activation");
  for (const auto& [value, name] : EnumNames<Activation>::names)
    if (choice && choice->text == name) return value;
  return Activation::swiglu;
}

std::string_view name_without_gate(Activation a) {
  for (const NamedActivation& named : activations)
    if (named.plain == a || named.gate == a) return named.name;
  return enum_name(a);
}

void report_unknown_activation(HuggingfaceTranslator& t, std::string_view field, const Node& value,
                               const std::string& name) {
  std::vector<std::string> known;
  for (const NamedActivation& a : activations) known.emplace_back(a.name);
  Diagnostic& d =
      t.diagnostics.error("unknown-activation",
                          fmt::format("'{}: {}' is no known activation", field, printable(name)), value.span);
  d.suggestion = nearest(name, known);
  d.expected = std::move(known);
}

}  // namespace

void put_activation(HuggingfaceTranslator& t, std::string_view field, const Node& value, bool has_gate,
                    std::string_view prefix) {
  if (!value.is_scalar()) {
    t.diagnostics.error("wrong-type", fmt::format("'{}' must be the name of an activation", field),
                        value.span);
    return;
  }
  const std::string name = value.text.starts_with(prefix) ? value.text.substr(prefix.size()) : value.text;
  const NamedActivation* gated = find_in(gated_names, name);
  const NamedActivation* found = gated ? gated : find_in(activations, name);
  if (!found) return report_unknown_activation(t, field, value, name);
  const Activation described = has_gate ? found->gate : found->plain;
  t.put("activation", enum_name(described), value.span);
  if (gated && !has_gate)
    t.diagnostics.warning("gate-differs",
                          fmt::format("'{}: {}' has a gate, but the feed-forward of {} has none: described "
                                      "without, as {}",
                                      field, name, t.type, enum_name(described)),
                          value.span);
  if (found->is_alike)
    t.diagnostics.add({Severity::note,
                       "described-alike",
                       fmt::format("'{}: {}' is described as {}, another function of one value", field, name,
                                   enum_name(described)),
                       value.span,
                       {},
                       {}});
}

void read_activation(HuggingfaceTranslator& t) {
  const std::string_view field = activation_field(t);
  if (field.empty() || t.type == "t5" || t.type == "mt5") return;  // T5: with its gate, in its own field
  const Activation usual = activation_of_type(t);
  if (const Node* value = t.field(field)) return put_activation(t, field, *value, is_gated(usual));
  t.tell_choice(fmt::format("{} {}", field, name_without_gate(usual)));
}

}  // namespace ridge
