#pragma once
/// One description per struct that drives everything done with its text: reading, range and
/// unknown-key errors, writing, `ridge schema`, the reference page and the GUI's forms.
///
///   template <> struct SchemaOf<Training> {
///     static const Schema<Training>& get() {
///       static const Schema<Training> s{"training", "One optimizer step", {
///         field("sequence_length", &Training::sequence_length, "tokens per sequence").positive().required(),
///         field("precision", &Training::precision, "named recipe"),
///       }};
///       return s;
///     }
///   };
///   Training t = read<Training>(node, context);
///
/// Member types: std::int64_t, double, bool, std::string, Quantity<D>, enums with an `EnumNames`
/// specialisation, std::optional, std::vector and std::map<std::string, .> of these, structs with a
/// `SchemaOf`, and any type with an overload of read_value / write_value / type_text found by ADL.
/// Every scalar that is read is recorded in the context's origins under its dotted path.

#include "base/document.h"
#include "base/explain.h"
#include "base/quantity_text.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace ridge {

/// What reading writes to besides the struct itself.
struct ReadContext {
  Diagnostics& diagnostics;
  Origins* origins = nullptr;
  std::string path;                               ///< dotted path of the node being read
  Origin::Kind kind = Origin::Kind::scenario;     ///< recorded for values without their own source
  std::vector<std::string> known_elsewhere = {};  ///< keys of other maps, for "'x' belongs under 'y'"
};

/// Names of an enum, in order: `static constexpr std::pair<E, std::string_view> names[]`.
template <class E> struct EnumNames;
template <class T> struct SchemaOf;
template <class T>
concept HasSchema = requires {
  SchemaOf<T>::get();
};
template <class T>
concept NamedEnum = std::is_enum_v<T> && requires {
  EnumNames<T>::names;
};

template <NamedEnum E> std::string_view enum_name(E e) {
  for (auto& [value, text] : EnumNames<E>::names)
    if (value == e) return text;
  return "?";
}

/// Bounds of a number in base units, both inclusive.
struct Range {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
};

// --- one scalar or composite -------------------------------------------------------------------
void read_value(const Node&, std::int64_t&, ReadContext&, Range = {});
void read_value(const Node&, double&, ReadContext&, Range = {});
void read_value(const Node&, bool&, ReadContext&, Range = {});
void read_value(const Node&, std::string&, ReadContext&, Range = {});
void read_quantity(const Node&, double&, Dim, ReadContext&, Range);
/// Index into `names`, or -1 after reporting.
int read_choice(const Node&, const std::vector<std::string>& names, ReadContext&);
/// Origin of a value written at `span`: the command line when its source is a flag ("--set"), a
/// preset when a scenario's value stands in a preset's file, else `kind`; where is "file:line".
Origin origin_of(const Span& span, Origin::Kind kind);
void record_origin(const Node&, ReadContext&);
Node write_value(std::int64_t);
Node write_value(double);
Node write_value(bool);
Node write_value(const std::string&);
inline Node write_value(const char* text) { return write_value(std::string(text)); }
Node write_quantity(double, Dim);
inline std::string type_text(const std::int64_t*) { return "count"; }
inline std::string type_text(const double*) { return "number"; }
inline std::string type_text(const bool*) { return "true | false"; }
inline std::string type_text(const std::string*) { return "text"; }

template <Dim D> void read_value(const Node& n, Quantity<D>& q, ReadContext& c, Range r = {}) {
  double v = q.value();
  read_quantity(n, v, D, c, r);
  q = Quantity<D>{v};
}
template <Dim D> Node write_value(Quantity<D> q) { return write_quantity(q.value(), D); }
template <Dim D> std::string type_text(const Quantity<D>*) { return "quantity in " + units_of(D); }

template <NamedEnum E> void read_value(const Node& n, E& e, ReadContext& c, Range = {}) {
  std::vector<std::string> names;
  for (auto& p : EnumNames<E>::names) names.emplace_back(p.second);
  if (int i = read_choice(n, names, c); i >= 0) e = EnumNames<E>::names[i].first;
}
template <NamedEnum E> Node write_value(E e) { return write_value(std::string(enum_name(e))); }
template <NamedEnum E> std::string type_text(const E*) {
  std::string s;
  for (auto& p : EnumNames<E>::names) {
    if (!s.empty()) s += " | ";
    s += p.second;
  }
  return s;
}

template <class T> std::string type_text(const std::optional<T>*);
template <class T> std::string type_text(const std::vector<T>*);
template <class T> std::string type_text(const std::map<std::string, T>*);
template <HasSchema T> void read_value(const Node&, T&, ReadContext&, Range = {});
template <HasSchema T> Node write_value(const T&);
template <HasSchema T> std::string type_text(const T*) { return SchemaOf<T>::get().name; }
template <class T> void read_value(const Node&, std::optional<T>&, ReadContext&, Range = {});
template <class T> Node write_value(const std::optional<T>&);
template <class T> std::string type_text(const std::optional<T>*) {
  return type_text(static_cast<const T*>(nullptr));
}
template <class T> void read_value(const Node&, std::vector<T>&, ReadContext&, Range = {});
template <class T> Node write_value(const std::vector<T>&);
template <class T> std::string type_text(const std::vector<T>*) {
  return "list of " + type_text(static_cast<const T*>(nullptr));
}
template <class T> void read_value(const Node&, std::map<std::string, T>&, ReadContext&, Range = {});
template <class T> Node write_value(const std::map<std::string, T>&);
template <class T> std::string type_text(const std::map<std::string, T>*) {
  return "map of " + type_text(static_cast<const T*>(nullptr));
}

// --- fields ------------------------------------------------------------------------------------
/// What `ridge schema` and the GUI show of a field.
struct FieldInfo {
  std::string name, type, doc;
  std::string default_text;  ///< as write_value gives it; "" when there is none
  bool is_required = false;
  Range range;
  std::vector<std::string> aliases = {};
  std::vector<FieldInfo> children = {};  ///< fields of a nested struct
};

template <class T> struct Field {
  FieldInfo info;
  std::function<void(const Node&, T&, ReadContext&, Range)> read;
  std::function<Node(const T&)> write;

  Field positive() && {
    info.range.low = std::numeric_limits<double>::min();
    return std::move(*this);
  }
  Field non_negative() && {
    info.range.low = 0;
    return std::move(*this);
  }
  Field fraction() && {
    info.range = {0, 1};
    return std::move(*this);
  }
  Field range(double low, double high) && {
    info.range = {low, high};
    return std::move(*this);
  }
  Field required() && {
    info.is_required = true;
    return std::move(*this);
  }
  Field alias(std::string name) && {
    info.aliases.push_back(std::move(name));
    return std::move(*this);
  }
};

template <class T> struct Schema {
  std::string name, doc;
  std::vector<Field<T>> fields;
};

template <class M> std::vector<FieldInfo> children_of(const M*) { return {}; }
template <class M> std::vector<FieldInfo> children_of(const std::optional<M>*);
template <class M> std::vector<FieldInfo> children_of(const std::vector<M>*);
template <class M> std::vector<FieldInfo> children_of(const std::map<std::string, M>*);
template <HasSchema M> std::vector<FieldInfo> children_of(const M*) {
  std::vector<FieldInfo> out;
  for (auto& f : SchemaOf<M>::get().fields) out.push_back(f.info);
  return out;
}
template <class M> std::vector<FieldInfo> children_of(const std::optional<M>*) {
  return children_of(static_cast<const M*>(nullptr));
}
template <class M> std::vector<FieldInfo> children_of(const std::vector<M>*) {
  return children_of(static_cast<const M*>(nullptr));
}
template <class M> std::vector<FieldInfo> children_of(const std::map<std::string, M>*) {
  return children_of(static_cast<const M*>(nullptr));
}

/// A default value as one line: its scalar, or "[a, b]"; "" for a map or nothing.
std::string default_text(const Node&);

/// Describes a member; its default is that of a default-constructed T.
template <class T, class M> Field<T> field(std::string name, M T::*member, std::string doc) {
  Field<T> f;
  f.info = {std::move(name),
            type_text(static_cast<const M*>(nullptr)),
            std::move(doc),
            {},
            false,
            {},
            {},
            children_of(static_cast<const M*>(nullptr))};
  if constexpr (std::is_default_constructible_v<T>)
    if (f.info.children.empty()) f.info.default_text = default_text(write_value(T{}.*member));
  f.read = [member](const Node& n, T& t, ReadContext& c, Range r) { read_value(n, t.*member, c, r); };
  f.write = [member](const T& t) { return write_value(t.*member); };
  return f;
}

// --- structs -----------------------------------------------------------------------------------
void report_unknown_key(const Node::Entry&, const std::string& in, const std::vector<std::string>& known,
                        ReadContext&);
void report_repeated_key(const Node::Entry&, const std::string& name, ReadContext&);
void report_missing_key(const Node&, const FieldInfo&, const std::string& in, ReadContext&);
void report_not_a_map(const Node&, const std::string& what, ReadContext&);
void report_not_a_list(const Node&, ReadContext&);
/// Path of a child for the lifetime of the object.
class PathScope {
 public:
  PathScope(ReadContext& c, std::string_view key) : context_(c), length_(c.path.size()) {
    if (!c.path.empty()) c.path += '.';
    c.path += key;
  }
  ~PathScope() { context_.path.resize(length_); }
  PathScope(const PathScope&) = delete;
  PathScope& operator=(const PathScope&) = delete;

 private:
  ReadContext& context_;
  std::size_t length_;
};

/// Names the fields a text left out, nested ones too, as defaults in the context's origins.
void record_default(const FieldInfo&, ReadContext&);

/// Reads every field, reports every problem, leaves defaults where something was wrong.
template <class T> void read_fields(const Node& n, T& t, const Schema<T>& s, ReadContext& c) {
  if (!n.is_map()) {
    report_not_a_map(n, s.name, c);
    return;
  }
  std::vector<bool> seen(s.fields.size());
  for (auto& e : n.entries) {
    bool found = false;
    for (std::size_t i = 0; i < s.fields.size() && !found; ++i) {
      auto& f = s.fields[i];
      found = f.info.name == e.key;
      for (auto& a : f.info.aliases) found = found || a == e.key;
      if (!found) continue;
      if (seen[i]) {
        report_repeated_key(e, f.info.name, c);
        break;
      }
      seen[i] = true;
      PathScope scope(c, f.info.name);
      f.read(e.value, t, c, f.info.range);
    }
    if (found) continue;
    std::vector<std::string> known;
    for (auto& f : s.fields) known.push_back(f.info.name);
    report_unknown_key(e, s.name, known, c);
  }
  for (std::size_t i = 0; i < s.fields.size(); ++i)
    if (!seen[i]) {
      if (s.fields[i].info.is_required) report_missing_key(n, s.fields[i].info, s.name, c);
      else if (c.origins) record_default(s.fields[i].info, c);
    }
}

template <HasSchema T> void read_value(const Node& n, T& t, ReadContext& c, Range) {
  read_fields(n, t, SchemaOf<T>::get(), c);
}
template <HasSchema T> Node write_value(const T& t) {
  Node m = Node::map();
  for (auto& f : SchemaOf<T>::get().fields) {
    Node v = f.write(t);
    if (!v.is_null()) m.entries.push_back({f.info.name, {}, std::move(v)});
  }
  return m;
}
template <class T> void read_value(const Node& n, std::optional<T>& o, ReadContext& c, Range r) {
  if (n.is_null()) {
    o.reset();
    return;
  }
  if (!o) o.emplace();
  read_value(n, *o, c, r);
}
template <class T> Node write_value(const std::optional<T>& o) { return o ? write_value(*o) : Node{}; }
template <class T> void read_value(const Node& n, std::vector<T>& v, ReadContext& c, Range r) {
  if (!n.is_sequence()) {
    report_not_a_list(n, c);
    return;
  }
  v.clear();
  for (std::size_t i = 0; i < n.items.size(); ++i) {
    PathScope scope(c, std::to_string(i));
    T item{};
    read_value(n.items[i], item, c, r);
    v.push_back(std::move(item));
  }
}
template <class T> Node write_value(const std::vector<T>& v) {
  if (v.empty()) return {};
  Node n;
  n.kind = Node::Kind::sequence;
  for (const T& item : v) n.items.push_back(write_value(item));
  return n;
}
template <class T> void read_value(const Node& n, std::map<std::string, T>& m, ReadContext& c, Range r) {
  if (!n.is_map()) {
    report_not_a_map(n, "map", c);
    return;
  }
  for (auto& e : n.entries) {
    PathScope scope(c, e.key);
    read_value(e.value, m[e.key], c, r);
  }
}
template <class T> Node write_value(const std::map<std::string, T>& m) {
  if (m.empty()) return {};
  Node n = Node::map();
  for (auto& [k, v] : m) n.entries.push_back({k, {}, write_value(v)});
  return n;
}

/// Dotted names of all fields, nested ones included: "parallel", "parallel.tensor".
std::vector<std::string> dotted_keys(const std::vector<FieldInfo>&);

/// A fresh T read from `n`.  Unless the context says otherwise, misplaced keys are looked for in all
/// of T's nested structs.
template <HasSchema T> T read(const Node& n, ReadContext& c) {
  static const std::vector<std::string> keys = dotted_keys(children_of(static_cast<const T*>(nullptr)));
  const bool use_keys = c.known_elsewhere.empty();
  if (use_keys) c.known_elsewhere = keys;
  T t{};
  read_fields(n, t, SchemaOf<T>::get(), c);
  if (use_keys) c.known_elsewhere.clear();
  return t;
}

}  // namespace ridge
