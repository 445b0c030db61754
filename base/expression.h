#pragma once
/// The small arithmetic language of `Formula::expression`: numbers, symbols, + - * / ^, parentheses,
/// and the functions max min ceil floor log2 sqrt exp log abs sum select.  `sum(...)` and `max(...)`
/// with a literal ellipsis take every term; `select(c, a, b)` is a when c > 0, else b.

#include <functional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace ridge {

/// A named value of an expression.
struct Binding {
  std::string_view symbol;
  double value;
};

/// Value of `expression` over `terms`; an error names the column and what is wrong.
tl::expected<double, std::string> evaluate(std::string_view expression, const std::vector<Binding>& terms);

/// The expression with every symbol replaced by `text(index of the binding)`; "sum(...)" becomes the
/// list of its terms.
std::string substitute(std::string_view expression, const std::vector<Binding>& terms,
                       const std::function<std::string(std::size_t)>& text);

}  // namespace ridge
