#pragma once
/// Internal to huggingface.cpp and its type table: copies fields of a config.json into a model map.

#include "base/document.h"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

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
  /// Sets a default; a size the file should have stated is reported as a warning.
  void put_default(std::string_view key, std::string_view text);
  bool has(std::string_view key) const { return model.at(key) != nullptr; }
  void remove(std::string_view key);

  /// Values that decide something; a wrong type is reported at its place.
  bool flag(std::string_view name, bool otherwise);
  std::int64_t count(std::string_view name, std::int64_t otherwise);
  std::string text(std::string_view name, std::string_view otherwise);
  void put_flag(std::string_view key, bool value) {
    if (value) put(key, "true");
  }
};

/// One known model_type.
struct HuggingfaceType {
  std::string_view name;
  /// Choices of this type that no field states, and then the defaults of its configuration class, as
  /// "key=value" separated by spaces.
  std::string_view choices, defaults;
  /// What fields mean here beyond the common ones; may be null.
  void (*special)(HuggingfaceTranslator&) = nullptr;
};

const HuggingfaceType* find_huggingface_type(std::string_view name);

}  // namespace ridge
