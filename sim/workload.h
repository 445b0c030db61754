#pragma once
/// What is asked: a training step, an inference phase, or one operator.  The keys are those of a
/// scenario file (`training.*`, `inference.*`, `operator.*`).

#include "base/schema.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ridge {

/// Which activations are thrown away in the forward pass and computed again in the backward pass.
enum class Recompute { none, selective, full };
/// Which parameters are trained.
enum class Method { full, lora, qlora };

/// One optimizer step on `global_batch` sequences.
struct Training {
  std::int64_t sequence_length = 0;      ///< tokens per sequence
  std::int64_t micro_batch = 1;          ///< sequences a data-parallel replica processes at once
  std::int64_t global_batch = 0;         ///< sequences per optimizer step
  std::string precision = "mixed-bf16";  ///< name of a recipe in presets/precision
  std::string optimizer = "adamw";
  std::optional<Recompute> recompute;  ///< absent: not stated; evaluated as `none`
  Method method = Method::full;
  std::int64_t lora_rank = 16;
  std::string lora_targets = "all-linear";  ///< attention | feed-forward | all-linear | "q+v"
};

enum class InferencePhase { prefill, decode, request };

/// Serving `batch` sequences at once.
struct Inference {
  InferencePhase phase = InferencePhase::request;
  std::int64_t batch = 1;          ///< sequences
  std::int64_t prompt_tokens = 0;  ///< prefill: tokens to process; decode: tokens already in the cache
  std::int64_t output_tokens = 0;  ///< request only
  std::string weights = "bf16";    ///< storage format (presets/formats)
  std::string kv_cache = "bf16";
};

/// One operator on its own; which sizes matter depends on `kind`.
struct OperatorCase {
  std::string kind;  ///< one of operator_kinds()
  std::string direction, dtype = "bf16", implementation, phase = "forward", collective, launch,
                         optimizer = "adamw";
  std::int64_t bytes = 0, rows = 0, hidden = 0, m = 0, n = 0, k = 0;
  std::int64_t batch = 1, heads = 0, kv_heads = 0, head_dim = 0, sequence = 0;
  std::int64_t ffn = 0, experts = 0, top_k = 0, tokens = 0, expert_parallel = 1, parameters = 0;
  bool causal = true;
};

/// Kinds that `operator.kind` may name.
const std::vector<std::string>& operator_kinds();

/// What was measured, for `ridge validate`; every key is optional.
struct Measured {
  std::optional<double> tokens_per_second_per_device, tokens_per_second, model_flops_utilization;
  std::optional<double> tflops_per_device;
  std::optional<double> step_seconds, prefill_seconds, decode_step_seconds, time_to_first_token,
      time_per_output_token, request_seconds, seconds;
  std::optional<double> peak_allocated_bytes, peak_reserved_bytes, parameters, bytes;
};

template <> struct EnumNames<Recompute> {
  static constexpr std::pair<Recompute, std::string_view> names[] = {
      {Recompute::none, "none"}, {Recompute::selective, "selective"}, {Recompute::full, "full"}};
};
template <> struct EnumNames<Method> {
  static constexpr std::pair<Method, std::string_view> names[] = {
      {Method::full, "full"}, {Method::lora, "lora"}, {Method::qlora, "qlora"}};
};
template <> struct EnumNames<InferencePhase> {
  static constexpr std::pair<InferencePhase, std::string_view> names[] = {
      {InferencePhase::prefill, "prefill"},
      {InferencePhase::decode, "decode"},
      {InferencePhase::request, "request"}};
};
template <> struct SchemaOf<Training> { static const Schema<Training>& get(); };
template <> struct SchemaOf<Inference> { static const Schema<Inference>& get(); };
template <> struct SchemaOf<OperatorCase> { static const Schema<OperatorCase>& get(); };
template <> struct SchemaOf<Measured> { static const Schema<Measured>& get(); };

}  // namespace ridge
