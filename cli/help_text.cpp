#include "cli/help_text.h"

namespace ridge {
namespace {

constexpr HelpText texts[] = {
    {"ridge", "Plans the training and serving of language models: does it fit, how fast, and why.",
     R"(ridge plan llama-3-70b-64-h100                  a real pretraining job, from a preset
ridge train gpt2-xl --on hgx-h200 -n 8          the same kind of answer from flags
ridge infer llama-3-70b --on dgx-h100 --tp 8    time to first token, time per token
ridge explain time.step_seconds llama-3-70b-64-h100
ridge help plan                                 help of one command, with examples)"},
    {"list", "Lists the presets there are",
     R"(ridge list                        how many of each kind
ridge list models                 with parameters, layers, context
ridge list hardware --markdown
ridge list scenarios --names      names only, for scripts)"},
    {"model", "Shows what a model is: parameters, FLOPs, cache and weight bytes",
     R"(ridge model llama-3-70b
ridge model path/to/config.json   a Hugging Face config as it is
ridge model mixtral-8x7b --tensors
ridge model llama-3-8b --set model.layers=12 --json)"},
    {"hardware", "Shows what a machine can do, and who says so",
     R"(ridge hardware dgx-h100
ridge hardware my-cluster.yaml --markdown
ridge hardware hgx-h200 --set "hardware.device.hbm.bandwidth=6 TB/s")"},
    {"plan", "Answers a scenario: fits, how fast, what limits it, what would help",
     R"(ridge plan llama-3-70b-64-h100
ridge plan run.yaml --set parallel.tensor=4 --set training.recompute=full
ridge plan run.yaml --json | jq .time.step_seconds
ridge plan run.yaml --explain memory.peak_allocated_bytes
ridge plan run.yaml > /dev/null && sbatch job.sh      only when it fits)"},
    {"train", "Plans a training step from flags",
     R"(ridge train llama-3-8b --on hgx-h200 --devices 8 --zero 3 --precision fsdp-bf16
ridge train llama-3-70b --on dgx-h100 --devices 64 --tp 8 --pp 2 --sp --zero 1 \
  --seq 8192 --global-batch 256 --recompute selective
ridge train llama-3-8b --on hgx-h200 --method lora --lora-rank 16 --save lora.yaml)"},
    {"infer", "Plans serving from flags: prompt, one token, or a whole request",
     R"(ridge infer llama-3-70b --on dgx-h100 --tp 8 --batch 32 --prompt 2048 --output 256
ridge infer llama-3-8b --on m3-max-40 --software llama.cpp --weights gguf:Q4_K_M
ridge infer deepseek-v3 --on hgx-h200 --tp 8 --weights fp8 --phase decode --prompt 4096)"},
    {"compare", "Puts scenarios side by side with their differences",
     R"(ridge compare before.yaml after.yaml
ridge compare llama-3-70b-64-h100 +hardware=hgx-h200 +training.precision=fp8
ridge compare run.yaml run.yaml,parallel.zero=1,training.recompute=full
ridge compare llama-3-70b-64-h100 --vary parallel.virtual_stages=2,4)",
     "A scenario may carry changes after commas; +KEY=VALUE is the first scenario with a change. "
     "--set applies to all."},
    {"validate", "Compares predictions with measurements",
     R"(ridge validate measurements.csv
ridge validate *.csv --rows                 every row, with the reasons of refusals
ridge validate *.csv --by metric --markdown > scoreboard.md
ridge validate *.csv --json | jq '.summary[] | {group, metric, median}')",
     "A file holds one scenario a row; its header holds scenario keys joined by dots, and measured.* keys. "
     "The status is 2 when a row cannot be read or none has a prediction; plans judged infeasible are "
     "answers."},
    {"explain", "Shows how a number came to be: formula, substitution, inputs, sources",
     R"(ridge explain llama-3-70b-64-h100                            the keys there are
ridge explain time.step_seconds llama-3-70b-64-h100
ridge explain memory.parts.weights run.yaml --depth 1
ridge explain limits.network.seconds run.yaml
ridge explain advice.0.seconds run.yaml
ridge explain throughput.model_flops_utilization run.yaml --json)"},
    {"schema", "Documents the keys of input files",
     R"(ridge schema                   a scenario: every key, type, range
ridge schema hardware
ridge schema scenario --json   JSON Schema, for editors)"},
    {"calibrate", "Measures this machine and fits its hardware profile (hands over to ridge-calibrate)",
     R"(ridge calibrate                             measure, fit, write profile and hardware file
ridge calibrate --quick                     the same in under 40 s
ridge calibrate --dry-run --device cuda     what would run, also where there is no such device
ridge calibrate import all_reduce.txt       take in nccl-tests, nvbandwidth, tables
ridge calibrate check PROFILE runs.jsonl    predictions against other measurements
ridge calibrate --compare A.yaml B.yaml     parameters and predictions of two profiles
ridge calibrate show PROFILE                what it holds, and its held-out errors
ridge calibrate plot PROFILE --out plots    measured against fitted, as SVG
ridge calibrate show --help                 every command's flags; all take --json)",
     "A hardware file takes a profile in with `profile: PATH`."},
    {"completion", "Prints a completion script for a shell",
     R"(source <(ridge completion bash)
ridge completion zsh > ~/.zfunc/_ridge)"},
};

}  // namespace

const HelpText& help_text(std::string_view command) {
  for (const HelpText& t : texts)
    if (t.command == command) return t;
  return texts[0];
}

}  // namespace ridge
