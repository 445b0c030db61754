// Any bytes are read as a model file without a crash; a model without errors has exact counts and finite
// work, and is written and read back the same.
#include "base/yaml/read_document.h"
#include "tests/fuzz/model_answers.h"

using namespace ridge;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Diagnostics d;
  Node document = read_yaml(fuzz::source(data, size), d);
  if (d.has_errors()) return 0;
  std::erase_if(document.entries,
                [](const Node::Entry& e) { return e.key == "aliases" || e.key == "source"; });
  Origins origins;
  ReadContext c{.diagnostics = d, .origins = &origins, .path = "model"};
  const Architecture a = resolve(document, c);
  fuzz::check(d);
  if (d.has_errors()) return 0;
  ++fuzz::accepted;
  fuzz::check_answers(a);
  Diagnostics again;
  const Node back =
      read_yaml(std::make_shared<const Source>(Source{"written", write_yaml(write_value(a))}), again);
  ReadContext second{.diagnostics = again, .path = "model"};
  FUZZ_CHECK(resolve(back, second) == a);
  FUZZ_CHECK(!again.has_errors());
  return 0;
}
