#include "cli/grammar.h"

namespace ridge {

const std::vector<KeyFlag>& key_flags() {
  static const std::vector<KeyFlag> flags{
      {"--on,--hardware", "hardware", "hardware preset or YAML"},
      {"-n,--devices", "devices", "accelerators in all; absent: the product of the degrees"},
      {"--software", "software", "software stack (on GPUs megatron-core, or vllm for inference)"},
      {"--seq,--sequence-length", "training.sequence_length", "tokens per sequence", false, true, false},
      {"--micro-batch", "training.micro_batch", "sequences a replica processes at once (1)", false, true,
       false},
      {"--global-batch", "training.global_batch", "sequences per step", false, true, false},
      {"--precision", "training.precision", "recipe: mixed-bf16, fsdp-bf16, fp8 ... (mixed-bf16)", false,
       true, false},
      {"--optimizer", "training.optimizer", "adamw, sgd, lion, muon ... (adamw)", false, true, false},
      {"--recompute", "training.recompute", "none | selective | full", false, true, false},
      {"--method", "training.method", "full | lora | qlora (full)", false, true, false},
      {"--lora-rank", "training.lora_rank", "rank of the adapters (16)", false, true, false},
      {"--phase", "inference.phase", "prefill | decode | request (request)", false, false, true},
      {"--batch", "inference.batch", "sequences together (1)", false, false, true},
      {"--prompt", "inference.prompt_tokens", "tokens of the prompt, or in the cache (2048)", false, false,
       true},
      {"--output", "inference.output_tokens", "tokens generated (128)", false, false, true},
      {"--weights", "inference.weights", "storage format: bf16, fp8, awq-g128, gguf:Q4_K_M ... (bf16)", false,
       false, true},
      {"--kv-cache", "inference.kv_cache", "storage format of keys and values (bf16)", false, false, true},
      {"--tp,--tensor", "parallel.tensor", "tensor parallelism (1)"},
      {"--pp,--pipeline", "parallel.pipeline", "pipeline stages (1)"},
      {"--dp,--data", "parallel.data", "data-parallel replicas (derived)"},
      {"--cp,--context", "parallel.context", "context parallelism (1)"},
      {"--ep,--expert", "parallel.expert", "expert parallelism (1)"},
      {"--etp,--expert-tensor", "parallel.expert_tensor", "tensor parallelism of one expert (derived)"},
      {"--sp,--sequence-parallel", "parallel.sequence", "sequence parallelism", true, true, false},
      {"--vpp,--virtual-stages", "parallel.virtual_stages", "model chunks per stage (1)", false, true, false},
      {"--schedule", "parallel.schedule", "1f1b | gpipe | interleaved-1f1b | zb-h1 | zbv | dualpipe", false,
       true, false},
      {"--zero", "parallel.zero", "ZeRO stage 0 to 3 (0)", false, true, false},
      {"--offload", "parallel.offload", "none | optimizer | optimizer+parameters", false, true, false},
  };
  return flags;
}

}  // namespace ridge
