#include "sim/stack.h"

#include <charconv>

namespace ridge {
namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::size_t i = 0;
  while (i < text.size()) {
    while (i < text.size() && text[i] == ' ') ++i;
    std::size_t start = i;
    while (i < text.size() && text[i] != ' ') ++i;
    if (i > start) words.push_back(text.substr(start, i - start));
  }
  return words;
}

/// Bytes of an explicit format word, or 0 for the recipe's activation width.
double format_bytes(const std::string& word) {
  if (word == "mask" || word == "fp8" || word == "int8") return 1;
  if (word == "bf16" || word == "fp16") return 2;
  if (word == "fp32") return 4;
  if (word == "int64") return 8;
  return 0;
}

void read_term(const Node& n, Traffic& traffic, ReadContext& c) {
  static const std::vector<std::string> width_names = [] {
    std::vector<std::string> names;
    for (auto& p : EnumNames<Width>::names) names.emplace_back(p.second);
    return names;
  }();
  auto complain = [&](const std::string& message, const std::string& suggestion) {
    Diagnostic& d = c.diagnostics.error("bad-traffic", message, n.span);
    d.expected = {"'[count] [mask|fp8|bf16|fp16|fp32|int64] width'"};
    d.suggestion = suggestion;
  };
  if (!n.is_scalar()) return complain("a traffic term must be text like '2 hidden' or 'mask ffn'", "");
  std::vector<std::string> words = words_of(n.text);
  double count = 1;
  if (!words.empty()) {
    const std::string& w = words.front();
    double v = 0;
    auto [end, error] = std::from_chars(w.data(), w.data() + w.size(), v);
    if (error == std::errc{} && end == w.data() + w.size()) {
      if (!(v >= 0 && v <= 1e6)) return complain("count '" + w + "' is out of range 0 to 1e6", "");
      count = v;
      words.erase(words.begin());
    }
  }
  double bytes = 0;
  if (words.size() == 2) {
    bytes = format_bytes(words.front());
    if (bytes == 0) {
      return complain("unknown format '" + words.front() + "'",
                      nearest(words.front(), {"mask", "fp8", "bf16", "fp16", "fp32", "int8", "int64"}));
    }
    words.erase(words.begin());
  }
  if (words.size() != 1) return complain("cannot read traffic term '" + n.text + "'", "");
  for (std::size_t i = 0; i < num_widths; ++i) {
    if (words.front() != EnumNames<Width>::names[i].second) continue;
    (bytes == 0 ? traffic.activation_elements[i] : traffic.fixed_bytes[i]) +=
        bytes == 0 ? count : count * bytes;
    traffic.any = true;
    return;
  }
  complain("unknown width '" + words.front() + "'", nearest(words.front(), width_names));
}

const std::vector<std::string>& condition_words() {
  static const std::vector<std::string> words = {
      "gated",    "plain",   "moe",       "dense",     "rotary",   "learned", "alibi",    "bias",
      "qk_norm",  "rmsnorm", "layernorm", "post_norm", "window",   "sinks",   "latent",   "shared",
      "parallel", "cross",   "recurrent", "causal",    "autocast", "gelu",    "gelu_new", "relu",
      "relu2",    "silu",    "swiglu",    "geglu",     "reglu"};
  return words;
}

}  // namespace

void read_value(const Node& n, Traffic& traffic, ReadContext& c, Range) {
  traffic = {};
  traffic.any = true;
  if (n.is_scalar()) return read_term(n, traffic, c);
  if (!n.is_sequence()) return report_not_a_list(n, c);
  for (const Node& item : n.items) read_term(item, traffic, c);
}

Node write_value(const Traffic& t) {
  if (!t.any) return {};
  Node list;
  list.kind = Node::Kind::sequence;
  for (std::size_t i = 0; i < num_widths; ++i) {
    const std::string width(EnumNames<Width>::names[i].second);
    if (t.activation_elements[i] != 0)
      list.items.push_back(Node::scalar(format_number(t.activation_elements[i]) + " " + width));
    if (t.fixed_bytes[i] != 0)
      list.items.push_back(Node::scalar(format_number(t.fixed_bytes[i]) + " mask " + width));
  }
  return list;
}

const std::vector<std::string>& pass_conditions() { return condition_words(); }

}  // namespace ridge
