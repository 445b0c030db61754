/// Casts, unpacking and sums around products: bytes counted by hand against the operator list.
///
/// Llama 3.2 1B (config.json: 16 layers, 2048 wide, 32 heads of 64, 8 key-value heads, feed-forward
/// 8192, vocabulary 128256): a layer's matrices hold 2048 (2048 + 2 512) + 2048 2048 + 3 2048 8192 =
/// 60 817 408 weights, the head 128256 2048 = 262 668 288.

#include "base/explain_text.h"
#include "tests/sim/evaluate_support.h"

#include <map>

namespace ridge::test {
namespace {

constexpr double layers = 16, layer_weights = 60817408, head_weights = 262668288, tokens = 4096;

const std::string llama_1b = R"(
model: llama-3.2-1b
hardware: hgx-h200
devices: 1
software: transformers-eager
training: {sequence_length: 4096, micro_batch: 1, global_batch: 1, precision: bf16, recompute: none}
)";

/// Bytes of one micro-batch by operator and phase, "weight cast/forward".
std::map<std::string, double> moved(const std::vector<std::string>& overrides) {
  const Prepared p = prepared(llama_1b, overrides);
  std::map<std::string, double> bytes;
  for (const Operator& op : list_operators(p, resolved(p.scenario.parallel, p.scenario.devices)))
    bytes[std::string(op.name) + '/' + std::string(enum_name(op.phase))] += op.count * op.bytes.value();
  return bytes;
}

TEST(Copies, NoneInOneFormat) {
  const auto bytes = moved({});
  for (const char* name : {"weight cast/forward", "input cast/forward", "gradient cast/backward",
                           "gradient sum/backward", "unpack/forward"})
    EXPECT_FALSE(bytes.contains(name)) << name;
}

// Autocast reads 4 B and writes 2 B of every weight, and the other way round of every gradient.
TEST(Copies, AutocastCastsEveryWeightAndGradientOnce) {
  const auto bytes = moved({"training.precision=amp-bf16"});
  const double each = 6 * (layers * layer_weights + head_weights);
  EXPECT_DOUBLE_EQ(bytes.at("weight cast/forward"), each);
  EXPECT_DOUBLE_EQ(bytes.at("gradient cast/backward"), each);
}

// q, k, v, gate, up of each layer and the head read the fp32 residual stream: 5 16 + 1 casts of 2048.
TEST(Copies, EagerAutocastCastsTheInputOfEachProductAfterANorm) {
  const auto bytes = moved({"training.precision=amp-bf16"});
  EXPECT_DOUBLE_EQ(bytes.at("input cast/forward"), 6 * (5 * layers + 1) * 2048 * tokens);
  const auto compiled = moved({"training.precision=amp-bf16", "software=transformers-compile"});
  EXPECT_FALSE(compiled.contains("input cast/forward"));
  EXPECT_TRUE(compiled.contains("weight cast/forward"));
}

// Full recomputation casts the layers' weights and inputs again.
TEST(Copies, RecomputationCastsAgain) {
  const auto bytes = moved({"training.precision=amp-bf16", "training.recompute=full"});
  EXPECT_DOUBLE_EQ(bytes.at("weight cast/recompute"), 6 * layers * layer_weights);
}

// A bf16 gradient is added to a bf16 sum: 2 B read, 2 B read and written.
TEST(Copies, MicroBatchesSumTheirGradients) {
  const auto bytes = moved({"training.global_batch=4"});
  EXPECT_DOUBLE_EQ(bytes.at("gradient sum/backward"), 6 * (layers * layer_weights + head_weights));
}

// NF4 with double quantisation: 4.127 bits read and 16 written, before the forward and the backward use.
TEST(Copies, QloraUnpacksTheBaseTwice) {
  const auto bytes = moved({"training.method=qlora", "training.lora_rank=16"});
  const double each = (4.127 / 8 + 2) * layers * layer_weights;
  EXPECT_DOUBLE_EQ(bytes.at("unpack/forward"), each);
  EXPECT_DOUBLE_EQ(bytes.at("unpack/backward"), each);
}

// PEFT's adapters in fp32: 24 B per element of a product's result forward (scale 8, sum 10, cast 6), 20 back.
TEST(Copies, AdaptersInFp32ScaleSumAndCast) {
  const auto bytes = moved({"training.method=lora", "training.lora_rank=16"});
  const double results = 2048 + 2 * 512 + 2048 + 2 * 8192 + 2048;
  EXPECT_DOUBLE_EQ(bytes.at("adapter result/forward"), 24 * layers * results * tokens);
  EXPECT_DOUBLE_EQ(bytes.at("adapter result/backward"), 20 * layers * results * tokens);
}

TEST(Copies, MegatronAddsGradientsInTheProduct) {
  const auto bytes = moved({"software=megatron-core", "training.precision=mixed-bf16"});
  EXPECT_FALSE(bytes.contains("gradient sum/backward"));
}

/// Longest launch of the head's product.
double head_seconds(const std::vector<std::string>& overrides) {
  const Prepared p = prepared(llama_1b, overrides);
  double longest = 0;
  for (const Operator& op : list_operators(p, resolved(p.scenario.parallel, p.scenario.devices)))
    if (op.name.starts_with("output.")) longest = std::max(longest, op.time.value.value());
  return longest;
}

// Rows of 50257 bf16 elements begin on 2 bytes, of 50258 on 4, of 50264 on 16: 0.17, 0.33 and 1 of the rate.
TEST(Copies, OddVocabulariesSlowTheHeadWhereTheStackDoesNotPadIt) {
  const double odd = head_seconds({"model.vocab_size=50257"}),
               even = head_seconds({"model.vocab_size=50258"}),
               whole = head_seconds({"model.vocab_size=50264"});
  EXPECT_NEAR(odd / whole, 1 / 0.17, 0.1);
  EXPECT_NEAR(even / whole, 1 / 0.33, 0.1);
  EXPECT_LT(head_seconds({"model.vocab_size=50257", "software=megatron-core"}), 1.01 * whole);
}

class EveryCopy : public testing::TestWithParam<std::vector<std::string>> {};
INSTANTIATE_TEST_SUITE_P(
    Copies, EveryCopy,
    testing::Values(std::vector<std::string>{"training.precision=amp-bf16", "training.global_batch=4"},
                    std::vector<std::string>{"model.vocab_size=50257"},
                    std::vector<std::string>{"training.method=qlora", "training.lora_rank=16"},
                    std::vector<std::string>{"training.method=lora", "training.lora_rank=16"},
                    std::vector<std::string>{"software=megatron-core", "training.precision=mixed-bf16",
                                             "training.global_batch=4"}));

TEST_P(EveryCopy, TheRecordReEvaluates) {
  const Prepared p = prepared(llama_1b, GetParam());
  Explain ex(&p.scenario.origins);
  const Estimate recorded = evaluate(p, &ex);
  EXPECT_EQ(recorded.time.totals.front().amount.value, evaluate(p).time.totals.front().amount.value);
  EXPECT_TRUE(audit(ex).empty());
}

}  // namespace
}  // namespace ridge::test
