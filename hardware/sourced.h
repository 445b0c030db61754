#pragma once
/// A figure that knows where it comes from.  Everything hardware/ reads from a file is one of these:
/// a number without a source is a bug, because three tools disagree on what an H100 is.
///
///   bandwidth: [3.35 TB/s, datasheet, nvidia]     # value, kind, an entry of the file's `sources:`
///   bandwidth: {value: 3.35 TB/s, kind: measured, citation: "babelstream", date: 2025-03}
///   bandwidth: 3 TB/s                             # from a user: assumed, "given by the user"
///
///   sources:
///     nvidia: {citation: "NVIDIA H100 datasheet", date: 2024-02}
///
/// `resolve_sources` (library.h) turns the first two spellings into [value, kind, citation, date]
/// file by file, because every file has sources of its own and files extend one another.
/// Reading records the figure's `Origin` under its dotted path, so that
/// `input(ex, "hardware.device.hbm.bandwidth", q)` finds kind, line, citation and date.
/// The strings are for people; evaluation copies `value`.

#include "base/schema.h"

#include <string>

namespace ridge {

template <class Q> struct Sourced {
  Q value{};
  Origin::Kind kind = Origin::Kind::default_value;
  std::string citation;
  std::string date;
  /// False until something was read: presets leave out what nobody published.
  bool is_known() const { return kind != Origin::Kind::default_value; }
};

/// A figure made in code, mostly for tests and defaults.
template <class Q> Sourced<Q> assumed(Q value, std::string citation) {
  return {value, Origin::Kind::assumed, std::move(citation), {}};
}

namespace detail {
/// The value's node; fills kind, citation and date from the spellings above.
const Node* read_sourced(const Node&, Origin&, ReadContext&);
Node write_sourced(Node value, Origin::Kind, const std::string& citation, const std::string& date);
}  // namespace detail

template <class Q> void read_value(const Node& n, Sourced<Q>& s, ReadContext& c, Range r = {}) {
  Origin origin;
  const Node* value = detail::read_sourced(n, origin, c);
  if (!value) return;
  read_value(*value, s.value, c, r);
  s.kind = origin.kind;
  s.citation = origin.citation;
  s.date = origin.date;
  if (c.origins) c.origins->insert_or_assign(c.path, std::move(origin));
}
template <class Q> Node write_value(const Sourced<Q>& s) {
  if (!s.is_known()) return {};
  return detail::write_sourced(write_value(s.value), s.kind, s.citation, s.date);
}
template <class Q> std::string type_text(const Sourced<Q>*) {
  return "sourced " + type_text(static_cast<const Q*>(nullptr));
}

}  // namespace ridge
