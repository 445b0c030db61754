#include "base/schema.h"

#include <cmath>
#include <fmt/format.h>

namespace ridge {
namespace {

std::string_view last_step(std::string_view path) { return path.substr(path.rfind('.') + 1); }

/// "capacity: 80" as the message quotes it; the key alone for composites.
std::string written(const Node& n, const ReadContext& c) {
  std::string key = printable(n.called.empty() ? last_step(c.path) : n.called);
  if (!n.is_scalar()) return key;
  const std::string value = n.quoted ? '"' + printable(n.text) + '"' : printable(n.text);
  return key.empty() ? value : key + ": " + value;
}

/// A parser's sentence "'80' has no unit" with the key put in: "'capacity: 80' has no unit".
std::string with_key(const std::string& sentence, const Node& n, const ReadContext& c) {
  const std::string text = '\'' + printable(n.text) + '\'';
  if (sentence.starts_with(text)) return '\'' + written(n, c) + '\'' + sentence.substr(text.size());
  return fmt::format("'{}': {}", written(n, c), sentence);
}

std::string_view kind_name(const Node& n) {
  switch (n.kind) {
    case Node::Kind::null: return "nothing";
    case Node::Kind::scalar: return "a single value";
    case Node::Kind::map: return "a map";
    case Node::Kind::sequence: return "a list";
  }
  return "?";
}

/// Reports anything but a scalar.
bool is_scalar(const Node& n, std::string_view wanted, ReadContext& c) {
  if (n.is_scalar()) return true;
  if (n.is_null())
    c.diagnostics.error("missing-value",
                        fmt::format("'{}' has no value; {} is needed", written(n, c), wanted), n.span);
  else
    c.diagnostics.error("wrong-type",
                        fmt::format("'{}' is {}; {} is needed", written(n, c), kind_name(n), wanted), n.span);
  return false;
}

bool is_unquoted(const Node& n, std::string_view wanted, ReadContext& c) {
  if (!n.quoted) return true;
  auto& d = c.diagnostics.error(
      "wrong-type", fmt::format("'{}' is text because of its quotes; {} is needed", written(n, c), wanted),
      n.span);
  const bool would_do = parse_number(n.text).has_value() || n.text == "true" || n.text == "false";
  if (would_do) d.suggestion = n.text;
  return false;
}

bool in_range(const Node& n, double value, Range r, Dim dim, ReadContext& c) {
  if (value >= r.low && value <= r.high) return true;
  auto text = [&](double v) { return dim == Dim{} ? format_number(v) : format_quantity(v, dim); };
  std::string wanted;
  if (r.low == std::numeric_limits<double>::min() && std::isinf(r.high)) wanted = "must be greater than 0";
  else if (std::isinf(r.high)) wanted = fmt::format("must be at least {}", text(r.low));
  else if (std::isinf(r.low)) wanted = fmt::format("must be at most {}", text(r.high));
  else
    wanted = fmt::format("must be between {} and {}",
                         text(r.low == std::numeric_limits<double>::min() ? 0 : r.low), text(r.high));
  c.diagnostics.error("out-of-range", fmt::format("'{}' {}", written(n, c), wanted), n.span);
  return false;
}

bool starts_with_file(std::string_view name, std::string_view folder) {
  return name.starts_with(folder) || name.find('/' + std::string(folder)) != std::string_view::npos;
}

std::string_view boolean_hint(std::string_view s) {
  for (std::string_view yes : {"yes", "Yes", "YES", "on", "On", "ON", "True", "TRUE", "y", "Y", "1"})
    if (s == yes) return "true";
  for (std::string_view no : {"no", "No", "NO", "off", "Off", "OFF", "False", "FALSE", "n", "N", "0"})
    if (s == no) return "false";
  return {};
}

}  // namespace

Origin origin_of(const Span& span, Origin::Kind kind) {
  Origin o;
  o.kind = kind;
  if (!span.source) return o;
  const std::string& name = span.source->name;
  if (name.starts_with("--")) {
    o.kind = Origin::Kind::command_line;
    o.where = name + ' ' + span.source->text;
    return o;
  }
  if (kind == Origin::Kind::scenario && starts_with_file(name, "presets/") &&
      !starts_with_file(name, "presets/scenarios/"))
    o.kind = Origin::Kind::preset;
  o.where = span.where_line();
  return o;
}

void record_origin(const Node& n, ReadContext& c) {
  if (c.origins) c.origins->insert_or_assign(c.path, origin_of(n.span, c.kind));
}

void read_value(const Node& n, std::int64_t& out, ReadContext& c, Range r) {
  if (!is_scalar(n, "a whole number", c) || !is_unquoted(n, "a whole number", c)) return;
  auto v = parse_count(n.text);
  if (!v) c.diagnostics.error("bad-count", with_key(v.error(), n, c), n.span);
  if (!v || !in_range(n, static_cast<double>(*v), r, {}, c)) return;
  out = *v;
  record_origin(n, c);
}

void read_value(const Node& n, double& out, ReadContext& c, Range r) {
  if (!is_scalar(n, "a number", c) || !is_unquoted(n, "a number", c)) return;
  auto v = parse_number(n.text);
  if (!v) c.diagnostics.error("bad-number", with_key(v.error(), n, c), n.span);
  if (!v || !in_range(n, *v, r, {}, c)) return;
  out = *v;
  record_origin(n, c);
}

void read_quantity(const Node& n, double& out, Dim dim, ReadContext& c, Range r) {
  if (!is_scalar(n, "a value in " + units_of(dim), c)) return;
  auto v = parse_quantity(n.text, dim);
  if (!v) c.diagnostics.error("bad-quantity", with_key(v.error(), n, c), n.span);
  if (!v || !in_range(n, *v, r, dim, c)) return;
  out = *v;
  record_origin(n, c);
}

void read_value(const Node& n, bool& out, ReadContext& c, Range) {
  if (!is_scalar(n, "true or false", c) || !is_unquoted(n, "true or false", c)) return;
  if (n.text != "true" && n.text != "false") {
    auto& d = c.diagnostics.error("bad-boolean", fmt::format("'{}' is neither true nor false", written(n, c)),
                                  n.span);
    d.expected = {"true", "false"};
    d.suggestion = boolean_hint(n.text);
    return;
  }
  out = n.text == "true";
  record_origin(n, c);
}

void read_value(const Node& n, std::string& out, ReadContext& c, Range) {
  if (!is_scalar(n, "text", c)) return;
  out = n.text;
  record_origin(n, c);
}

int read_choice(const Node& n, const std::vector<std::string>& names, ReadContext& c) {
  if (!is_scalar(n, "a name", c)) return -1;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == n.text) {
      record_origin(n, c);
      return static_cast<int>(i);
    }
  auto& d =
      c.diagnostics.error("unknown-name", fmt::format("'{}' is not a known name", written(n, c)), n.span);
  d.expected = names;
  d.suggestion = nearest(n.text, names);
  return -1;
}

Node write_value(std::int64_t v) { return Node::scalar(std::to_string(v)); }
Node write_value(double v) { return std::isfinite(v) ? Node::scalar(format_number(v)) : Node{}; }
Node write_value(bool v) { return Node::scalar(v ? "true" : "false"); }
Node write_value(const std::string& v) {
  Node n = Node::scalar(v);
  n.quoted =
      v.empty() || parse_number(v).has_value() || v == "true" || v == "false" || v == "null" || v == "~";
  return n;
}
Node write_quantity(double v, Dim dim) {
  return std::isfinite(v) ? Node::scalar(format_exact(v, dim)) : Node{};
}

void record_default(const FieldInfo& field, ReadContext& c) {
  PathScope scope(c, field.name);
  c.origins->try_emplace(c.path, Origin{Origin::Kind::default_value, {}, {}, {}});
  for (const FieldInfo& child : field.children) record_default(child, c);
}

void report_unknown_key(const Node::Entry& e, const std::string& in, const std::vector<std::string>& known,
                        ReadContext& c) {
  std::string message = fmt::format("unknown key '{}' in '{}'", printable(e.key), in);
  std::string suggestion = nearest(e.key, known);
  if (suggestion.empty()) {
    for (auto& other : c.known_elsewhere) {
      if (last_step(other) != e.key) continue;
      const auto dot = other.rfind('.');
      message += dot == std::string::npos ? std::string("; it belongs at the top level")
                                          : fmt::format("; it belongs under '{}'", other.substr(0, dot));
      suggestion = other;
      break;
    }
  }
  auto& d = c.diagnostics.error("unknown-key", std::move(message), e.key_span);
  d.expected = known;
  d.suggestion = std::move(suggestion);
}

void report_repeated_key(const Node::Entry& e, const std::string& name, ReadContext& c) {
  c.diagnostics.error("duplicate-key", fmt::format("'{}' gives '{}' a second time", printable(e.key), name),
                      e.key_span);
}

void report_missing_key(const Node& n, const FieldInfo& field, const std::string& in, ReadContext& c) {
  auto& d = c.diagnostics.error(
      "missing-key", fmt::format("'{}' needs the key '{}' ({})", in, field.name, field.doc), n.span);
  d.expected = {fmt::format("{}: {}", field.name, field.type)};
}

void report_not_a_map(const Node& n, const std::string& what, ReadContext& c) {
  const std::string key = c.path.empty() ? what : written(n, c);
  if (n.is_null())
    c.diagnostics.error("missing-value", fmt::format("'{}' is empty; a map of keys is needed", key), n.span);
  else
    c.diagnostics.error("wrong-type", fmt::format("'{}' is {}; a map of keys is needed", key, kind_name(n)),
                        n.span);
}

void report_not_a_list(const Node& n, ReadContext& c) {
  auto& d =
      c.diagnostics.error(n.is_null() ? "missing-value" : "wrong-type",
                          fmt::format("'{}' is {}; a list is needed", written(n, c), kind_name(n)), n.span);
  if (n.is_scalar()) d.suggestion = '[' + n.text + ']';
}

}  // namespace ridge
