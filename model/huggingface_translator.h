#pragma once
/// Internal to huggingface.cpp and its type table: copies fields of a config.json into a model map.
/// Nothing a file leaves out is filled in silently: a default of the type's configuration class is kept
/// for one warning (sizes) or note (choices), and what has no default that can be trusted is refused.
/// A field stated as null has no default: it means "none" or "derived", as in the configuration classes.

#include "base/document.h"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace ridge {

class HuggingfaceTranslator {
 public:
  HuggingfaceTranslator(const Node& file, std::string type_name, Diagnostics& problems)
      : config(file), diagnostics(problems), type(std::move(type_name)), model(Node::map(file.span)) {}

  const Node& config;
  Diagnostics& diagnostics;
  std::string type;
  Node model;

  /// The first of these fields that is present and not null; dotted names descend.
  const Node* field(std::initializer_list<std::string_view> names) const;
  const Node* field(std::string_view name) const { return field({name}); }
  /// Copies the first present field to `key`; true when there was one.
  bool copy(std::string_view key, std::initializer_list<std::string_view> names);
  void put(std::string_view key, std::string_view text) { put(key, text, config.span); }
  void put(std::string_view key, std::string_view text, const Span& span);
  /// Sets the type's default of a key that is neither there nor stated as null, and tells of it.
  void put_default(std::string_view key, std::string_view text);
  bool has(std::string_view key) const { return model.at(key) != nullptr; }
  /// True when the file states the key's field, be it as null.
  bool states(std::string_view key) const { return has(key) || (absent(key) && absent(key)->is_null); }
  void remove(std::string_view key);
  /// Refuses a file without `key`, naming the field that states it.
  void need(std::string_view key);
  void need(std::initializer_list<std::string_view> keys) {
    for (std::string_view key : keys) need(key);
  }
  /// Something the file states that is left out of the description.
  void not_described(std::string_view name, std::string_view what, Severity severity);

  /// What holds although the file does not say so: "num_key_value_heads = num_attention_heads".
  void tell_size(std::string text) { sizes_.push_back(std::move(text)); }
  void tell_choice(std::string text) { choices_.push_back(std::move(text)); }
  /// The field that states a key, as the file would spell it.
  std::string name_of(std::string_view key) const;
  /// One warning of the sizes and one note of the choices told so far.
  void report_told();

  /// Values that decide something; a wrong type is reported at its place, a default is told.
  bool flag(std::string_view name, bool otherwise);
  std::int64_t count(std::string_view name, std::int64_t otherwise);
  std::string text(std::string_view name, std::string_view otherwise);
  void put_flag(std::string_view key, bool value) {
    if (value) put(key, "true");
  }

 private:
  /// A key that `copy` looked for in vain: the field's usual name, and whether it is stated as null.
  struct Absent {
    std::string key, name;
    bool is_null;
  };
  const Absent* absent(std::string_view key) const;
  std::vector<Absent> absent_;
  std::vector<std::string> sizes_, choices_;
};

/// One known model_type.
struct HuggingfaceType {
  std::string_view name;
  /// Choices of this type that no field states, and then the defaults of its configuration class, as
  /// "key=value" separated by spaces.
  std::string_view choices, defaults;
  /// What fields mean here beyond the common ones; may be null.
  void (*special)(HuggingfaceTranslator&) = nullptr;
  /// Keys without which the file is refused, separated by spaces.
  std::string_view needs = {};
};

/// The feed-forward's activation from the field that the type's class reads (hidden_act, GPT-2:
/// activation_function, Gemma: hidden_activation).  The type says whether there is a gate, the field of
/// which function; an unknown name is refused, a name that contradicts the type is told.
/// Source  huggingface/transformers, activations.py: ACT2FN; facts only.
void read_activation(HuggingfaceTranslator&);
/// The same for a stated value, without a prefix such as T5's "gated-".
void put_activation(HuggingfaceTranslator&, std::string_view field, const Node& value, bool has_gate,
                    std::string_view prefix = {});
/// Tells how a quantised checkpoint stores its weights: a model describes shapes, not their storage.
void tell_storage(HuggingfaceTranslator&, const Node& quantization);
/// YaRN's factor times the positions of pretraining, where that is more than max_position_embeddings.
void extend_positions(HuggingfaceTranslator&);

const HuggingfaceType* find_huggingface_type(std::string_view name);

}  // namespace ridge
