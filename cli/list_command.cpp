#include "base/quantity_text.h"
#include "cli/names.h"
#include "cli/session.h"
#include "sim/report/table_json.h"

#include <algorithm>
#include <fmt/format.h>
#include <ostream>

namespace ridge {
namespace {

struct ListedKind {
  std::string_view name;
  PresetKind kind;
  std::string_view doc;
};

constexpr ListedKind kinds[] = {
    {"models", PresetKind::model, "architectures; see: ridge model NAME"},
    {"hardware", PresetKind::hardware, "machines; see: ridge hardware NAME"},
    {"software", PresetKind::software, "stacks: which kernels a layer launches"},
    {"scenarios", PresetKind::scenario, "workloads with a plan; see: ridge plan NAME"},
    {"precision", PresetKind::precision, "training recipes: bytes per parameter"},
    {"optimizers", PresetKind::optimizer, "optimizer states"},
    {"formats", PresetKind::format, "storage formats of weights"},
};

std::string alias_text(const PresetIndex& presets, PresetKind kind, const std::string& name) {
  std::string out;
  for (const auto& [alias, target] : presets.aliases(kind))
    if (target == name) out += (out.empty() ? "" : " ") + alias;
  return out;
}

Node preset_part(const std::string& name) {
  Node part = Node::map();
  part.entries.push_back({"preset", {}, Node::scalar(name)});
  return part;
}

Cell count_cell(std::int64_t n) {
  return n > 0 ? Cell{short_count(static_cast<double>(n)), Tone::plain, std::to_string(n)} : Cell{};
}

using Row = std::vector<Cell>;

void model_row(Session& s, const std::string& name, Row& row, Diagnostics& d) {
  const Architecture a = s.reader.model(preset_part(name), nullptr, d);
  if (d.has_errors()) return;
  const Inventory inv = inventory(a);
  row.push_back(
      {short_count(static_cast<double>(inv.parameters)), Tone::strong, std::to_string(inv.parameters)});
  row.push_back(inv.active_parameters == inv.parameters ? Cell{} : count_cell(inv.active_parameters));
  row.push_back({std::to_string(a.layers + a.encoder_layers)});
  row.push_back({std::to_string(a.hidden_size)});
  row.push_back(count_cell(a.max_positions));
}

void hardware_row(Session& s, const std::string& name, Row& row, Diagnostics& d) {
  const Cluster c = s.reader.cluster(preset_part(name), nullptr, d);
  if (d.has_errors()) return;
  const auto quantity = [](auto q) {
    return q.value() > 0 ? Cell{format(q), Tone::plain, format_number(q.value())} : Cell{};
  };
  const auto* bf16 = c.device.peaks.find(Precision::bf16);
  row.push_back({std::to_string(c.node.devices)});
  row.push_back(quantity(c.device.hbm.capacity.value));
  row.push_back(quantity(c.device.hbm.bandwidth.value));
  row.push_back(bf16 ? quantity(bf16->value) : Cell{});
}

/// The text of one of these keys of a file.
void text_row(const PresetIndex& presets, PresetKind kind, const std::string& name, Row& row,
              Diagnostics& d) {
  const Node* n = presets.find(kind, name, d);
  std::string text;
  for (const char* key : {"description", "name"})
    if (const Node* v = n ? n->find(key) : nullptr; v && v->is_scalar() && text.empty() && v->text != name)
      text = v->text;
  row.push_back({text});
}

/// Names with the folder they are in; a device is a machine of one.
std::vector<std::pair<std::string, PresetKind>> names_of(const PresetIndex& presets, PresetKind kind) {
  std::vector<std::pair<std::string, PresetKind>> out;
  for (const std::string& name : presets.names(kind)) out.emplace_back(name, kind);
  if (kind == PresetKind::hardware)
    for (const std::string& name : presets.names(PresetKind::device))
      out.emplace_back(name, PresetKind::device);
  return out;
}

/// Generic families have no sizes of their own.
Cell unread_cell(PresetKind kind, const Diagnostics& d) {
  bool is_generic = kind == PresetKind::model;
  for (const Diagnostic& problem : d.items()) is_generic = is_generic && problem.code == "missing-key";
  return is_generic ? Cell{"sized by model.*", Tone::dim} : Cell{"cannot be read", Tone::bad};
}

void leave_out_if_empty(std::size_t column, Table& t) {
  const auto is_empty = [column](const Row& row) { return row[column].text.empty(); };
  if (!std::all_of(t.rows.begin(), t.rows.end(), is_empty)) return;
  const auto at = static_cast<std::ptrdiff_t>(column);
  t.columns.erase(t.columns.begin() + at);
  for (Row& row : t.rows) row.erase(row.begin() + at);
}

Table table_of(Session& s, const ListedKind& listed) {
  const PresetKind kind = listed.kind;
  Table t;
  t.columns = {{"name", Align::left}};
  if (kind == PresetKind::model)
    t.columns.insert(t.columns.end(), {{"parameters"}, {"active"}, {"layers"}, {"hidden"}, {"positions"}});
  else if (kind == PresetKind::hardware)
    t.columns.insert(t.columns.end(), {{"devices"}, {"memory"}, {"bandwidth"}, {"bf16 peak"}});
  else t.columns.push_back({"is", Align::left, true});
  t.columns.push_back({"aliases", Align::left, true, 1, false, true});
  for (const auto& [name, own_kind] : names_of(s.presets, kind)) {
    Diagnostics d;
    Row row{{name, Tone::strong}};
    if (kind == PresetKind::model) model_row(s, name, row, d);
    else if (kind == PresetKind::hardware) hardware_row(s, name, row, d);
    else text_row(s.presets, kind, name, row, d);
    row.resize(t.columns.size() - 1);
    row.push_back({alias_text(s.presets, own_kind, name), Tone::dim});
    if (d.has_errors()) row[1] = unread_cell(kind, d);
    t.rows.push_back(std::move(row));
  }
  for (std::size_t c = t.columns.size(); c-- > 1;) leave_out_if_empty(c, t);
  return t;
}

Table format_table(Session& s) {
  Diagnostics d;
  Table t{{{"name", Align::left}, {"bits"}, {"computes in", Align::left}, {"source", Align::left, true}},
          {},
          "formats"};
  for (const auto& [name, format] : s.reader.formats(d).formats)
    t.rows.push_back({{name, Tone::strong},
                      {fmt::format("{:g}", format.nominal_bits)},
                      {std::string(enum_name(format.arithmetic))},
                      {format.source, Tone::dim}});
  report_problems(s, d);
  return t;
}

Table overview(const PresetIndex& presets) {
  Table t{{{"kind", Align::left}, {"presets"}, {"is", Align::left, true}}, {}, "kinds"};
  for (const ListedKind& k : kinds)
    t.rows.push_back({{std::string(k.name), Tone::strong},
                      {std::to_string(presets.names(k.kind).size())},
                      {std::string(k.doc), Tone::dim}});
  return t;
}

const ListedKind* find_kind(const std::string& name) {
  for (const ListedKind& k : kinds)
    if (k.name == name || k.name.substr(0, k.name.size() - 1) == name) return &k;
  return nullptr;
}

int unknown_kind(Session& s, const std::string& name) {
  const std::vector<std::string> names = listed_kinds();
  say_unknown(s, "no kind of presets", name, names, fmt::format("kinds: {}", fmt::join(names, " ")));
  return 2;
}

}  // namespace

std::vector<std::string> listed_kinds() {
  std::vector<std::string> names;
  for (const ListedKind& k : kinds) names.emplace_back(k.name);
  return names;
}

std::vector<std::string> listed_names(PresetReader& reader, const std::string& kind) {
  const ListedKind* listed = find_kind(kind);
  std::vector<std::string> out;
  if (!listed) return out;
  if (listed->kind == PresetKind::format) {
    Diagnostics d;
    for (const auto& [name, format] : reader.formats(d).formats) out.push_back(name);
    return out;
  }
  const PresetIndex& presets = reader.presets();
  for (const auto& [name, own_kind] : names_of(presets, listed->kind)) out.push_back(name);
  const auto add_aliases = [&](PresetKind of) {
    for (const auto& [alias, target] : presets.aliases(of)) out.push_back(alias);
  };
  add_aliases(listed->kind);
  if (listed->kind == PresetKind::hardware) add_aliases(PresetKind::device);
  return out;
}

int list_command(Session& s) {
  Table table;
  if (s.arguments.positional.empty()) {
    table = overview(s.presets);
  } else {
    const ListedKind* listed = find_kind(s.arguments.positional[0]);
    if (!listed) return unknown_kind(s, s.arguments.positional[0]);
    if (s.arguments.names_only) {
      if (s.arguments.format != OutputFormat::text) remark_idle(s, "an output format", "with --names");
      for (const std::string& name : listed_names(s.reader, s.arguments.positional[0])) s.out << name << '\n';
      return 0;
    }
    table = listed->kind == PresetKind::format ? format_table(s) : table_of(s, *listed);
  }
  if (s.arguments.format == OutputFormat::json) {
    s.out << table_json(table);
    return 0;
  }
  Report r;
  r.section("").add(std::move(table));
  print_report(s, r);
  return 0;
}

}  // namespace ridge
