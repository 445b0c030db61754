#include "base/schema_text.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace ridge {
namespace {

constexpr double above_zero = std::numeric_limits<double>::min();

std::string range_text(Range r) {
  const bool low = std::isfinite(r.low), high = std::isfinite(r.high);
  const std::string from = r.low == above_zero ? "greater than 0"
                           : low               ? "at least " + format_number(r.low)
                                               : "";
  const std::string to = high ? "at most " + format_number(r.high) : "";
  return from + (low && high ? ", " : "") + to;
}

/// False for a number that stands for "not stated".
bool is_allowed(const FieldInfo& f) {
  const auto value = parse_number(f.default_text);
  return !value || (*value >= f.range.low && *value <= f.range.high);
}

void collect_keys(const std::vector<FieldInfo>& fields, const std::string& prefix,
                  std::vector<std::string>& out) {
  for (auto& f : fields) {
    out.push_back(prefix + f.name);
    collect_keys(f.children, prefix + f.name + '.', out);
  }
}

void add(Node& map, std::string key, Node value) {
  map.entries.push_back({std::move(key), {}, std::move(value)});
}

Node text(std::string_view s) {
  Node n = Node::scalar(std::string(s));
  n.quoted = true;
  return n;
}

Node list(const std::vector<std::string>& texts) {
  Node n;
  n.kind = Node::Kind::sequence;
  for (auto& t : texts) n.items.push_back(text(t));
  return n;
}

/// Choices of an enum's type text "a | b"; empty when it is none.
std::vector<std::string> choices(std::string_view type) {
  std::vector<std::string> out;
  if (type.find(" | ") == std::string_view::npos) return out;
  for (std::size_t at = 0; at <= type.size();) {
    const auto end = std::min(type.find(" | ", at), type.size());
    out.emplace_back(type.substr(at, end - at));
    at = end + 3;
  }
  return out;
}

Node object_of(const std::vector<FieldInfo>& fields);

Node schema_of_type(std::string_view type, const std::vector<FieldInfo>& children) {
  constexpr std::string_view list_of = "list of ", map_of = "map of ";
  Node n = Node::map();
  if (type.starts_with(list_of)) {
    add(n, "type", text("array"));
    add(n, "items", schema_of_type(type.substr(list_of.size()), children));
  } else if (type.starts_with(map_of)) {
    add(n, "type", text("object"));
    add(n, "additionalProperties", schema_of_type(type.substr(map_of.size()), children));
  } else if (!children.empty()) {
    n = object_of(children);
  } else if (type == "count") {
    add(n, "type", list({"integer", "string"}));
  } else if (type == "number") {
    add(n, "type", list({"number", "string"}));
  } else if (type == "true | false") {
    add(n, "type", text("boolean"));
  } else if (type == "text" || type.starts_with("quantity in ")) {
    add(n, "type", text("string"));
  } else if (auto names = choices(type); !names.empty()) {
    add(n, "enum", list(names));
  }
  return n;
}

Node field_schema(const FieldInfo& f) {
  Node n = schema_of_type(f.type, f.children);
  std::string doc = f.doc;
  if (f.type.starts_with("quantity in ")) doc += " (" + f.type + ')';
  add(n, "description", text(doc));
  const bool bare = f.type == "count" || f.type == "number";
  if (bare && f.range.low == above_zero) add(n, "exclusiveMinimum", write_value(std::int64_t{0}));
  else if (bare && std::isfinite(f.range.low)) add(n, "minimum", write_value(f.range.low));
  if (bare && std::isfinite(f.range.high)) add(n, "maximum", write_value(f.range.high));
  return n;
}

Node object_of(const std::vector<FieldInfo>& fields) {
  Node n = Node::map(), properties = Node::map();
  std::vector<std::string> required;
  for (auto& f : fields) {
    add(properties, f.name, field_schema(f));
    for (auto& a : f.aliases) add(properties, a, field_schema(f));
    if (f.is_required && f.aliases.empty()) required.push_back(f.name);
  }
  add(n, "type", text("object"));
  add(n, "properties", std::move(properties));
  if (!required.empty()) add(n, "required", list(required));
  add(n, "additionalProperties", write_value(false));
  return n;
}

}  // namespace

std::string default_text(const Node& n) {
  if (n.is_scalar()) return n.text;
  std::string out;
  for (auto& item : n.items) out += (out.empty() ? "" : ", ") + default_text(item);
  return n.is_sequence() ? '[' + out + ']' : std::string();
}

std::vector<std::string> choices_of(const FieldInfo& f) {
  return f.children.empty() ? choices(f.type) : std::vector<std::string>();
}

std::string constraints_text(const FieldInfo& f) {
  std::string out = f.type;
  if (const std::string r = range_text(f.range); !r.empty()) out += ", " + r;
  if (f.is_required) out += ", required";
  else if (!f.default_text.empty() && is_allowed(f)) out += ", default " + f.default_text;
  for (auto& a : f.aliases) out += fmt::format(", also '{}'", a);
  return out;
}

std::vector<std::string> dotted_keys(const std::vector<FieldInfo>& fields) {
  std::vector<std::string> out;
  collect_keys(fields, "", out);
  return out;
}

Node json_schema(const SchemaInfo& s) {
  Node n = Node::map();
  add(n, "$schema", text("https://json-schema.org/draft/2020-12/schema"));
  add(n, "title", text(s.name));
  add(n, "description", text(s.doc));
  Node body = object_of(s.fields);
  for (auto& e : body.entries) n.entries.push_back(std::move(e));
  return n;
}

}  // namespace ridge
