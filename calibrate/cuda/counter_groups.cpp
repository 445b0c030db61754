#include "calibrate/cuda/counter_config.h"
#include "calibrate/cuda/counters.h"
#include "calibrate/fit/observation.h"

#include <algorithm>

namespace ridge::cuda {
namespace {

/// A quantity's counters: the first list of names that the chip knows in part is taken, all it knows of it.
struct Candidates {
  const char* quantity;
  double factor;
  std::vector<std::vector<const char*>> names;
};

const std::vector<Candidates>& hardware_candidates() {
  static const std::vector<Candidates> all{
      {counted_read, 1, {{"dram__bytes_read.sum"}, {"dram__bytes_op_read.sum"}}},
      {counted_written, 1, {{"dram__bytes_write.sum"}, {"dram__bytes_op_write.sum"}}},
      {counted_l2, 1, {{"lts__t_bytes.sum"}}},
      {counted_tensor_active, 0.01, {{"sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_elapsed"}}},
      // "# of math ops": a multiplication and an addition are two.
      {counted_tensor_flops, 1, {{"sm__ops_path_tensor_src_bf16_dst_fp32.sum"}}},
      {counted_tensor_flops,
       1,
       {{"sm__ops_path_tensor_src_fp16.sum"},
        {"sm__ops_path_tensor_src_fp16_dst_fp32.sum", "sm__ops_path_tensor_src_fp16_dst_fp16.sum"}}},
      {counted_tensor_flops, 1, {{"sm__ops_path_tensor_src_tf32_dst_fp32.sum"}}},
      {counted_tensor_flops,
       1,
       {{"sm__ops_path_tensor_src_fp8.sum"},
        {"sm__ops_path_tensor_src_fp8_dst_fp32.sum", "sm__ops_path_tensor_src_fp8_dst_fp16.sum"},
        {"sm__ops_path_tensor_src_fp4_fp6_fp8_dst_fp32.sum",
         "sm__ops_path_tensor_src_fp4_fp6_fp8_dst_fp16.sum"}}},
      {counted_tensor_flops, 1, {{"sm__ops_path_tensor_src_int8.sum"}}},
  };
  return all;
}

/// Counted by instrumented instructions: refused in more places than the hardware's own.
const std::vector<Candidates>& instruction_candidates() {
  static const std::vector<Candidates> all{
      {counted_fma_flops, 2, {{"sm__sass_thread_inst_executed_op_ffma_pred_on.sum"}}},
      {counted_fma_flops, 1, {{"sm__sass_thread_inst_executed_op_fadd_pred_on.sum"}}},
      {counted_fma_flops, 1, {{"sm__sass_thread_inst_executed_op_fmul_pred_on.sum"}}},
  };
  return all;
}

CounterGroup group_of(const CounterConfig& chip, std::string name, const std::vector<Candidates>& all) {
  CounterGroup g{.name = std::move(name)};
  for (const Candidates& c : all)
    for (const auto& names : c.names) {
      const std::size_t before = g.metrics.size();
      for (const char* metric : names) {
        if (!chip.has(metric)) continue;
        g.metrics.emplace_back(metric);
        g.quantities.emplace_back(c.quantity);
        g.factors.push_back(c.factor);
      }
      if (g.metrics.size() > before) break;
    }
  return g;
}

}  // namespace

std::vector<CounterGroup> counter_groups(std::string_view chip) {
  const CounterConfig known(chip);
  std::vector<CounterGroup> out{group_of(known, "hardware counters", hardware_candidates()),
                                group_of(known, "instruction counters", instruction_candidates())};
  out.back().is_slow = true;
  std::erase_if(out, [](const CounterGroup& g) { return g.metrics.empty(); });
  for (CounterGroup& g : out) g.passes = passes_for(chip, g.metrics);
  return out;
}

bool has_counter(std::string_view chip, const std::string& metric) { return CounterConfig(chip).has(metric); }

int passes_for(std::string_view chip, const std::vector<std::string>& metrics) {
  CounterConfig config(chip);
  return config.add(metrics);
}

}  // namespace ridge::cuda
