#pragma once
/// A schema for people and for editors: the tree that `ridge schema` prints, and a JSON Schema.
///
///   training: One optimizer step
///     sequence_length   count, greater than 0, required   tokens per sequence
///     precision         text, default bf16                named recipe

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

/// One line per field: name, type, range, default, documentation; nested fields indented.
std::string describe(const SchemaInfo&);

/// JSON Schema (draft 2020-12) as a tree; quantities and counts with prefixes are strings.
Node json_schema(const SchemaInfo&);

/// The constraints of a field in words: "count, greater than 0, required".
std::string constraints_text(const FieldInfo&);

}  // namespace ridge
