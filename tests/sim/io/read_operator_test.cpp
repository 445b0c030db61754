#include "sim/io/read_operator.h"

#include "base/yaml/read_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ridge {
namespace {

using testing::HasSubstr;

/// Every problem of the text as one string.
std::string problems_of(const std::string& text) {
  Diagnostics d;
  const Node n = read_yaml(std::make_shared<Source>(Source{"o.yaml", text}), d);
  ReadContext c{d};
  read_operator(n, c);
  return render(d);
}

TEST(ReadOperator, TakesEveryKindWithItsSizes) {
  for (const char* text :
       {"{kind: gemm, m: 8, n: 8, k: 8}",
        "{kind: attention, batch: 1, heads: 4, head_dim: 64, sequence: 128, phase: backward}",
        "{kind: attention_decode, batch: 1, heads: 4, kv_heads: 2, head_dim: 64, sequence: 128}",
        "{kind: copy, bytes: 4096, direction: host_to_device}", "{kind: rmsnorm, rows: 8, hidden: 64}",
        "{kind: collective, collective: all_reduce, bytes: 4096}",
        "{kind: moe_layer, tokens: 8, hidden: 64, ffn: 128, experts: 8, top_k: 2}",
        "{kind: optimizer, parameters: 1000}"})
    EXPECT_EQ(problems_of(text), "") << text;
}

TEST(ReadOperator, NamesTheNearestKindAndFormat) {
  EXPECT_THAT(problems_of("{kind: gem, m: 8}"), HasSubstr("did you mean 'gemm'?"));
  EXPECT_THAT(problems_of("{kind: foo}"), HasSubstr("expected one of: gemm, attention"));
  EXPECT_THAT(problems_of("{kind: gemm, m: 8, n: 8, k: 8, dtype: fp3}"), HasSubstr("o.yaml:1:39: error"));
  EXPECT_THAT(problems_of("{kind: collective, collective: all_redoce, bytes: 8}"), HasSubstr("all_reduce"));
}

TEST(ReadOperator, SizesAreNeededAndPositive) {
  EXPECT_THAT(problems_of("{kind: gemm, m: 0, n: 8, k: 8}"),
              HasSubstr("operator.m must be at least 1 for gemm"));
  EXPECT_THAT(problems_of("{kind: gemm, m: 8, n: 8}"),
              HasSubstr("missing key 'operator.k', which gemm needs"));
  EXPECT_THAT(problems_of("{kind: moe_layer, tokens: 8, hidden: 8, ffn: 8, experts: 4, top_k: 8}"),
              HasSubstr("top_k"));
}

TEST(ReadOperator, WarnsOfKeysWithoutEffect) {
  EXPECT_THAT(problems_of("{kind: gemm, m: 8, n: 8, k: 8, heads: 4}"),
              HasSubstr("warning: operator.heads has no meaning for gemm"));
}

}  // namespace
}  // namespace ridge
