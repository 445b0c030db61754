// Any bytes are read as a file of storage formats without a crash; formats without errors store a model in
// a finite number of bytes.
#include "base/yaml/read_document.h"
#include "tests/fuzz/model_answers.h"

using namespace ridge;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Architecture a = [] {
    Architecture m;
    m.layers = 9, m.hidden_size = 64, m.heads = 4, m.kv_heads = 1, m.vocab_size = 100;
    m.moe = {.experts = 8, .top_k = 2};
    derive(m);
    return m;
  }();
  static const Inventory inv = inventory(a);
  Diagnostics d;
  const Node document = read_yaml(fuzz::source(data, size), d);
  if (d.has_errors()) return 0;
  StorageFormats formats;
  ReadContext c{.diagnostics = d};
  read_storage_formats(document, formats, c);
  fuzz::check(d);
  if (d.has_errors()) return 0;
  ++fuzz::accepted;
  for (const auto& [name, format] : formats.formats) {
    const WeightBytes w = weight_bytes(a, inv, formats, format);
    FUZZ_CHECK(w.total >= 0 && std::isfinite(w.embedding.total() + w.output.total()));
    for (const ByteSums& s : w.of_kind)
      FUZZ_CHECK(s.per_rank({.tensor = 2, .expert = 4}).value() <= s.total());
  }
  return 0;
}
