// Any bytes are read without a crash; what was read without complaint is written and read back the same.
#include "base/yaml/read_document.h"
#include "tests/fuzz/fuzz.h"

namespace {

using ridge::Node;

void check_spans(const Node& n, int lines) {
  FUZZ_CHECK(n.span.source && n.span.line >= 0 && n.span.line <= lines && n.span.column >= 0 &&
             n.span.length >= 1);
  for (auto& e : n.entries) {
    FUZZ_CHECK(e.key_span.line >= 1 && e.key_span.line <= lines);
    check_spans(e.value, lines);
  }
  for (auto& item : n.items) check_spans(item, lines);
}

void check_same(const Node& a, const Node& b) {
  FUZZ_CHECK(a.kind == b.kind && a.text == b.text && (b.quoted || !a.quoted));
  FUZZ_CHECK(a.entries.size() == b.entries.size() && a.items.size() == b.items.size());
  for (std::size_t i = 0; i < a.entries.size(); ++i) {
    FUZZ_CHECK(a.entries[i].key == b.entries[i].key);
    check_same(a.entries[i].value, b.entries[i].value);
  }
  for (std::size_t i = 0; i < a.items.size(); ++i) check_same(a.items[i], b.items[i]);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto source = ridge::fuzz::source(data, size);
  ridge::Diagnostics diagnostics;
  Node n = ridge::read_yaml(source, diagnostics);
  ridge::fuzz::check(diagnostics);
  if (diagnostics.has_errors() || n.is_null()) return 0;
  ++ridge::fuzz::accepted;
  int lines = 2;
  for (char c : source->text) lines += c == '\n';
  check_spans(n, lines);
  const std::string written = ridge::write_yaml(n);
  if (written.size() > ridge::max_input_bytes) return 0;
  ridge::Diagnostics again;
  const Node back =
      ridge::read_yaml(std::make_shared<const ridge::Source>(ridge::Source{"written", written}), again);
  FUZZ_CHECK(!again.has_errors());
  check_same(n, back);
  ridge::nest_dotted_keys(n);
  return 0;
}
