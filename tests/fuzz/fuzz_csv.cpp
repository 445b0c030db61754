// Any bytes are read without a crash; every row has at most the header's keys, each once.
#include "base/yaml/read_document.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto source = ridge::fuzz::source(data, size);
  ridge::Diagnostics diagnostics;
  auto rows = ridge::read_csv(source, diagnostics);
  ridge::fuzz::check(diagnostics);
  ridge::fuzz::accepted += !rows.empty();
  for (auto& row : rows) {
    FUZZ_CHECK(row.is_map() && row.span.line >= 2);
    for (auto& e : row.entries) {
      FUZZ_CHECK(!e.key.empty() && e.value.is_scalar() && !e.value.text.empty() && !e.value.quoted);
      FUZZ_CHECK(row.find(e.key) == &e.value);
    }
    ridge::nest_dotted_keys(row);
  }
  return 0;
}
