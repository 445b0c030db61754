#pragma once
/// How values of each type are read from and written to a document; schema.h puts them together into
/// structs.
///
/// Types: std::int64_t, double, bool, std::string, Quantity<D>, enums with an `EnumNames` specialisation,
/// std::optional, std::vector and std::map<std::string, .> of these, structs with a `SchemaOf`, and any
/// type with an overload of read_value / write_value / type_text found by ADL.

#include "base/document.h"
#include "base/explain.h"
#include "base/quantity_text.h"

#include <cstdint>
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

}  // namespace ridge
