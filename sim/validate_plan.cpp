#include "sim/validate_plan.h"

#include "base/quantity_text.h"
#include "hardware/topology.h"
#include "sim/kernels.h"
#include "sim/memory.h"
#include "sim/partition.h"
#include "sim/premises.h"
#include "sim/schedule.h"

#include <algorithm>
#include <fmt/format.h>

namespace ridge {
namespace {

std::string divisors(std::int64_t n, std::int64_t most) {
  std::string text;
  for (std::int64_t d = 1; d <= std::min(n, most); ++d) {
    if (n % d != 0) continue;
    if (!text.empty()) text += ", ";
    text += std::to_string(d);
  }
  return text;
}

/// Beyond any machine; keeps products of degrees exact.
constexpr std::int64_t most_devices = std::int64_t{1} << 24;

class Checker {
 public:
  Checker(const Prepared& p, const ParallelPlan& plan) : p_(p), plan_(plan), a_(p.scenario.model) {}

  std::vector<Violation> run() {
    if (!degrees()) return std::move(found_);
    grid();
    tensor();
    pipeline();
    experts();
    if (const Training* t = p_.scenario.training()) training(*t);
    if (const Inference* i = p_.scenario.inference()) inference(*i);
    positions();
    precision();
    network();
    return std::move(found_);
  }

 private:
  void add(std::string code, std::string problem, std::string remedy) {
    found_.push_back({std::move(code), std::move(problem), std::move(remedy)});
  }

  bool degrees() {
    const std::pair<const char*, std::int64_t> all[] = {{"data", plan_.data},
                                                        {"tensor", plan_.tensor},
                                                        {"pipeline", plan_.pipeline},
                                                        {"virtual_stages", plan_.virtual_stages},
                                                        {"context", plan_.context},
                                                        {"expert", plan_.expert},
                                                        {"expert_tensor", plan_.expert_tensor}};
    for (const auto& [name, value] : all) {
      if (value >= 1 && value <= most_devices) continue;
      add("degree", fmt::format("parallel.{} is {}", name, value),
          fmt::format("set parallel.{} to 1 to {}", name, most_devices));
    }
    const double product = static_cast<double>(plan_.data) * static_cast<double>(plan_.tensor) *
                           static_cast<double>(plan_.context) * static_cast<double>(plan_.pipeline);
    if (found_.empty() && product > most_devices) {
      add("degree", "the plan's degrees multiply to more devices than exist",
          fmt::format("set them so that their product is {}", p_.scenario.devices));
    }
    if (plan_.zero < 0 || plan_.zero > 3) {
      add("degree", fmt::format("parallel.zero is {}", plan_.zero), "set parallel.zero to 0, 1, 2 or 3");
    }
    return found_.empty();
  }

  void grid() {
    const std::int64_t inner = plan_.tensor * plan_.context * plan_.pipeline;
    const std::int64_t product = inner * plan_.data, devices = p_.scenario.devices;
    if (product == devices) return;
    add("devices-by-plan",
        fmt::format("data {} x tensor {} x context {} x pipeline {} = {} devices, but there are {}",
                    plan_.data, plan_.tensor, plan_.context, plan_.pipeline, product, devices),
        devices % inner == 0
            ? fmt::format("set parallel.data to {}", devices / inner)
            : fmt::format("set devices to {}, or degrees whose product divides {}", product, devices));
  }

  void tensor() {
    const std::int64_t t = plan_.tensor;
    if (t == 1) return;
    const bool has_attention = std::ranges::any_of(p_.inventory.layers.kinds, [](const LayerKind& k) {
      return k.mixer == Mixer::attention || k.mixer == Mixer::latent_attention;
    });
    if (has_attention && a_.heads % t != 0) {
      add("heads-by-tensor",
          fmt::format("{} heads cannot be divided over {} tensor-parallel ranks", a_.heads, t),
          fmt::format("set parallel.tensor to one of {}", divisors(a_.heads, p_.scenario.devices)));
    }
    const std::int64_t k = a_.kv_heads;
    if (has_attention && a_.latent.kv_lora_rank == 0 && k > 0 && k % t != 0 && t % k != 0) {
      add("kv-heads-by-tensor",
          fmt::format("{} key-value heads are neither a multiple nor a divisor of {} tensor-parallel ranks",
                      k, t),
          fmt::format("set parallel.tensor to a divisor or multiple of {}", k));
    }
    if (a_.ffn_hidden_size % t != 0) {
      add("ffn-by-tensor",
          fmt::format("feed-forward width {} cannot be divided over {} tensor-parallel ranks",
                      a_.ffn_hidden_size, t),
          fmt::format("set parallel.tensor to a divisor of {}", a_.ffn_hidden_size));
    }
  }

  void pipeline() {
    const ScheduleKind kind = plan_.schedule;
    const std::int64_t p = plan_.pipeline, chunks = p * (kind == ScheduleKind::dualpipe
                                                             ? 1
                                                             : chunks_per_stage(kind, plan_.virtual_stages));
    const std::int64_t layers = a_.layers + a_.encoder_layers;
    if (layers < chunks) {
      add("layers-by-pipeline",
          fmt::format("{} layers cannot fill {} pipeline stages of {} chunks", layers, p, chunks / p),
          fmt::format("set parallel.pipeline x chunks to {} or less", layers));
    }
    if (plan_.virtual_stages > 1 && kind != ScheduleKind::interleaved &&
        !(kind == ScheduleKind::zbv && plan_.virtual_stages == 2)) {
      add("virtual-stages-by-schedule",
          fmt::format("schedule {} does not cut stages into {} chunks", enum_name(kind),
                      plan_.virtual_stages),
          "set parallel.schedule to interleaved-1f1b, or parallel.virtual_stages to 1");
    }
    if (kind == ScheduleKind::interleaved && plan_.virtual_stages > 1 && p == 1) {
      add("stages-by-schedule", "interleaving needs at least two pipeline stages",
          "set parallel.virtual_stages to 1");
    }
    if (kind == ScheduleKind::dualpipe && p % 2 != 0) {
      add("stages-by-schedule", fmt::format("dualpipe needs an even number of stages, not {}", p),
          fmt::format("set parallel.pipeline to {} or {}", p - 1, p + 1));
    }
    if (p_.inventory.layers.kinds.size() > max_layer_kinds) {
      add("layers-by-pipeline",
          fmt::format("the model has {} kinds of layers, more than {}", p_.inventory.layers.kinds.size(),
                      max_layer_kinds),
          "describe it with fewer kinds");
    }
  }

  void experts() {
    const std::int64_t e = plan_.expert, et = plan_.expert_tensor,
                       plane = plan_.data * plan_.context * plan_.tensor;
    if (a_.moe.experts == 0) {
      if (e > 1)
        add("experts-absent",
            fmt::format("expert parallelism over {} ranks, but the model has no experts", e),
            "set parallel.expert to 1");
      return;
    }
    if (a_.moe.experts % e != 0) {
      add("experts-by-expert",
          fmt::format("{} experts cannot be divided over {} expert-parallel ranks", a_.moe.experts, e),
          fmt::format("set parallel.expert to one of {}", divisors(a_.moe.experts, plane)));
    }
    if (a_.moe.ffn_hidden_size % et != 0) {
      add("experts-by-expert",
          fmt::format("expert width {} cannot be divided over {} expert-tensor ranks", a_.moe.ffn_hidden_size,
                      et),
          fmt::format("set parallel.expert_tensor to a divisor of {}", a_.moe.ffn_hidden_size));
    }
    if (plane % (e * et) != 0) {
      add("plane-by-expert",
          fmt::format("expert {} x expert_tensor {} does not divide data x context x tensor = {}", e, et,
                      plane),
          fmt::format("set parallel.expert x parallel.expert_tensor to one of {}", divisors(plane, 1024)));
    }
  }

  void training(const Training& t) {
    const std::int64_t at_once = t.micro_batch * plan_.data;
    if (at_once < 1 || t.global_batch < 1 || t.global_batch % at_once != 0) {
      add("batch-by-data",
          fmt::format("global batch {} is not a multiple of micro_batch {} x data {} = {}", t.global_batch,
                      t.micro_batch, plan_.data, at_once),
          fmt::format("set training.global_batch to a multiple of {}, or parallel.data to one of {}", at_once,
                      t.micro_batch > 0 && t.global_batch % t.micro_batch == 0
                          ? divisors(t.global_batch / t.micro_batch, 4096)
                          : "1"));
    }
    divisible(t.sequence_length, "training.sequence_length");
    if (p_.scenario.software.purpose == StackPurpose::serving) {
      add("stack-by-workload", fmt::format("{} serves and does not train", p_.scenario.software_name),
          "set software to megatron-core, torchtitan, transformers-eager or another stack that trains");
    }
    const std::int64_t m = micro_batches_per_step(t, plan_);
    if (plan_.schedule == ScheduleKind::dualpipe && plan_.pipeline > 1 &&
        (m < 2 * plan_.pipeline || m % 2 != 0)) {
      add("micro-batches-by-schedule",
          fmt::format("dualpipe over {} stages needs an even number of at least {} micro-batches, not {}",
                      plan_.pipeline, 2 * plan_.pipeline, m),
          fmt::format("set training.global_batch to {}", 2 * plan_.pipeline * at_once));
    }
    if (plan_.schedule == ScheduleKind::interleaved && plan_.pipeline > 1 && m % plan_.pipeline != 0) {
      add("micro-batches-by-schedule",
          fmt::format("interleaved-1f1b over {} stages needs a multiple of {} micro-batches, not {}",
                      plan_.pipeline, plan_.pipeline, m),
          fmt::format("set training.global_batch to a multiple of {}", plan_.pipeline * at_once));
    }
    if (plan_.offload == Offload::optimizer_parameters && plan_.zero < 3) {
      add("offload-by-zero", fmt::format("offloaded parameters need ZeRO stage 3, not {}", plan_.zero),
          "set parallel.zero to 3, or parallel.offload to optimizer");
    }
    if (t.method != Method::full && t.lora_rank < 1) {
      add("lora-rank", fmt::format("low-rank adapters of rank {}", t.lora_rank),
          "set training.lora_rank to 1 or more");
    }
    if (t.method != Method::full && p_.adapters.empty()) {
      add("lora-targets", fmt::format("no linear layers are called '{}'", printable(t.lora_targets)),
          "set training.lora_targets to attention, feed-forward, all-linear, or roles such as q+v");
    }
  }

  void inference(const Inference& i) {
    divisible(i.phase == InferencePhase::decode ? 0 : i.prompt_tokens, "inference.prompt_tokens");
    if (i.phase != InferencePhase::prefill && !a_.causal && a_.encoder_layers == 0) {
      add("encoder-generates",
          fmt::format("{} is an encoder: it reads whole sequences and generates none",
                      p_.scenario.model_name),
          "set inference.phase to prefill");
    }
    if (plan_.offload != Offload::none) {
      add("offload-unasked", "offload holds optimizer states, and inference has none",
          "set parallel.offload to none");
    }
  }

  void divisible(std::int64_t tokens, const char* key) {
    const std::int64_t parts = plan_.context * (plan_.sequence ? plan_.tensor : 1);
    if (tokens > 0 && parts > 1 && tokens % parts != 0) {
      add("sequence-by-context",
          fmt::format("{} {} cannot be divided over {} ranks (context{})", key, tokens, parts,
                      plan_.sequence ? " x tensor" : ""),
          fmt::format("set {} to a multiple of {}", key, parts));
    }
  }

  void positions() {
    const auto [tokens, keys] = longest_sequence(p_.scenario);
    if (a_.positions != Positions::learned || a_.max_positions <= 0 || tokens <= a_.max_positions) return;
    add("sequence-by-positions",
        fmt::format("{} {} exceeds the model's {} learned positions", keys, tokens, a_.max_positions),
        fmt::format("ask for {} tokens or fewer, or raise model.max_positions", a_.max_positions));
  }

  void precision() {
    const std::string_view name = p_.scenario.training() ? std::string_view(p_.scenario.precision.compute)
                                                         : enum_name(p_.scenario.weight_format.arithmetic);
    if (matrix_execution(p_.scenario.hardware.device, precision_named(name))) return;
    add("precision-unsupported",
        fmt::format("{} cannot compute in {}, nor in anything that stands in for it",
                    p_.scenario.hardware.device.name, name),
        p_.scenario.training() ? "choose another training.precision" : "choose another inference.weights");
  }

  void network() {
    const Cluster& c = p_.scenario.hardware;
    const std::int64_t devices = p_.scenario.devices;
    if (devices <= 1) return;
    const std::int64_t most = c.max_nodes > 0 ? c.max_nodes * c.node.devices : 0;
    const bool is_too_many = most > 0 && devices > most;
    if (!is_too_many && group_link(c, devices, 1).is_joined) return;
    add("not-connected",
        fmt::format("{} does not join {} devices", c.name.empty() ? "the hardware" : c.name, devices),
        is_too_many ? fmt::format("use {} devices or fewer", most)
                    : "add a network tier under hardware.tiers, or use fewer devices");
  }

  const Prepared& p_;
  const ParallelPlan& plan_;
  const Architecture& a_;
  std::vector<Violation> found_;
};

}  // namespace

std::vector<Violation> validate(const Prepared& p, const ParallelPlan& plan) {
  return Checker(p, plan).run();
}

}  // namespace ridge
