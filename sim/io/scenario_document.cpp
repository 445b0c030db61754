#include "sim/io/scenario_document.h"

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

}  // namespace

Node scenario_document(const std::string& name_or_path, const PresetIndex& presets,
                       Diagnostics& diagnostics) {
  const auto command_line = std::make_shared<Source>(Source{"SCENARIO", name_or_path});
  const Span span{command_line, 1, 1, static_cast<int>(name_or_path.size())};
  const Node* found = presets.document_or_file(PresetKind::scenario, name_or_path, span, diagnostics);
  if (!found) return {};
  Node document = *found;
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
