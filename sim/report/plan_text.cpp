#include "base/quantity_text.h"
#include "sim/report/plan_report.h"

#include <algorithm>
#include <fmt/format.h>

namespace ridge {
namespace {

std::string training_text(const Training& t) {
  std::string text = fmt::format("training: sequence {}, micro-batch {}, global batch {}, {}, {}",
                                 t.sequence_length, t.micro_batch, t.global_batch, t.precision, t.optimizer);
  if (t.recompute) text += fmt::format(", recompute {}", enum_name(*t.recompute));
  if (t.method != Method::full) text += fmt::format(", {} rank {}", enum_name(t.method), t.lora_rank);
  return text;
}

std::string inference_text(const Inference& i) {
  std::string text = fmt::format("{}: batch {}, prompt {}", enum_name(i.phase), i.batch, i.prompt_tokens);
  if (i.phase == InferencePhase::request) text += fmt::format(", output {}", i.output_tokens);
  return text + fmt::format(", weights {}, cache {}", i.weights, i.kv_cache);
}

}  // namespace

std::string workload_text(const Scenario& s) {
  if (const Training* t = s.training()) return training_text(*t);
  if (const Inference* i = s.inference()) return inference_text(*i);
  if (const OperatorCase* o = s.operator_case()) return "operator " + o->kind;
  return "";
}

std::string plan_text(const ParallelPlan& p) {
  std::string text;
  const auto degree = [&text](std::string_view name, std::int64_t n) {
    if (n > 1) text += fmt::format("{}{} {}", text.empty() ? "" : " \u00B7 ", name, n);
  };
  degree("tensor", p.tensor);
  degree("pipeline", p.pipeline);
  degree("chunks", p.virtual_stages);
  degree("context", p.context);
  degree("data", p.data);
  degree("expert", p.expert);
  if (p.expert > 1) degree("expert tensor", p.expert_tensor);
  const auto word = [&text](const std::string& w) { text += (text.empty() ? "" : " \u00B7 ") + w; };
  if (p.sequence) word("sequence parallel");
  if (p.zero > 0) word(fmt::format("ZeRO-{}", p.zero));
  if (p.pipeline > 1) word(std::string(enum_name(p.schedule)));
  if (p.offload != Offload::none) word(fmt::format("offload {}", enum_name(p.offload)));
  return text.empty() ? "not split" : text;
}

Verdict verdict_of(const Estimate& e) {
  if (e.fits) return Verdict::fits;
  const bool is_memory_alone = std::all_of(e.violations.begin(), e.violations.end(),
                                           [](const Violation& v) { return v.code.starts_with("out-of-"); });
  return is_memory_alone ? Verdict::does_not_fit : Verdict::cannot_run;
}

std::string_view verdict_text(Verdict v) {
  return v == Verdict::fits ? "fits" : v == Verdict::does_not_fit ? "does not fit" : "cannot run";
}

std::string_view headline_name(std::string_view key) {
  if (key == "step_seconds") return "step";
  if (key == "prefill_seconds") return "prefill";
  if (key == "decode_step_seconds") return "decode step";
  if (key == "request_seconds") return "request";
  if (key == "time_to_first_token") return "first token";
  if (key == "time_per_output_token") return "per token";
  if (key == "seconds") return "operator";
  return key;
}

}  // namespace ridge
