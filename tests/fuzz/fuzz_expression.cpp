// Any text is evaluated to a finite number or refused with a reason, and may be substituted into.
#include "base/expression.h"
#include "tests/fuzz/fuzz.h"

#include <cmath>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = ridge::fuzz::text(data, size);
  const std::vector<ridge::Binding> terms = {{"a", 2}, {"b", 0.5}, {"s", -3}, {"flops", 1e15}};
  const auto value = ridge::evaluate(text, terms);
  FUZZ_CHECK(value ? std::isfinite(*value) : !value.error().empty());
  const std::string numbers[] = {"2", "0.5", "(-3)", "1e15"};
  const auto substituted = ridge::substitute(text, terms, [&](std::size_t i) { return numbers[i]; });
  if (!value) return 0;
  ++ridge::fuzz::accepted;
  const auto again = ridge::evaluate(substituted, {});
  FUZZ_CHECK(again && *again == *value);
  return 0;
}
