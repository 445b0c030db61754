#include "base/expression.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

namespace ridge {
namespace {

using testing::HasSubstr;

const std::vector<Binding> terms = {{"a", 2}, {"b", 3}, {"c", -1}, {"x_1", 10}};

double value(std::string_view text) {
  auto v = evaluate(text, terms);
  EXPECT_TRUE(v) << text << ": " << (v ? "" : v.error());
  return v.value_or(std::nan(""));
}
std::string error(std::string_view text) {
  auto v = evaluate(text, terms);
  return v ? "accepted" : v.error();
}

TEST(Evaluate, FollowsTheUsualPrecedence) {
  EXPECT_EQ(value("a + b * x_1"), 32);
  EXPECT_EQ(value("(a + b) * x_1"), 50);
  EXPECT_EQ(value("x_1 - a - b"), 5);
  EXPECT_EQ(value("x_1 / a / 5"), 1);
  EXPECT_EQ(value("2 ^ 3 ^ 2"), 512) << "powers group to the right";
  EXPECT_EQ(value("-a ^ 2"), -4) << "a sign binds less than a power";
  EXPECT_EQ(value("2 ^ -1"), 0.5);
  EXPECT_EQ(value("--a - -b"), 5);
  EXPECT_EQ(value("1.5e3 + .5"), 1500.5);
}

TEST(Evaluate, KnowsItsFunctions) {
  EXPECT_EQ(value("max(a, b, c)"), 3);
  EXPECT_EQ(value("min(a, b, c)"), -1);
  EXPECT_EQ(value("sum(a, b)"), 5);
  EXPECT_EQ(value("sum(...)"), 14);
  EXPECT_EQ(value("max(...) * 2"), 20);
  EXPECT_EQ(value("ceil(x_1 / 3) + floor(x_1 / 3)"), 7);
  EXPECT_EQ(value("log2(8) + sqrt(16) + abs(c)"), 8);
  EXPECT_NEAR(value("log(exp(a))"), 2, 1e-15);
  EXPECT_EQ(value("select(c, a, b)"), 3);
  EXPECT_EQ(value("select(a, 7, b / 0)"), 7) << "the branch not taken may be infinite";
}

TEST(Evaluate, NamesColumnAndFault) {
  EXPECT_EQ(error("a + q"), "column 5: unknown symbol 'q'");
  EXPECT_EQ(error("a +"), "column 4: a value is missing at the end");
  EXPECT_EQ(error("a b"), "column 3: unexpected 'b'");
  EXPECT_EQ(error("(a"), "column 3: expected ')'");
  EXPECT_EQ(error("foo(a)"), "column 1: unknown function 'foo'");
  EXPECT_THAT(error("select(a, b)"), HasSubstr("'select' needs 3 arguments, not 2"));
  EXPECT_THAT(error("ceil(a, b)"), HasSubstr("'ceil' needs 1 argument, not 2"));
  EXPECT_THAT(error("ceil(...)"), HasSubstr("unexpected '...'"));
  EXPECT_EQ(error("a $ b"), "column 3: unexpected '$'");
  EXPECT_EQ(error(""), "column 1: a value is missing at the end");
  EXPECT_EQ(error("max()"), "column 5: unexpected ')'");
}

TEST(Evaluate, RefusesResultsThatAreNoNumber) {
  EXPECT_EQ(error("a / 0"), "the result is not finite");
  EXPECT_EQ(error("log2(c)"), "the result is not finite");
  EXPECT_EQ(error("10 ^ 400"), "the result is not finite");
  EXPECT_NE(error("1e999"), "accepted");
  EXPECT_EQ(evaluate("sum(...)", {}).value_or(-1), 0) << "an empty sum is 0";
  EXPECT_FALSE(evaluate("max(...)", {}));
}

TEST(Evaluate, SurvivesDeepAndLongTexts) {
  EXPECT_THAT(error(std::string(100'000, '(')), HasSubstr("nested too deeply"));
  EXPECT_THAT(error(std::string(100'000, '(') + "a" + std::string(100'000, ')')),
              HasSubstr("nested too deeply"));
  std::string powers = "1", calls;
  for (int i = 0; i < 100'000; ++i) powers += "^1", calls += "abs(";
  EXPECT_THAT(error(powers), HasSubstr("nested too deeply"));
  EXPECT_THAT(error(calls), HasSubstr("nested too deeply"));
  EXPECT_EQ(value(std::string(100'000, '-') + "a"), 2);
  std::string sum = "a";
  for (int i = 0; i < 100'000; ++i) sum += "+a";
  EXPECT_EQ(value(sum), 200'002);
}

/// A random expression and the value of the C++ expression it stands for.
struct Random {
  std::mt19937_64 engine;
  std::string text;
  double build(int depth) {
    if (depth == 0 || engine() % 4 == 0) {
      const auto& t = terms[engine() % terms.size()];
      text += t.symbol;
      return t.value;
    }
    const char op = "+-*/"[engine() % 4];
    text += '(';
    const double left = build(depth - 1);
    text += op;
    const double right = build(depth - 1);
    text += ')';
    return op == '+' ? left + right : op == '-' ? left - right : op == '*' ? left * right : left / right;
  }
};

TEST(EvaluateLaws, AgreesWithTheCompilerBitForBit) {
  Random random{std::mt19937_64(5), {}};
  int finite = 0;
  for (int i = 0; i < 2000; ++i) {
    random.text.clear();
    const double expected = random.build(6);
    auto v = evaluate(random.text, terms);
    ASSERT_EQ(v.has_value(), std::isfinite(expected)) << random.text;
    if (v) { ASSERT_EQ(*v, expected) << random.text; }
    finite += v.has_value();
  }
  EXPECT_GT(finite, 1000);
}

TEST(Substitute, PutsTextsForSymbols) {
  auto number = [](std::size_t i) { return std::vector<std::string>{"2 B", "3 s", "(-1)", "10"}[i]; };
  EXPECT_EQ(substitute("a * (b + c) / x_1", terms, number), "2 B * (3 s + (-1)) / 10");
  EXPECT_EQ(substitute("sum(...)", terms, number), "2 B + 3 s + (-1) + 10");
  EXPECT_EQ(substitute("2 * sum(...)", terms, number), "2 * (2 B + 3 s + (-1) + 10)");
  EXPECT_EQ(substitute("max(...)", terms, number), "max(2 B, 3 s, (-1), 10)");
  EXPECT_EQ(substitute("ceil(a / q)", terms, number), "ceil(2 B / q)");
  EXPECT_EQ(substitute("", terms, number), "");
  EXPECT_EQ(substitute("sum\t( ... ) - 1", terms, number), "(2 B + 3 s + (-1) + 10) - 1");
  EXPECT_EQ(substitute("sum(...", terms, number), "sum(2 B, 3 s, (-1), 10");
  EXPECT_EQ(substitute("1 + sum(...)", {}, number), "1 + 0");
}

TEST(Substitute, WithNumbersEvaluatesToTheSame) {
  Random random{std::mt19937_64(6), {}};
  for (int i = 0; i < 500; ++i) {
    random.text.clear();
    const double expected = random.build(5);
    const auto text = substitute(random.text, terms, [](std::size_t t) {
      return '(' + std::to_string(static_cast<int>(terms[t].value)) + ')';
    });
    auto v = evaluate(text, {});
    ASSERT_EQ(v.has_value(), std::isfinite(expected)) << text;
    if (v) { ASSERT_EQ(*v, expected) << text; }
  }
}

}  // namespace
}  // namespace ridge
