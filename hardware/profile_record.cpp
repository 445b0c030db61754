#include "hardware/profile_record.h"

namespace ridge {

const Schema<WorstRecord>& SchemaOf<WorstRecord>::get() {
  static const Schema<WorstRecord> s{"worst point",
                                     "A point far off",
                                     {field("point", &WorstRecord::point, "its sizes"),
                                      field("error", &WorstRecord::error, "predicted / measured - 1")}};
  return s;
}

const Schema<ErrorRecord>& SchemaOf<ErrorRecord>::get() {
  static const Schema<ErrorRecord> s{
      "errors",
      "Relative errors of predictions",
      {field("points", &ErrorRecord::points, "how many").non_negative(),
       field("mean", &ErrorRecord::mean, "of the absolute relative error").non_negative(),
       field("median", &ErrorRecord::median, "of the absolute relative error").non_negative(),
       field("p90", &ErrorRecord::p90, "90th percentile").non_negative(),
       field("max", &ErrorRecord::max, "largest").non_negative(),
       field("bias", &ErrorRecord::bias, "median of the signed relative error"),
       field("coverage", &ErrorRecord::coverage, "share inside the interval").fraction(),
       field("worst", &ErrorRecord::worst, "the five worst points")}};
  return s;
}

const Schema<IntervalRecord>& SchemaOf<IntervalRecord>::get() {
  static const Schema<IntervalRecord> s{
      "interval",
      "90 % interval of a regime",
      {field("regime", &IntervalRecord::regime, "which points").required(),
       field("pool", &IntervalRecord::pool, "whose residuals, where the regime's own were too few"),
       field("points", &IntervalRecord::points, "residuals it rests on").non_negative(),
       field("fraction", &IntervalRecord::fraction, "f of [t / (1 + f), t (1 + f)]").non_negative()}};
  return s;
}

const Schema<SamplesRecord>& SchemaOf<SamplesRecord>::get() {
  using S = SamplesRecord;
  static const Schema<S> s{
      "samples",
      "Measured points in short",
      {field("sizes_in_bytes", &S::sizes_in_bytes, "of a curve's points").range(0, 1e18),
       field("measured_in_seconds", &S::measured_in_seconds, "medians").range(1e-12, 1e6),
       field("predicted_in_seconds", &S::predicted_in_seconds, "by the model").range(1e-12, 1e6),
       field("roles", &S::roles, "0 fitted, 1 set the interval, 2 judged").range(0, 2)}};
  return s;
}

const Schema<KernelRecord>& SchemaOf<KernelRecord>::get() {
  static const Schema<KernelRecord> s{
      "kernel model",
      "A law, its residual table and their error",
      {field("family", &KernelRecord::family, "gemm, attention_prefill ...").required(),
       field("variant", &KernelRecord::variant, "bf16 ...").required(),
       field("library", &KernelRecord::library, "what was timed"),
       field("fixed_time", &KernelRecord::fixed_time, "t0").range(1e-9, 1).required(),
       field("per_unit", &KernelRecord::per_unit, "c: time of a sequence and KV head").range(0, 1),
       field("flop_fraction", &KernelRecord::flop_fraction, "eP").range(1e-6, 1),
       field("bandwidth_fraction", &KernelRecord::bandwidth_fraction, "eB").range(1e-6, 1),
       field("exponent", &KernelRecord::exponent, "q").range(1, 16.001),
       field("peak", &KernelRecord::peak, "P that eP is relative to").range(1, 1e31),
       field("bandwidth", &KernelRecord::bandwidth, "W that eB is relative to").range(1, 1e17).required(),
       field("schedule", &KernelRecord::schedule,
             "of a kernel of known tiles: rows, columns, blocks at once, steps a block costs besides")
           .range(0, 1e6),
       field("residual", &KernelRecord::residual, "what the law leaves"),
       field("fitted_points", &KernelRecord::fitted_points, "points of the fit").non_negative(),
       field("interval_points", &KernelRecord::interval_points, "held-out points that set the intervals")
           .non_negative(),
       field("fitted", &KernelRecord::fitted, "errors on those"),
       field("hold_out", &KernelRecord::hold_out, "errors on points that no fit saw"),
       field("intervals", &KernelRecord::intervals, "90 % intervals"),
       field("objections", &KernelRecord::objections, "why it is not to be trusted"),
       field("samples", &KernelRecord::samples, "measured points, to plot")}};
  return s;
}

const Schema<CurveRecord>& SchemaOf<CurveRecord>::get() {
  static const Schema<CurveRecord> s{
      "curve",
      "Time against bytes",
      {field("family", &CurveRecord::family, "all_reduce, copy_host_to_device ...").required(),
       field("variant", &CurveRecord::variant, "devices, type, launch").required(),
       field("library", &CurveRecord::library, "what was timed"),
       field("sizes_in_bytes", &CurveRecord::sizes_in_bytes, "ascending").range(0, 1e18).required(),
       field("times_in_seconds", &CurveRecord::times_in_seconds, "never falling")
           .range(1e-12, 1e6)
           .required(),
       field("fitted_points", &CurveRecord::fitted_points, "points of the fit").non_negative(),
       field("interval_points", &CurveRecord::interval_points, "held-out points that set the intervals")
           .non_negative(),
       field("hold_out", &CurveRecord::hold_out, "errors on sizes that no fit saw"),
       field("intervals", &CurveRecord::intervals, "90 % intervals"),
       field("objections", &CurveRecord::objections, "why it is not to be trusted"),
       field("samples", &CurveRecord::samples, "measured points, to plot")}};
  return s;
}

const Schema<FigureRecord>& SchemaOf<FigureRecord>::get() {
  static const Schema<FigureRecord> s{
      "figure",
      "A single measured time",
      {field("family", &FigureRecord::family, "launch ...").required(),
       field("variant", &FigureRecord::variant, "eager, graph_node ...").required(),
       field("time", &FigureRecord::time, "median").range(0, 1e3).required()}};
  return s;
}

const Schema<TraceRecord>& SchemaOf<TraceRecord>::get() {
  static const Schema<TraceRecord> s{
      "trace",
      "Times by events against the device's own record",
      {field("family", &TraceRecord::family, "gemm ...").required(),
       field("variant", &TraceRecord::variant, "bf16 ...").required(),
       field("points", &TraceRecord::points, "how many").non_negative(),
       field("gap", &TraceRecord::gap, "median of event time - traced time").range(-1, 1),
       field("difference", &TraceRecord::difference, "median of |event / traced - 1|").non_negative(),
       field("p90", &TraceRecord::p90, "its 90th percentile").non_negative(),
       field("kernels", &TraceRecord::kernels, "the most frequent")}};
  return s;
}

const Schema<CounterRecord>& SchemaOf<CounterRecord>::get() {
  static const Schema<CounterRecord> s{
      "counted kernel",
      "Our FLOPs and bytes against the hardware's counters",
      {field("family", &CounterRecord::family, "gemm ...").required(),
       field("variant", &CounterRecord::variant, "bf16 ...").required(),
       field("sizes", &CounterRecord::sizes, "of the point").required(),
       field("kernel", &CounterRecord::kernel, "that ran"),
       field("tile", &CounterRecord::tile,
             "rows and columns that it computes whole, and rows and columns of a cluster")
           .range(1, 1e6),
       field("needed", &CounterRecord::needed, "FLOPs by definition").range(0, 1e30),
       field("executed", &CounterRecord::executed, "FLOPs with whole tiles").range(0, 1e30),
       field("counted_flops", &CounterRecord::counted_flops, "FLOPs counted").range(0, 1e30),
       field("flop_ratio", &CounterRecord::flop_ratio, "counted / executed").non_negative(),
       field("fma_flops", &CounterRecord::fma_flops, "FLOPs of the ordinary units").range(0, 1e30),
       field("memory", &CounterRecord::memory, "bytes by definition").range(0, 1e18),
       field("moved", &CounterRecord::moved, "bytes as analysed, what is read again included").range(0, 1e18),
       field("counted_memory", &CounterRecord::counted_memory, "bytes of memory counted").range(0, 1e18),
       field("memory_ratio", &CounterRecord::memory_ratio, "counted / as analysed").non_negative(),
       field("is_past_l2", &CounterRecord::is_past_l2, "its data exceed the L2 cache twice"),
       field("l2", &CounterRecord::l2, "bytes of L2 counted").range(0, 1e18),
       field("tensor_active", &CounterRecord::tensor_active, "share of cycles with a matrix unit at work")
           .fraction()}};
  return s;
}

const Schema<RankRecord>& SchemaOf<RankRecord>::get() {
  static const Schema<RankRecord> s{
      "rank",
      "One rank of a cluster against the others",
      {field("rank", &RankRecord::rank, "its number").non_negative(),
       field("node", &RankRecord::node, "where it ran"),
       field("speed", &RankRecord::speed, "1: as an ordinary rank").range(1e-6, 1e6),
       field("is_straggler", &RankRecord::is_straggler, "slower than chance explains")}};
  return s;
}

const Schema<TierRecord>& SchemaOf<TierRecord>::get() {
  static const Schema<TierRecord> s{
      "tier",
      "Links between two ranks of a node, or of two nodes",
      {field("name", &TierRecord::name, "node or network").required(),
       field("pairs", &TierRecord::pairs, "directed pairs measured").non_negative(),
       field("latency", &TierRecord::latency, "of a short message").range(0, 1e3),
       field("bandwidth", &TierRecord::bandwidth, "one direction, long message").range(0, 1e17),
       field("latency_spread", &TierRecord::latency_spread, "robust deviation over pairs, relative")
           .non_negative(),
       field("bandwidth_spread", &TierRecord::bandwidth_spread, "robust deviation over pairs, relative")
           .non_negative()}};
  return s;
}

const Schema<ChoiceRecord>& SchemaOf<ChoiceRecord>::get() {
  static const Schema<ChoiceRecord> s{
      "choice",
      "The fastest algorithm of a collective by size",
      {field("family", &ChoiceRecord::family, "all_reduce ...").required(),
       field("group", &ChoiceRecord::group, "ranks, nodes, type"),
       field("from_bytes", &ChoiceRecord::from_bytes, "sizes from which they hold, ascending").range(0, 1e18),
       field("algorithms", &ChoiceRecord::algorithms, "one for each size")}};
  return s;
}

const Schema<ProfileRecord>& SchemaOf<ProfileRecord>::get() {
  static const Schema<ProfileRecord> s{
      "calibrated profile",
      "What a machine was measured to do",
      {field("calibration", &ProfileRecord::calibration, "version of the format").range(1, 99).required(),
       field("device", &ProfileRecord::device, "that was measured").required(),
       field("base", &ProfileRecord::base, "preset it is relative to").required(),
       field("kind", &ProfileRecord::kind, "measured (here) or imported (from others' tables)"),
       field("source", &ProfileRecord::source, "whose measurements, when they are others'"),
       field("facts", &ProfileRecord::facts, "driver, libraries, clocks, date"),
       field("kernels", &ProfileRecord::kernels, "fitted kernels"),
       field("curves", &ProfileRecord::curves, "fitted curves"),
       field("figures", &ProfileRecord::figures, "single times"),
       field("traces", &ProfileRecord::traces, "event times against the device's own record"),
       field("counters", &ProfileRecord::counters, "our FLOPs and bytes against those counted"),
       field("ranks", &ProfileRecord::ranks, "of a cluster: how fast each is"),
       field("tiers", &ProfileRecord::tiers, "of a cluster: what links carry"),
       field("suspect_links", &ProfileRecord::suspect_links, "slow or uneven ones"),
       field("failed_ranks", &ProfileRecord::failed_ranks, "lost on the way, and why"),
       field("choices", &ProfileRecord::choices, "fastest algorithms of collectives"),
       field("skipped", &ProfileRecord::skipped, "what was not measured, and why"),
       field("digest", &ProfileRecord::digest, "of everything else")}};
  return s;
}

}  // namespace ridge
