// Lines of texts, each tried as every kind of value: what is accepted is finite and writes and reads back.
#include "base/quantity_text.h"
#include "tests/fuzz/fuzz.h"

#include <cmath>

namespace {

constexpr ridge::Dim dims[] = {
    ridge::Bytes::dim,           ridge::BytesPerSecond::dim, ridge::Flop::dim,
    ridge::FlopPerSecond::dim,   ridge::Seconds::dim,        ridge::Tokens::dim,
    ridge::TokensPerSecond::dim, ridge::UsdPerSecond::dim,   ridge::Joules::dim,
    ridge::Watts::dim,           ridge::Hertz::dim,          ridge::BytesPerElement::dim,
    ridge::BytesPerToken::dim,   ridge::Elements::dim,       ridge::Usd::dim,
    ridge::FlopPerByte::dim};

void try_all(std::string_view text) {
  for (ridge::Dim dim : dims) {
    const auto q = ridge::parse_quantity(text, dim);
    FUZZ_CHECK(q || (!q.error().empty() && q.error().size() < 1000));
    if (!q) continue;
    ++ridge::fuzz::accepted;
    FUZZ_CHECK(std::isfinite(*q));
    const auto exact = ridge::parse_quantity(ridge::format_exact(*q, dim), dim);
    FUZZ_CHECK(exact && *exact == *q);
    FUZZ_CHECK(!ridge::format_quantity(*q, dim).empty());
  }
  const auto n = ridge::parse_count(text);
  FUZZ_CHECK(n || !n.error().empty());
  if (n) FUZZ_CHECK(ridge::parse_count(std::to_string(*n)) == *n && !ridge::format_count(*n).empty());
  const auto x = ridge::parse_number(text);
  FUZZ_CHECK(x || !x.error().empty());
  if (x) FUZZ_CHECK(std::isfinite(*x) && ridge::parse_number(ridge::format_number(*x)) == *x);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string all = ridge::fuzz::text(data, std::min<std::size_t>(size, 2000));
  for (std::size_t at = 0; at <= all.size();) {
    const std::size_t end = std::min(all.find('\n', at), all.size());
    try_all(std::string_view(all).substr(at, end - at));
    at = end + 1;
  }
  return 0;
}
