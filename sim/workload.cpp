#include "sim/workload.h"

namespace ridge {

const Schema<Training>& SchemaOf<Training>::get() {
  static const Schema<Training> s{
      "training",
      "One optimizer step on global_batch sequences",
      {
          field("sequence_length", &Training::sequence_length, "tokens per sequence")
              .range(1, 1e9)
              .required(),
          field("micro_batch", &Training::micro_batch, "sequences a data-parallel replica processes at once")
              .range(1, 1e7),
          field("global_batch", &Training::global_batch,
                "sequences per optimizer step; absent: one micro-batch per replica and pipeline stage")
              .range(1, 1e9),
          field("precision", &Training::precision, "recipe of presets/precision: bytes per parameter"),
          field("optimizer", &Training::optimizer, "optimizer of presets/optimizers"),
          field("recompute", &Training::recompute, "activations computed again in the backward pass"),
          field("method", &Training::method, "which parameters are trained"),
          field("lora_rank", &Training::lora_rank, "rank of the low-rank adapters").range(1, 1e6),
          field("lora_targets", &Training::lora_targets,
                "layers with adapters: attention | feed-forward | all-linear, or roles such as q+v"),
      }};
  return s;
}

const Schema<Inference>& SchemaOf<Inference>::get() {
  static const Schema<Inference> s{
      "inference",
      "Serving `batch` sequences at once",
      {
          field("phase", &Inference::phase, "what is timed: the prompt, one token, or a whole request"),
          field("batch", &Inference::batch, "sequences processed together").range(1, 1e7),
          field("prompt_tokens", &Inference::prompt_tokens,
                "prefill, request: tokens to process; decode: tokens already in the cache")
              .range(0, 1e9),
          field("output_tokens", &Inference::output_tokens, "tokens generated; request only").range(0, 1e9),
          field("weights", &Inference::weights,
                "storage format: bf16 fp8 int8 awq-g128 gptq-g128 nf4 mxfp4 gguf:Q4_K_M ..."),
          field("kv_cache", &Inference::kv_cache, "storage format of keys and values"),
      }};
  return s;
}

const std::vector<std::string>& operator_kinds() {
  static const std::vector<std::string> kinds = {"gemm",    "attention",  "attention_decode", "copy",
                                                 "rmsnorm", "collective", "moe_layer",        "optimizer"};
  return kinds;
}

const Schema<OperatorCase>& SchemaOf<OperatorCase>::get() {
  using O = OperatorCase;
  static const Schema<O> s{
      "operator",
      "One operator alone; which sizes matter depends on its kind",
      {
          field("kind", &O::kind, "what is timed").one_of(operator_kinds()).required(),
          field("direction", &O::direction, "copy: from where to where; absent: on the device")
              .one_of({"device_to_device", "host_to_device", "device_to_host"}),
          field("dtype", &O::dtype, "number format of the operands")
              .one_of({"fp64", "fp32", "tf32", "bf16", "fp16", "fp8", "fp6", "fp4", "nvfp4", "mxfp4", "int8",
                       "int4"}),
          field("implementation", &O::implementation, "attention: which kernels").one_of({"flash", "cudnn"}),
          field("phase", &O::phase, "attention: which passes")
              .one_of({"forward", "backward", "forward+backward"}),
          field("collective", &O::collective, "collective: which; over all devices")
              .one_of(
                  {"all_reduce", "all_gather", "reduce_scatter", "all_to_all", "broadcast", "send_receive"}),
          field("launch", &O::launch, "how a measurement issued its kernels; carried through")
              .one_of({"eager", "stream", "graph"}),
          field("optimizer", &O::optimizer, "optimizer: which").one_of({"adamw"}),
          field("bytes", &O::bytes, "payload of a copy or collective").range(0, 1e15),
          field("rows", &O::rows, "rmsnorm: rows").range(0, 1e9),
          field("hidden", &O::hidden, "width of a row").range(0, 1e7),
          field("m", &O::m, "rows of the product").range(0, 1e9),
          field("n", &O::n, "columns of the product").range(0, 1e9),
          field("k", &O::k, "summed dimension of the product").range(0, 1e9),
          field("batch", &O::batch, "sequences").range(1, 1e7),
          field("heads", &O::heads, "query heads").range(0, 1e6),
          field("kv_heads", &O::kv_heads, "key and value heads; 0: as many as query heads").range(0, 1e6),
          field("head_dim", &O::head_dim, "elements per head").range(0, 1e6),
          field("sequence", &O::sequence, "tokens attended").range(0, 1e9),
          field("ffn", &O::ffn, "width of one expert").range(0, 1e7),
          field("experts", &O::experts, "experts in all").range(0, 1e6),
          field("top_k", &O::top_k, "experts a token visits").range(0, 1e6),
          field("tokens", &O::tokens, "tokens routed").range(0, 1e9),
          field("expert_parallel", &O::expert_parallel, "devices the experts are spread over")
              .range(1, 65536),
          field("parameters", &O::parameters, "optimizer: parameters updated").range(0, 1e15),
          field("causal", &O::causal, "the mask hides later tokens"),
      }};
  return s;
}

const Schema<Measured>& SchemaOf<Measured>::get() {
  using M = Measured;
  static const Schema<M> s{
      "measured",
      "What was measured, for `ridge validate`",
      {
          field("step_seconds", &M::step_seconds, "one optimizer step [s]").positive(),
          field("prefill_seconds", &M::prefill_seconds, "processing the prompt [s]").positive(),
          field("decode_step_seconds", &M::decode_step_seconds, "one token for every sequence [s]")
              .positive(),
          field("time_to_first_token", &M::time_to_first_token, "request sent to first token [s]").positive(),
          field("time_per_output_token", &M::time_per_output_token, "mean over the output [s]").positive(),
          field("request_seconds", &M::request_seconds, "prompt and all output tokens of the batch [s]")
              .positive(),
          field("seconds", &M::seconds, "one operator [s]").positive(),
          field("tokens_per_second", &M::tokens_per_second, "of the whole system").positive(),
          field("tokens_per_second_per_device", &M::tokens_per_second_per_device, "of one device").positive(),
          field("tflops_per_device", &M::tflops_per_device, "model FLOP/s of one device [1e12 FLOP/s]")
              .positive(),
          field("model_flops_utilization", &M::model_flops_utilization, "of the device's peak").fraction(),
          field("peak_allocated_bytes", &M::peak_allocated_bytes, "of one device [B]").positive(),
          field("peak_reserved_bytes", &M::peak_reserved_bytes, "held by the allocator of one device [B]")
              .positive(),
          field("parameters", &M::parameters, "of the model").positive(),
          field("bytes", &M::bytes, "of the weights in their storage format [B]").positive(),
      }};
  return s;
}

}  // namespace ridge
