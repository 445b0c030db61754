#pragma once
/// A schema as text for people and as a JSON Schema for editors.
///
///   sequence_length   count, greater than 0, required   tokens per sequence
///   precision         text, default bf16                named recipe

#include "base/schema.h"

namespace ridge {

/// Name, documentation and fields of a schema, without its type.
struct SchemaInfo {
  std::string name, doc;
  std::vector<FieldInfo> fields;
};

template <HasSchema T> SchemaInfo schema_info() {
  const auto& s = SchemaOf<T>::get();
  return {s.name, s.doc, children_of(static_cast<const T*>(nullptr))};
}

/// The values an enum or boolean may have; none for other types.
std::vector<std::string> choices_of(const FieldInfo&);

/// JSON Schema (draft 2020-12) as a tree; quantities and counts with prefixes are strings.
Node json_schema(const SchemaInfo&);

/// The constraints of a field in words: "count, greater than 0, required".  A default outside the range
/// stands for "not stated" and is left out.
std::string constraints_text(const FieldInfo&);

}  // namespace ridge
