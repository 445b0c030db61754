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
/// The types that members may have are in schema_value.h.  Every scalar that is read is recorded in the context's origins under its dotted path.

#include "base/schema_value.h"

#include <functional>

namespace ridge {

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
  /// Text that must be one of these; "a | b" becomes its type.
  Field one_of(std::vector<std::string> names) && {
    info.type.clear();
    for (const std::string& name : names) info.type += (info.type.empty() ? "" : " | ") + name;
    read = [names = std::move(names), plain = std::move(read)](const Node& n, T& t, ReadContext& c, Range r) {
      if (read_choice(n, names, c) >= 0) plain(n, t, c, r);
    };
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
