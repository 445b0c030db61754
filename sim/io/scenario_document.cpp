#include "sim/io/scenario_document.h"

#include <fmt/format.h>
#include <optional>

namespace ridge {
namespace {

constexpr std::string_view named_parts[] = {"model", "hardware", "software", "training.precision",
                                            "training.optimizer"};

void wrap_name(Node& part) {
  if (!part.is_scalar()) return;
  Node own = std::move(part);
  part = Node::map(own.span);
  const Span span = own.span;
  part.entries.push_back({"preset", span, std::move(own)});
}

std::string text_at(const Node& document, std::string_view key) {
  const Node* n = document.find(key);
  return n && n->is_scalar() ? n->text : std::string{};
}

struct RowName {
  std::string file, row;
};

/// "a.csv" and "a.csv:row"; nothing for other names.
std::optional<RowName> row_name(const std::string& name) {
  if (name.ends_with(".csv")) return RowName{name, {}};
  const std::size_t at = name.rfind(".csv:");
  if (at == std::string::npos) return std::nullopt;
  return RowName{name.substr(0, at + 4), name.substr(at + 5)};
}

/// Ids of the rows, or their lines where they have none.
std::vector<std::string> row_names(const std::vector<Node>& rows) {
  std::vector<std::string> names;
  for (const Node& row : rows) {
    const std::string id = text_at(row, "id");
    names.push_back(id.empty() ? std::to_string(row.span.line) : id);
  }
  return names;
}

Node row_document(const RowName& name, const Span& span, Diagnostics& diagnostics) {
  constexpr std::size_t names_shown = 8;
  const SourcePtr source = read_source(name.file, diagnostics);
  if (!source) return {};
  Diagnostics problems;
  const std::vector<Node> rows = read_csv(source, problems);
  std::vector<std::string> names = row_names(rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool is_meant = name.row.empty()
                              ? rows.size() == 1
                              : names[i] == name.row || std::to_string(rows[i].span.line) == name.row;
    if (is_meant) return rows[i];
  }
  diagnostics.append(problems);
  if (rows.empty() && problems.has_errors()) return {};
  auto& d = name.row.empty()
                ? diagnostics.error(
                      "which-row",
                      fmt::format("'{0}' has {1} scenarios: name one as {0}:ROW, by its id or line, or "
                                  "compare all with their measurements: ridge validate {0}",
                                  printable(name.file, 200), rows.size()),
                      span)
                : diagnostics.error("unknown-row",
                                    fmt::format("'{}' has no row with the id or line '{}'",
                                                printable(name.file, 200), printable(name.row)),
                                    span);
  d.suggestion = name.row.empty() ? "" : nearest(name.row, names);
  if (names.size() > names_shown) {
    names.resize(names_shown);
    names.emplace_back("...");
  }
  d.expected = std::move(names);
  return {};
}

}  // namespace

Node scenario_document(const std::string& name_or_path, const PresetIndex& presets,
                       Diagnostics& diagnostics) {
  const auto command_line = std::make_shared<Source>(Source{"SCENARIO", name_or_path});
  const Span span{command_line, 1, 1, static_cast<int>(name_or_path.size())};
  Node document;
  if (const auto row = row_name(name_or_path)) {
    document = row_document(*row, span, diagnostics);
  } else if (const Node* found =
                 presets.document_or_file(PresetKind::scenario, name_or_path, span, diagnostics)) {
    document = *found;
  }
  normalise(document);
  return document;
}

void normalise(Node& document) {
  if (!document.is_map()) return;
  nest_dotted_keys(document);
  for (const std::string_view part : named_parts)
    if (const Node* n = document.at(part)) wrap_name(const_cast<Node&>(*n));
}

void override_document(Node& document, const std::vector<std::string>& assignments,
                       Diagnostics& diagnostics) {
  normalise(document);
  for (const std::string& assignment : assignments) {
    apply_override(document, assignment, diagnostics);
    normalise(document);
  }
}

RowLabels row_labels(const Node& document) {
  return {text_at(document, "id"),   text_at(document, "source"),  text_at(document, "group"),
          text_at(document, "kind"), text_at(document, "hf_repo"), text_at(document, "notes")};
}

}  // namespace ridge
