#include "cli/session.h"

namespace ridge {
namespace {

/// A value as if a file had said it; `option` is where problems point.
void put(Node& document, const std::string& option, const std::string& key, const std::string& value) {
  const auto source = std::make_shared<Source>(Source{option, value});
  const Span span{source, 1, 1, static_cast<int>(value.size())};
  set(document, key, Node::scalar(value, span), span);
}

/// A value nobody stated: it has no place, so its origin becomes `default_value`.
void put_default(Node& document, const std::string& key, const std::string& value) {
  if (!document.at(key)) set(document, key, Node::scalar(value), {});
}

void put_defaults(Node& document, bool is_training) {
  if (is_training) return put_default(document, "training.sequence_length", "4096");
  put_default(document, "inference.phase", "request");
  put_default(document, "inference.prompt_tokens", "2048");
  const Node* phase = document.at("inference.phase");
  if (phase && phase->text == "request") put_default(document, "inference.output_tokens", "128");
}

/// A model that cannot read 4096 tokens gets as many as it can; true when that changed the document.
bool shorten_default(const Scenario& s, Node& document) {
  const auto* t = s.training();
  const Node* stated = document.at("training.sequence_length");
  const std::int64_t most = s.model.max_positions;
  if (!t || !stated || stated->span.source || most <= 0 || t->sequence_length <= most) return false;
  const_cast<Node&>(*stated).text = std::to_string(most);
  return true;
}

/// Values without a place were filled in above.
void mark_defaults(Origins& origins) {
  for (auto& [key, origin] : origins)
    if (origin.kind == Origin::Kind::scenario && origin.where.empty())
      origin.kind = Origin::Kind::default_value;
}

}  // namespace

int flags_command(Session& s) {
  const bool is_training = s.arguments.command == "train";
  Node document = Node::map();
  put(document, "model", "model", s.arguments.positional[0]);
  for (const GivenFlag& g : s.arguments.given) put(document, g.flag, g.key, g.value);
  Diagnostics diagnostics;
  override_document(document, s.arguments.set, diagnostics);
  put_defaults(document, is_training);
  if (!document.find("hardware")) {
    auto& d = diagnostics.error("missing-hardware", "which hardware? give --on");
    d.expected = {"--on dgx-h100", "--on hgx-h200", "--on PATH.yaml"};
  }
  Scenario scenario = diagnostics.has_errors() ? Scenario{} : read_scenario(document, s.reader, diagnostics);
  if (report_problems(s, diagnostics)) return 2;
  if (shorten_default(scenario, document)) scenario = read_scenario(document, s.reader, diagnostics);
  mark_defaults(scenario.origins);
  return answer(s, std::move(scenario), document, "the same command with --explain KEY");
}

}  // namespace ridge
