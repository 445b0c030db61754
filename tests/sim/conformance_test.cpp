/// Runs every case of tests/conformance/*.yaml: what papers and tools print, each file with its
/// citation and the tolerance of its last digit.
#include "prepared_scenario.h"
#include "sim/activations.h"
#include "sim/memory.h"
#include "sim/states.h"
#include "tests/sim/published.h"

#include <charconv>
#include <filesystem>
#include <functional>
#include <map>

namespace ridge {
namespace {

using namespace ridge::published;

/// One case, read by key with defaults.
class Row {
 public:
  Row(const Node& file, const Node& row) : file_(file), row_(row) {}
  double number(const char* key, double otherwise = 0) const {
    const Node* n = find(key);
    if (!n) return otherwise;
    double v = 0;
    const auto [end, error] = std::from_chars(n->text.data(), n->text.data() + n->text.size(), v);
    EXPECT_TRUE(error == std::errc{} && end == n->text.data() + n->text.size()) << key << ": " << n->text;
    return v;
  }
  std::string text(const char* key, const char* otherwise = "") const {
    const Node* n = find(key);
    return n ? n->text : otherwise;
  }
  bool is_set(const char* key, bool otherwise = false) const {
    return text(key, otherwise ? "true" : "false") == "true";
  }
  bool has(const char* key) const { return find(key) != nullptr; }

 private:
  const Node* find(const char* key) const {
    const Node* n = row_.find(key);
    return n ? n : file_.find(key);
  }
  const Node &file_, &row_;
};

Gpt gpt(const Row& r) {
  Gpt g;
  g.sequence_length = 2048, g.vocab_size = 51200;
  g.micro_batch = r.number("micro_batch", 1), g.hidden_size = r.number("hidden_size"),
  g.heads = r.number("heads");
  g.layers = r.number("layers"), g.tensor = r.number("tensor", 1), g.pipeline = r.number("pipeline", 1);
  g.virtual_stages = r.number("virtual_stages", 1), g.data = r.number("data", 1);
  return g;
}

DeepSpeedCase deepspeed(const Row& r) {
  return {r.number("parameters"),        r.number("largest_layer"),      r.number("devices"),        1,
          r.is_set("offload_optimizer"), r.is_set("offload_parameters"), r.is_set("zero_init", true)};
}

Prepared gpt_on_megatron(const Row& r, const std::string& recompute, bool is_sequence, double tensor,
                         double pipeline) {
  auto n = [](double v) { return std::to_string(static_cast<std::int64_t>(v)); };
  const double micro = r.number("micro_batch", 1), batches = r.number("micro_batches", 1);
  return testing::prepared(
      "model: gpt\nhardware: dgx-a100-80g\nsoftware: megatron-lm\n",
      {"model.layers=" + n(r.number("layers")), "model.hidden_size=" + n(r.number("hidden_size")),
       "model.heads=" + n(r.number("heads")), "model.vocab_size=51200", "model.max_positions=2048",
       "devices=" + n(tensor * pipeline), "training.sequence_length=2048", "training.micro_batch=" + n(micro),
       "training.global_batch=" + n(micro * batches), "training.precision=mixed-fp16",
       "training.optimizer=adamw", "training.recompute=" + recompute, "parallel.tensor=" + n(tensor),
       "parallel.pipeline=" + n(pipeline), "parallel.virtual_stages=" + n(r.number("virtual_stages", 1)),
       std::string("parallel.sequence=") + (is_sequence ? "true" : "false")});
}

Bytes part_of(const StageMemory& stage, const std::string& name) {
  Bytes sum{0};
  for (const auto& part : stage.parts) {
    const bool is_state = part.name == "weights" || part.name == "gradients" ||
                          part.name == "master_weights" || part.name == "optimizer_states";
    if (part.name == name || (name == "states" && is_state)) sum += part.amount.value;
  }
  return sum;
}

Bytes model_part(const Row& r) {
  const Prepared p = gpt_on_megatron(r, r.text("recompute", "none"), r.is_set("sequence"), r.number("tensor"),
                                     r.number("pipeline"));
  const MemoryEstimate m = memory(p, testing::plan_of(p));
  return part_of(m.stages.at(static_cast<std::size_t>(r.number("stage"))), r.text("part"));
}

/// Bytes one layer keeps, in percent of tensor parallelism alone.
double model_share(const Row& r) {
  auto kept = [&](const std::string& recompute, bool is_sequence) {
    const Prepared p = gpt_on_megatron(r, recompute, is_sequence, 8, 1);
    const ParallelPlan plan = testing::plan_of(p);
    return layer_activations(p, 0, plan, token_load(*p.scenario.training(), plan)).kept.value;
  };
  return 100 * (kept(r.text("recompute", "none"), r.is_set("sequence")) / kept("none", false));
}

double recipe_bytes(const Row& r) {
  const Prepared p = testing::prepared(
      "model: gpt2\nhardware: hgx-h200\nsoftware: megatron-lm\n",
      {"devices=1", "training.sequence_length=1024", "training.micro_batch=1", "training.global_batch=1",
       "training.optimizer=adamw", "training.precision=" + r.text("precision")});
  return bytes_per_parameter(p.scenario.precision, p.scenario.optimizer).value();
}

double unit(const std::string& name) {
  static const std::map<std::string, double> units = {{"B", 1}, {"GB", 1e9}, {"GiB", 1073741824.0}};
  EXPECT_TRUE(units.contains(name)) << name;
  return units.contains(name) ? units.at(name) : 1;
}

MegatronStates megatron_kind(const std::string& name) {
  if (name == "fp16") return MegatronStates::fp16_parameters_fp16_gradients;
  return name == "fp32" ? MegatronStates::fp32 : MegatronStates::bf16_parameters_fp32_gradients;
}

const std::map<std::string, std::function<DeviceAndHost(const Row&)>> forms = {
    {"korthikanti-activations",
     [](const Row& r) {
       const Keep keep =
           r.text("keep") == "tensor-parallel" ? Keep::tensor_parallel : Keep::sequence_and_selective;
       return DeviceAndHost{korthikanti_first_stage(gpt(r), keep), Bytes{0}};
     }},
    {"korthikanti-states",
     [](const Row& r) {
       return DeviceAndHost{korthikanti_states(gpt(r)), Bytes{0}};
     }},
    {"deepspeed-zero2", [](const Row& r) { return deepspeed_zero2(deepspeed(r)); }},
    {"deepspeed-zero2-documented", [](const Row& r) { return deepspeed_zero2_documented(deepspeed(r)); }},
    {"deepspeed-zero3", [](const Row& r) { return deepspeed_zero3(deepspeed(r)); }},
    {"zero-states",
     [](const Row& r) {
       return DeviceAndHost{
           zero_states(r.number("parameters"), r.number("replicas"), static_cast<int>(r.number("stage"))),
           Bytes{0}};
     }},
    {"megatron-states",
     [](const Row& r) {
       return DeviceAndHost{megatron_weights_and_optimizer(gpt(r), false), Bytes{0}};
     }},
    {"megatron-activations",
     [](const Row& r) {
       return DeviceAndHost{megatron_activations(gpt(r)), Bytes{0}};
     }},
    {"megatron-bytes",
     [](const Row& r) {
       return DeviceAndHost{Bytes{megatron_states(megatron_kind(r.text("states")), r.is_set("distributed"),
                                                  r.number("replicas"))
                                      .value()},
                            Bytes{0}};
     }},
    {"recipe",
     [](const Row& r) {
       return DeviceAndHost{Bytes{recipe_bytes(r)}, Bytes{0}};
     }},
    {"model",
     [](const Row& r) {
       return DeviceAndHost{model_part(r), Bytes{0}};
     }},
};

void run_file(const std::filesystem::path& path) {
  Diagnostics problems;
  const Node file = read_yaml(read_source(path.string(), problems), problems);
  ASSERT_FALSE(problems.has_errors()) << render(problems);
  ASSERT_TRUE(file.find("citation")) << path;
  const Node* cases = file.find("cases");
  ASSERT_TRUE(cases && !cases->items.empty()) << path;
  for (const Node& item : cases->items) {
    const Row r(file, item);
    const double scale = unit(r.text("unit")), tolerance = r.number("tolerance");
    const std::string form = r.text("form");
    SCOPED_TRACE(item.span.where() + " " + form);
    if (form == "model-share") {
      EXPECT_NEAR(model_share(r), r.number("gives"), tolerance);
      continue;
    }
    ASSERT_TRUE(forms.contains(form)) << form;
    const DeviceAndHost found = forms.at(form)(r);
    EXPECT_NEAR(found.device.value() / scale, r.number("gives"), tolerance);
    if (!r.has("host")) continue;
    EXPECT_NEAR(found.host.value() / scale, r.number("host"), tolerance);
  }
}

TEST(Conformance, MemoryFiguresOfPapersAndTools) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(RIDGE_SOURCE_DIR "/tests/conformance")) {
    if (entry.path().extension() != ".yaml") continue;
    SCOPED_TRACE(entry.path().filename().string());
    run_file(entry.path());
    ++files;
  }
  EXPECT_GE(files, 6);
}

}  // namespace
}  // namespace ridge
