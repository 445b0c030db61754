#include "sim/report/schema_report.h"

namespace ridge {
namespace {

constexpr std::string_view quantity_in = "quantity in ";
constexpr int units_shown = 3;

/// "quantity in GiB, GB, B, KiB, ..., at least 1" with three of the units.
std::string short_constraints(const FieldInfo& f) {
  std::string text = constraints_text(f);
  const std::size_t at = f.type.find(quantity_in);
  if (at == std::string::npos) return text;
  std::size_t cut = at + quantity_in.size();
  for (int i = 0; i < units_shown && cut != std::string::npos; ++i) cut = f.type.find(", ", cut + (i > 0));
  if (cut != std::string::npos) text.replace(cut, f.type.size() - cut, " ...");
  return text;
}

void add_fields(const std::vector<FieldInfo>& fields, std::size_t indent, const std::string& path, Table& t) {
  for (const FieldInfo& f : fields) {
    t.rows.push_back({{std::string(indent, ' ') + f.name, Tone::strong, path + f.name},
                      {short_constraints(f), Tone::dim, constraints_text(f)},
                      {f.doc}});
    add_fields(f.children, indent + 2, path + f.name + '.', t);
  }
}

}  // namespace

Report schema_report(const SchemaInfo& s) {
  Report r;
  r.title = s.name + ": " + s.doc;
  Table t{{{"key", Align::left}, {"value", Align::left, true}, {"is", Align::left, true}}, {}, "keys"};
  add_fields(s.fields, 0, "", t);
  r.section("").add(std::move(t));
  return r;
}

}  // namespace ridge
