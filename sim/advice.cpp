#include "sim/advice.h"

#include "sim/kernels.h"
#include "sim/prepare.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace ridge {
namespace {

using Settings = std::vector<std::string>;

template <class T> std::string setting(std::string_view key, const T& value) {
  return fmt::format("{}={}", key, value);
}

/// Collects changes of one scenario.
class Changes {
 public:
  Changes(const Scenario& s, StatedKeys stated, bool fits)
      : s_(s), stated_(stated), fits_(fits), plan_(resolved(s.parallel, s.devices)) {}

  std::vector<Change> run() {
    if (!s_.training() && !s_.inference()) return {};
    degrees();
    if (s_.training()) training();
    if (s_.inference()) inference();
    if (!fits_) more_devices();
    return std::move(all_);
  }

 private:
  void add(AdviceKind kind, std::string label, Settings settings) {
    all_.push_back({kind, std::move(label), std::move(settings)});
  }

  std::int64_t grid(const ParallelPlan& p) const { return p.tensor * p.pipeline * p.context; }

  /// A change of the degrees on the same devices, with what must be stated to keep them and the work.
  void regrid(const ParallelPlan& p, std::string label, Settings settings) {
    if (s_.devices % grid(p) != 0) return;
    const std::int64_t data = s_.devices / grid(p);
    if (stated_.data && data != s_.parallel.data) settings.push_back(setting("parallel.data", data));
    if (!stated_.devices) settings.push_back(setting("devices", s_.devices));
    keep_work(settings);
    add(AdviceKind::plan, std::move(label), std::move(settings));
  }

  void keep_work(Settings& settings) const {
    if (const Training* t = s_.training(); t && !stated_.global_batch)
      settings.push_back(setting("training.global_batch", t->global_batch));
  }

  /// Powers of two and neighbours of the present degree, up to `most`.
  static std::set<std::int64_t> degrees_up_to(std::int64_t most, std::int64_t now) {
    std::set<std::int64_t> out{now * 2};
    if (now % 2 == 0) out.insert(now / 2);
    for (std::int64_t n = 1; n <= 16; n *= 2) out.insert(n);
    std::erase_if(out, [&](std::int64_t n) { return n < 1 || n > most || n == now; });
    return out;
  }

  void degree(std::string_view key, std::int64_t ParallelPlan::*member, std::int64_t most,
              std::string_view one, std::string_view many) {
    for (const std::int64_t n : degrees_up_to(std::min(most, s_.devices), plan_.*member)) {
      ParallelPlan p = plan_;
      p.*member = n;
      Settings settings{setting(key, n)};
      if (key == "parallel.pipeline" && n == 1 && plan_.virtual_stages > 1)
        settings.insert(settings.end(), {"parallel.virtual_stages=1", "parallel.schedule=1f1b"});
      if (key == "parallel.tensor" && n == 1 && plan_.sequence)
        settings.emplace_back("parallel.sequence=false");
      regrid(p, n == 1 ? std::string(one) : fmt::format(fmt::runtime(many), n), std::move(settings));
    }
  }

  void degrees() {
    const std::int64_t node = std::max<std::int64_t>(s_.hardware.node.devices, 1);
    degree("parallel.tensor", &ParallelPlan::tensor, 2 * node, "no tensor parallelism",
           "tensor parallelism {}");
    degree("parallel.pipeline", &ParallelPlan::pipeline, s_.model.layers, "no pipeline",
           "{} pipeline stages");
    if (plan_.context > 1 || tokens_at_once() >= 16384)
      degree("parallel.context", &ParallelPlan::context, 64, "no context parallelism",
             "context parallelism {}");
    trade_tensor_for_pipeline();
    if (s_.model.moe.experts > 0) experts();
    if (stated_.data && s_.devices % grid(plan_) == 0 && plan_.data * grid(plan_) != s_.devices)
      regrid(plan_, "as many replicas as there are devices for", {});
  }

  std::int64_t tokens_at_once() const {
    return s_.training() ? s_.training()->sequence_length : s_.inference()->prompt_tokens;
  }

  /// Half the tensor ranks, twice the stages, and the other way: each device holds as much as before.
  void trade_tensor_for_pipeline() {
    const auto trade = [this](std::int64_t tensor, std::int64_t pipeline) {
      ParallelPlan p = plan_;
      p.tensor = tensor;
      p.pipeline = pipeline;
      regrid(p, fmt::format("tensor parallelism {}, {} pipeline stages", tensor, pipeline),
             {setting("parallel.tensor", tensor), setting("parallel.pipeline", pipeline)});
    };
    if (plan_.tensor % 2 == 0) trade(plan_.tensor / 2, plan_.pipeline * 2);
    if (plan_.pipeline % 2 == 0) trade(plan_.tensor * 2, plan_.pipeline / 2);
  }

  void experts() {
    std::set<std::int64_t> counts{plan_.expert * 2, plan_.expert / 2, 1, 2, 4, 8, 16, 32, 64};
    for (const std::int64_t n : counts) {
      if (n < 1 || n == plan_.expert || n > s_.devices || s_.model.moe.experts % n != 0) continue;
      Settings settings{setting("parallel.expert", n)};
      if (!stated_.devices) settings.push_back(setting("devices", s_.devices));
      keep_work(settings);
      add(AdviceKind::plan, n == 1 ? "no expert parallelism" : fmt::format("experts over {} devices", n),
          std::move(settings));
    }
  }

  void training() {
    const Training& t = *s_.training();
    for (const auto& [value, name] : EnumNames<Recompute>::names)
      if (value != t.recompute.value_or(Recompute::none))
        add(AdviceKind::plan,
            value == Recompute::none ? "no recomputation" : fmt::format("{} recomputation", name),
            {setting("training.recompute", name)});
    for (const std::int64_t n : degrees_up_to(t.global_batch, t.micro_batch)) {
      if (n > 4 * t.micro_batch || t.global_batch % (n * plan_.data) != 0) continue;
      Settings settings{setting("training.micro_batch", n)};
      keep_work(settings);
      add(AdviceKind::plan, fmt::format("micro-batches of {}", n), std::move(settings));
    }
    sharding();
    schedules();
    add(AdviceKind::load, "twice the batch", {setting("training.global_batch", 2 * t.global_batch)});
    if (s_.precision.compute == "bf16" || s_.precision.compute == "fp16")
      if (s_.hardware.device.peaks.find(Precision::fp8))
        add(AdviceKind::numerics, "products in fp8", {"training.precision=fp8"});
    const auto execution = matrix_execution(s_.hardware.device, precision_named(s_.precision.compute));
    if (execution && !execution->on_matrix_unit && s_.hardware.device.peaks.find(Precision::fp16))
      add(AdviceKind::numerics, "products in fp16", {"training.precision=mixed-fp16"});
    if (s_.precision.compute == "fp32")
      add(AdviceKind::numerics, "products in bf16", {"training.precision=mixed-bf16"});
    if (!fits_ && t.optimizer == "adamw")
      add(AdviceKind::numerics, "moments of Adam in 8 bits", {"training.optimizer=adamw-8bit"});
    if (!fits_ && t.method == Method::full)
      add(AdviceKind::numerics, "training low-rank adapters alone", {"training.method=lora"});
  }

  void sharding() {
    static constexpr std::string_view names[] = {
        "nothing sharded over data", "optimizer states sharded (ZeRO-1)", "gradients sharded too (ZeRO-2)",
        "weights sharded too (ZeRO-3)"};
    if (plan_.data * plan_.context > 1)
      for (std::int64_t zero = 0; zero <= 3; ++zero)
        if (zero != plan_.zero)
          add(AdviceKind::plan, std::string(names[zero]), {setting("parallel.zero", zero)});
    if (plan_.tensor > 1 && !plan_.sequence)
      add(AdviceKind::plan, "sequence parallelism", {"parallel.sequence=true"});
    if (plan_.offload == Offload::none)
      add(AdviceKind::plan, "optimizer states in host memory", {"parallel.offload=optimizer"});
  }

  void schedules() {
    if (plan_.pipeline == 1) return;
    const auto schedule = [this](std::string label, std::string_view name, std::int64_t chunks) {
      Settings settings{setting("parallel.schedule", name)};
      if (plan_.virtual_stages != chunks) settings.push_back(setting("parallel.virtual_stages", chunks));
      keep_work(settings);
      add(AdviceKind::plan, std::move(label), std::move(settings));
    };
    for (const std::int64_t chunks : {2, 4, 8})
      if (chunks != plan_.virtual_stages || plan_.schedule != ScheduleKind::interleaved)
        schedule(fmt::format("{} model chunks per stage", chunks), "interleaved-1f1b", chunks);
    for (const ScheduleKind kind : {ScheduleKind::one_f_one_b, ScheduleKind::zb_h1, ScheduleKind::zbv})
      if (kind != plan_.schedule)
        schedule(fmt::format("schedule {}", enum_name(kind)), enum_name(kind),
                 kind == ScheduleKind::zbv ? 2 : 1);
  }

  void inference() {
    const Inference& i = *s_.inference();
    for (const std::int64_t n : {i.batch * 2, i.batch * 4, i.batch / 2, i.batch / 4, i.batch / 8})
      if (n >= 1 && n != i.batch)
        add(AdviceKind::load, fmt::format("{} sequences at once", n), {setting("inference.batch", n)});
    const bool is_gguf = i.weights.starts_with("gguf:");
    const auto formats = is_gguf ? std::vector<std::string>{"gguf:Q8_0", "gguf:Q4_K_M"}
                                 : std::vector<std::string>{"fp8", "awq-g128"};
    for (const std::string& format : formats)
      if (format != i.weights)
        add(AdviceKind::numerics, "weights in " + format, {setting("inference.weights", format)});
    if (s_.cache_format.name != "fp8" && i.kv_cache != "fp8")
      add(AdviceKind::numerics, "cache in fp8", {"inference.kv_cache=fp8"});
    if (i.weights != "fp8" && i.kv_cache != "fp8" && !is_gguf)
      add(AdviceKind::numerics, "weights and cache in fp8",
          {"inference.weights=fp8", "inference.kv_cache=fp8"});
  }

  /// Replicas, tensor ranks or stages for twice the devices, up to eight times as many.
  void more_devices() {
    for (std::int64_t times = 2; times <= 8; times *= 2) {
      const std::int64_t devices = s_.devices * times;
      const auto more = [&](std::string_view key, std::int64_t degree) {
        Settings settings{setting("devices", devices)};
        if (!key.empty()) settings.push_back(setting(key, degree));
        if (stated_.data)
          settings.push_back(setting("parallel.data", key.empty() ? plan_.data * times : plan_.data));
        keep_work(settings);
        add(AdviceKind::devices, fmt::format("{} devices", devices), std::move(settings));
      };
      if (plan_.zero > 0 || s_.model.moe.experts > 0) more("", 0);
      more("parallel.tensor", plan_.tensor * times);
      more("parallel.pipeline", plan_.pipeline * times);
    }
  }

  const Scenario& s_;
  StatedKeys stated_;
  bool fits_;
  ParallelPlan plan_;
  std::vector<Change> all_;
};

}  // namespace

std::string_view advice_kind_name(AdviceKind kind) {
  static constexpr std::string_view names[] = {"plan", "load", "numerics", "devices", "machine"};
  return names[static_cast<std::size_t>(kind)];
}

std::vector<Change> possible_changes(const Scenario& s, StatedKeys stated, bool fits) {
  return Changes(s, stated, fits).run();
}

}  // namespace ridge
