// Any bytes are read as a config.json without a crash; what is imported without errors has exact counts.
#include "base/yaml/read_document.h"
#include "model/huggingface.h"
#include "tests/fuzz/model_answers.h"

using namespace ridge;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Diagnostics d;
  const Node document = read_yaml(fuzz::source(data, size), d);
  if (d.has_errors()) return 0;
  is_huggingface_config(document);
  const Architecture a = import_huggingface(document, d);
  fuzz::check(d);
  if (d.has_errors()) return 0;
  ++fuzz::accepted;
  fuzz::check_answers(a);
  return 0;
}
