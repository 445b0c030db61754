#include "base/unit.h"

#include "base/decimal.h"
#include "base/diagnostic.h"
#include "base/quantity_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace ridge {
namespace {

using Error = tl::unexpected<std::string>;

constexpr unsigned large = 1, small = 2, binary = 4, word = 8;  // word: a space may stand before it
constexpr Dim byte{.byte = 1}, flop{.flop = 1}, second{.second = 1}, element{.element = 1}, token{.token = 1},
    usd{.usd = 1}, joule{.joule = 1};

struct Atom {
  std::string_view name;
  Dim dim;
  double numerator, denominator;
  unsigned prefixes;
};
constexpr Atom atoms[] = {
    {"B", byte, 1, 1, large | binary},
    {"byte", byte, 1, 1, word},
    {"bytes", byte, 1, 1, word},
    {"b", byte, 1, 8, large | binary},
    {"bit", byte, 1, 8, large | binary},
    {"bits", byte, 1, 8, large | binary},
    {"FLOP", flop, 1, 1, large},
    {"FLOPs", flop, 1, 1, large},
    {"s", second, 1, 1, small},
    {"min", second, 60, 1, 0},
    {"h", second, 3600, 1, 0},
    {"day", second, 86400, 1, 0},
    {"days", second, 86400, 1, 0},
    {"d", second, 86400, 1, 0},
    {"element", element, 1, 1, large | word},
    {"elements", element, 1, 1, large | word},
    {"token", token, 1, 1, large | word},
    {"tokens", token, 1, 1, large | word},
    {"USD", usd, 1, 1, large | word},
    {"$", usd, 1, 1, large},
    {"J", joule, 1, 1, large | small},
    {"Wh", joule, 3600, 1, large},
    {"W", Dim{.second = -1, .joule = 1}, 1, 1, large | small},
    {"Hz", Dim{.second = -1}, 1, 1, large},
    {"1", Dim{}, 1, 1, 0},
};

Unit scaled(const Atom& a, int exponent10 = 0, int exponent2 = 0) {
  return {a.dim, exponent10, a.numerator * std::ldexp(1.0, exponent2), a.denominator};
}

const Atom* find_atom(std::string_view name, unsigned prefixes) {
  for (auto& a : atoms)
    if (a.name == name && (a.prefixes & prefixes) == prefixes) return &a;
  return nullptr;
}

tl::expected<Unit, std::string> prefixed(std::string_view text) {
  constexpr std::string_view large_prefixes = "kMGTPEZY";
  if (auto* a = find_atom(text, 0)) return scaled(*a);
  for (std::string_view micro : {"u", "\xC2\xB5", "\xCE\xBC"})
    if (text.starts_with(micro))
      if (auto* a = find_atom(text.substr(micro.size()), small)) return scaled(*a, -6);
  if (text.size() < 2) return Error("");
  const auto order = large_prefixes.find(text[0]);
  if (text[1] == 'i' && (order != std::string_view::npos || text[0] == 'K'))
    if (auto* a = find_atom(text.substr(2), binary)) {
      if (text[0] == 'k')
        return Error(fmt::format("has the unit '{}'; write 'Ki' for 1024", printable(text)));
      return scaled(*a, 0, 10 * (text[0] == 'K' ? 1 : static_cast<int>(order) + 1));
    }
  if (order != std::string_view::npos) {
    const bool spaced = text[1] == ' ';
    const unsigned kind = spaced ? large | word : large;
    if (auto* a = find_atom(spaced ? trimmed(text.substr(1)) : text.substr(1), kind))
      return scaled(*a, 3 * (static_cast<int>(order) + 1));
  }
  constexpr std::string_view small_prefixes = "mnp";
  if (const auto i = small_prefixes.find(text[0]); i != std::string_view::npos)
    if (auto* a = find_atom(text.substr(1), small)) return scaled(*a, std::array{-3, -9, -12}[i]);
  if (text[0] == 'K' && find_atom(text.substr(1), binary))
    return Error(fmt::format("has the ambiguous unit '{0}'; write 'k{1}' (1000) or 'Ki{1}' (1024)",
                             printable(text), text.substr(1)));
  return Error("");
}

Unit combine(Unit a, const Unit& b, int sign) {
  a.dim = sign > 0 ? a.dim + b.dim : a.dim - b.dim;
  a.exponent10 += sign * b.exponent10;
  a.numerator *= sign > 0 ? b.numerator : b.denominator;
  a.denominator *= sign > 0 ? b.denominator : b.numerator;
  return a;
}

/// Atoms with their usual prefixes, for suggestions.
const std::vector<std::string>& spellings() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> names;
    for (auto& a : atoms)
      for (std::string_view p : {"", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti", "m", "u", "n"})
        if (p.empty() || prefixed(fmt::format("{}{}", p, a.name)))
          names.push_back(fmt::format("{}{}", p, a.name));
    return names;
  }();
  return all;
}

Error unknown_unit(std::string_view text) {
  if (text.ends_with("FLOPS") || text.ends_with("OPS"))
    return Error(
        fmt::format("has the unit '{}', which does not say whether it is a rate; write 'TFLOP/s' or 'TFLOP'",
                    printable(text)));
  const std::string near = nearest(text, spellings());
  return Error(fmt::format("has the unknown unit '{}'{}", printable(text),
                           near.empty() ? "" : "; did you mean '" + near + "'?"));
}

tl::expected<Unit, std::string> factor(std::string_view text) {
  int power = 1;
  if (const auto hat = text.find('^'); hat != std::string_view::npos) {
    const auto digits = text.substr(hat + 1);
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), power);
    if (error != std::errc{} || end != digits.data() + digits.size() || power < 1 || power > 9)
      return Error(fmt::format("has the unit '{}', whose power is not 1 to 9", printable(text)));
    text = trimmed(text.substr(0, hat));
  }
  auto unit = prefixed(text);
  if (!unit && !unit.error().empty()) return unit;
  if (!unit && text.ends_with("ps")) {  // Gbps, TBps, TFLOPps
    unit = prefixed(text.substr(0, text.size() - 2));
    if (unit) unit->dim = unit->dim - second;
  }
  if (!unit) return unknown_unit(text);
  Unit product = *unit;
  for (int i = 1; i < power; ++i) product = combine(product, *unit, 1);
  return product;
}

void append_power(std::string& out, std::string_view name, int power) {
  if (!out.empty()) out += '*';
  out += name;
  if (power > 1) out += fmt::format("^{}", power);
}

}  // namespace

tl::expected<Unit, std::string> parse_unit(std::string_view text) {
  constexpr std::size_t longest = 60;
  if (text.size() > longest) return Error("has a unit that is too long");
  Unit unit;
  int sign = 1;
  for (;;) {
    const auto end = text.find_first_of("/*");
    auto f = factor(trimmed(text.substr(0, end)));
    if (!f) return f;
    unit = combine(unit, *f, sign);
    if (end == std::string_view::npos) return unit;
    sign = text[end] == '/' ? -1 : 1;
    text.remove_prefix(end + 1);
  }
}

std::string base_unit(Dim d) {
  if (d == Dim{.second = -1}) return "Hz";
  if (d == Dim{.second = -1, .joule = 1}) return "W";
  const std::pair<int, std::string_view> parts[] = {
      {d.byte, "B"},      {d.flop, "FLOP"},       {d.joule, "J"}, {d.usd, "USD"},
      {d.token, "token"}, {d.element, "element"}, {d.second, "s"}};
  std::string above, below;
  for (auto& [power, name] : parts) {
    if (power > 0)
      append_power(
          above,
          power == 1 && (name == "token" || name == "element") ? std::string(name) + 's' : std::string(name),
          power);
    for (int i = 0; i > power; --i) below += fmt::format("/{}", name);
  }
  if (above.empty() && !below.empty()) above = "1";
  return above + below;
}

std::vector<std::string> example_units(Dim d) {
  struct Row {
    Dim dim;
    std::vector<std::string> units;
  };
  static const std::vector<Row> rows = {
      {Bytes::dim, {"GiB", "GB", "B", "KiB", "MiB", "TiB", "kB", "MB", "TB", "Gbit"}},
      {BytesPerSecond::dim, {"GB/s", "Gbps", "TB/s", "MB/s", "GiB/s", "B/s", "Gbit/s"}},
      {Flop::dim, {"TFLOP", "GFLOP", "PFLOP", "FLOP"}},
      {FlopPerSecond::dim, {"TFLOP/s", "GFLOP/s", "PFLOP/s", "FLOP/s"}},
      {Seconds::dim, {"us", "ms", "s", "ns", "min", "h", "day"}},
      {Elements::dim, {"elements", "M elements", "G elements"}},
      {Tokens::dim, {"tokens", "k tokens", "G tokens", "T tokens"}},
      {Usd::dim, {"USD", "k USD", "M USD"}},
      {UsdPerSecond::dim, {"USD/h", "USD/s"}},
      {Joules::dim, {"J", "kJ", "MJ", "kWh", "MWh"}},
      {Watts::dim, {"W", "kW", "MW", "mW"}},
      {Hertz::dim, {"GHz", "MHz", "Hz", "1/s"}},
      {BytesPerElement::dim, {"B/element", "bit/element"}},
      {BytesPerToken::dim, {"KiB/token", "B/token", "kB/token"}},
      {FlopPerByte::dim, {"FLOP/B"}},
      {FlopPerToken::dim, {"GFLOP/token", "FLOP/token"}},
      {TokensPerSecond::dim, {"tokens/s", "k tokens/s"}},
  };
  for (auto& r : rows)
    if (r.dim == d) return r.units;
  return {base_unit(d)};
}

std::string units_of(Dim d) {
  std::string out;
  for (auto& u : example_units(d)) out += (out.empty() ? "" : ", ") + u;
  return out;
}

}  // namespace ridge
