#include "base/expression.h"

#include "base/diagnostic.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

namespace ridge {
namespace {

constexpr int max_depth = 200;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

enum class Kind { end, number, name, ellipsis, symbol, bad };
struct Token {
  Kind kind = Kind::end;
  std::string_view text;
  std::size_t at = 0;
  double number = 0;
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}
  Token next() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
    if (at_ >= text_.size()) return {Kind::end, "", at_, 0};
    const auto rest = text_.substr(at_);
    if (rest.starts_with("...")) return take(Kind::ellipsis, 3);
    if (is_digit(rest[0]) || rest[0] == '.') return number(rest);
    if (is_letter(rest[0])) {
      const auto end =
          std::find_if_not(rest.begin(), rest.end(), [](char c) { return is_letter(c) || is_digit(c); });
      return take(Kind::name, static_cast<std::size_t>(end - rest.begin()));
    }
    return take(
        std::string_view("+-*/^(),").find(rest[0]) == std::string_view::npos ? Kind::bad : Kind::symbol, 1);
  }

 private:
  Token take(Kind kind, std::size_t n) {
    Token t{kind, text_.substr(at_, n), at_, 0};
    at_ += n;
    return t;
  }
  Token number(std::string_view rest) {
    double value = 0;
    auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (error != std::errc{}) return take(Kind::bad, 1);
    Token t = take(Kind::number, static_cast<std::size_t>(end - rest.data()));
    t.number = value;
    return t;
  }
  std::string_view text_;
  std::size_t at_ = 0;
};

enum class Function { max, min, sum, select, ceil, floor, log2, sqrt, exp, log, abs, unknown };

Function function_named(std::string_view name) {
  constexpr std::string_view names[] = {"max",  "min",  "sum", "select", "ceil", "floor",
                                        "log2", "sqrt", "exp", "log",    "abs"};
  return static_cast<Function>(std::find(std::begin(names), std::end(names), name) - std::begin(names));
}

double result_of(Function f, const std::vector<double>& a) {
  switch (f) {
    case Function::max: return *std::max_element(a.begin(), a.end());
    case Function::min: return *std::min_element(a.begin(), a.end());
    case Function::sum: return std::accumulate(a.begin(), a.end(), 0.0);
    case Function::select: return a[0] > 0 ? a[1] : a[2];
    case Function::ceil: return std::ceil(a[0]);
    case Function::floor: return std::floor(a[0]);
    case Function::log2: return std::log2(a[0]);
    case Function::sqrt: return std::sqrt(a[0]);
    case Function::exp: return std::exp(a[0]);
    case Function::log: return std::log(a[0]);
    case Function::abs: return std::abs(a[0]);
    case Function::unknown: break;
  }
  return std::nan("");
}

/// Recursive descent; the first error wins and every later value is meaningless.
class Evaluator {
 public:
  Evaluator(std::string_view text, const std::vector<Binding>& terms) : lexer_(text), terms_(terms) {
    token_ = lexer_.next();
  }

  tl::expected<double, std::string> run() {
    const double value = sum(0);
    if (error_.empty() && token_.kind != Kind::end)
      fail(fmt::format("unexpected '{}'", printable(token_.text)));
    if (error_.empty() && !std::isfinite(value)) error_ = "the result is not finite";
    if (!error_.empty()) return tl::unexpected(error_);
    return value;
  }

 private:
  /// Ends the text for all later calls, so that every loop stops.
  void fail_at(std::size_t at, const std::string& message) {
    if (error_.empty()) error_ = fmt::format("column {}: {}", at + 1, message);
    token_ = {Kind::end, "", token_.at, 0};
  }
  void fail(const std::string& message) { fail_at(token_.at, message); }
  void advance() {
    if (error_.empty()) token_ = lexer_.next();
  }
  bool accept(std::string_view symbol) {
    if (token_.kind != Kind::symbol || token_.text != symbol) return false;
    advance();
    return true;
  }
  void expect(std::string_view symbol) {
    if (!accept(symbol)) fail(fmt::format("expected '{}'", symbol));
  }

  double sum(int depth) {
    double v = product(depth);
    for (;;) {
      if (accept("+")) v += product(depth);
      else if (accept("-")) v -= product(depth);
      else return v;
    }
  }
  double product(int depth) {
    double v = signed_power(depth);
    for (;;) {
      if (accept("*")) v *= signed_power(depth);
      else if (accept("/")) v /= signed_power(depth);
      else return v;
    }
  }
  double signed_power(int depth) {
    bool negative = false;
    while (token_.kind == Kind::symbol && (token_.text == "-" || token_.text == "+")) {
      negative ^= token_.text == "-";
      advance();
    }
    const double v = power(depth);
    return negative ? -v : v;
  }
  double power(int depth) {
    const double base = primary(depth);
    if (!accept("^")) return base;
    if (depth >= max_depth) return fail("nested too deeply"), 0;
    return std::pow(base, signed_power(depth + 1));
  }
  double primary(int depth) {
    if (depth >= max_depth) return fail("nested too deeply"), 0;
    const Token t = token_;
    if (t.kind == Kind::number) return advance(), t.number;
    if (t.kind == Kind::name) {
      advance();
      if (accept("(")) return call(t, depth);
      return symbol(t);
    }
    if (accept("(")) {
      const double v = sum(depth + 1);
      expect(")");
      return v;
    }
    if (t.kind == Kind::end) fail("a value is missing at the end");
    else fail(fmt::format("unexpected '{}'", printable(t.text)));
    return 0;
  }
  double symbol(const Token& t) {
    for (auto& b : terms_)
      if (b.symbol == t.text) return b.value;
    return fail_at(t.at, fmt::format("unknown symbol '{}'", printable(t.text))), 0;
  }
  double call(const Token& t, int depth) {
    const Function f = function_named(t.text);
    if (f == Function::unknown)
      return fail_at(t.at, fmt::format("unknown function '{}'", printable(t.text))), 0;
    const bool variadic = f == Function::sum || f == Function::max || f == Function::min;
    std::vector<double> arguments;
    if (token_.kind == Kind::ellipsis && variadic) {
      advance();
      for (auto& b : terms_) arguments.push_back(b.value);
    } else {
      do arguments.push_back(sum(depth + 1));
      while (accept(","));
    }
    expect(")");
    const std::size_t needed = f == Function::select ? 3 : f == Function::sum ? 0 : 1;
    if (arguments.size() < needed || (!variadic && arguments.size() != needed))
      return fail(fmt::format("'{}' needs {} argument{}, not {}", t.text, needed, needed == 1 ? "" : "s",
                              arguments.size())),
             0;
    return error_.empty() ? result_of(f, arguments) : 0;
  }

  Lexer lexer_;
  const std::vector<Binding>& terms_;
  Token token_;
  std::string error_;
};

}  // namespace

tl::expected<double, std::string> evaluate(std::string_view expression, const std::vector<Binding>& terms) {
  return Evaluator(expression, terms).run();
}

std::string substitute(std::string_view expression, const std::vector<Binding>& terms,
                       const std::function<std::string(std::size_t)>& text) {
  std::vector<Token> tokens;
  Lexer lexer(expression);
  do tokens.push_back(lexer.next());
  while (tokens.back().kind != Kind::end);
  auto is = [&](std::size_t i, std::string_view wanted) {
    return i < tokens.size() && tokens[i].text == wanted;
  };
  auto list = [&](std::string_view separator) {
    std::string out;
    for (std::size_t i = 0; i < terms.size(); ++i) (out += i ? separator : "") += text(i);
    return out;
  };
  std::string out;
  std::size_t end = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& t = tokens[i];
    out += expression.substr(end, t.at - end);
    end = t.at + t.text.size();
    if (t.kind == Kind::name && t.text == "sum" && is(i + 1, "(") && is(i + 2, "...") && is(i + 3, ")")) {
      const bool is_alone = i == 0 && tokens[i + 4].kind == Kind::end;
      out += terms.empty() ? "0" : is_alone ? list(" + ") : '(' + list(" + ") + ')';
      i += 3;
      end = tokens[i].at + 1;
      continue;
    }
    const auto it = std::find_if(terms.begin(), terms.end(), [&](auto& b) { return b.symbol == t.text; });
    if (t.kind == Kind::name && !is(i + 1, "(") && it != terms.end())
      out += text(static_cast<std::size_t>(it - terms.begin()));
    else if (t.kind == Kind::ellipsis) out += list(", ");
    else out += t.text;
  }
  return out;
}

}  // namespace ridge
