#include "sim/inference.h"

#include "model/flops.h"
#include "sim/collective.h"
#include "sim/confidence.h"
#include "sim/derived_inputs.h"
#include "sim/finish_time.h"
#include "sim/stage_time.h"

#include <algorithm>
#include <cmath>

namespace ridge {
namespace {

constexpr Formula joined{"inference.sum", "pieces one after another", "sum(...)", "definition"};
constexpr Formula each_formula{"inference.decode_part", "time of all decode steps spent on one kind of work",
                               "(o - 1) * t", "definition"};
constexpr Formula bounded{"inference.bound", "time of a request's operators that one resource bounds",
                          "first + (o - 1) * each", "definition"};
constexpr Formula token_count{"inference.token_count", "tokens of the batch", "b * n", "definition"};

/// One pass of the model over a batch.
struct PassTime {
  std::vector<Part<Seconds>> parts;
  Traced<Seconds> total;
  TimeByBound by_bound{};
  Confidence confidence{};
  Traced<Flop> executed{};
};

class InferenceTimer {
 public:
  InferenceTimer(const Prepared& p, const ParallelPlan& plan, Estimate& out, Explain* ex, OperatorList* list)
      : p_(p),
        s_(p.scenario),
        inference_(*p.scenario.inference()),
        plan_(plan),
        out_(out),
        ex_(ex),
        list_(list),
        links_(links(s_.hardware, plan, ex)) {}

  void run() {
    const auto prompt = input(ex_, "inference.prompt_tokens", static_cast<double>(inference_.prompt_tokens));
    const auto one = constant(ex_, "one new token", 1.0, "a decode step adds one token to each sequence");
    const auto none = constant(ex_, "no tokens in the cache", 0.0, "a prefill starts every sequence");
    switch (inference_.phase) {
      case InferencePhase::prefill:
        return run_single(pass(prompt, none, false, list_), "prefill_seconds", prompt);
      case InferencePhase::decode:
        return run_single(pass(one, prompt, true, list_), "decode_step_seconds", one);
      case InferencePhase::request: return run_request(prompt, pass(prompt, none, false, nullptr), one);
    }
  }

 private:
  /// Attention runs in 16 bit, also where products run in 8 or 4.
  std::string_view attention_precision() const {
    const Dtype d = s_.weight_format.arithmetic;
    return d == Dtype::fp32 || d == Dtype::tf32 ? "fp32" : d == Dtype::fp16 ? "fp16" : "bf16";
  }

  /// Prompt after prompt keeps the device at its power limit; decoding waits for memory and does not.
  Rates rates_of(bool is_decode) const {
    return rates(p_,
                 {enum_name(s_.weight_format.arithmetic), attention_precision(),
                  is_decode ? Load::burst : Load::sustained, s_.software.attention_flash2, s_.model.head_dim},
                 ex_);
  }

  MicroBatch micro_batch(Traced<double> n, Traced<double> past, bool is_decode) {
    MicroBatch b;
    b.sequences = replica_sequences(inference_, plan_, ex_);
    const auto c = input(ex_, "parallel.context", static_cast<double>(plan_.context));
    b.query_tokens = is_decode ? n : local_tokens(n, c, ex_);
    b.tokens = batch_tokens(b.sequences, b.query_tokens, ex_);
    b.new_tokens = n;
    b.past = past;
    b.encoder_tokens = input(ex_, "inference.prompt_tokens", static_cast<double>(inference_.prompt_tokens));
    b.is_decode = is_decode;
    b.activation =
        constant(ex_, "bytes of an activation", BytesPerElement{attention_precision() == "fp32" ? 4.0 : 2.0},
                 "engines keep activations in 16 bit");
    b.cache = cache_width(s_.model, s_.cache_format, ex_);
    return b;
  }

  /// The decoder of an encoder-decoder: one token at a time over what it has generated; the prompt is
  /// the encoder's.
  MicroBatch decoder_batch(bool is_decode) {
    static constexpr Formula middle{"inference.decoder_past", "tokens the decoder has generated on average",
                                    "(o - 1) / 2", "definition: the mean of a time linear in the context"};
    const auto one = constant(ex_, "one new token", 1.0, "a decode step adds one token to each sequence");
    const double output = static_cast<double>(std::max<std::int64_t>(inference_.output_tokens, 1));
    const auto o = input(ex_, "inference.output_tokens", output);
    const auto none = constant(ex_, "no tokens in the cache", 0.0, "a prefill starts every sequence");
    return micro_batch(one, is_decode ? note(ex_, middle, (output - 1) / 2, {{"o", o}}) : none, is_decode);
  }

  PassTime pass(Traced<double> tokens, Traced<double> past, bool is_decode, OperatorList* list) {
    rates_ = rates_of(is_decode);
    MicroBatch batch = micro_batch(tokens, past, is_decode);
    WorkTimes work;
    StageLayers all;
    all.embeddings = all.outputs = 1;
    LayerContext c{p_, plan_, rates_, links_, batch};
    c.ex = ex_;
    c.list = list;
    const bool has_encoder = p_.inventory.layers.encoder_layers > 0;
    for (std::size_t k = 0; k < p_.programs.size(); ++k) {
      const LayerKind& kind = p_.inventory.layers.kinds[k];
      const bool is_idle = kind.is_mtp || (kind.is_encoder && is_decode);
      const std::int64_t layers = is_idle ? 0 : p_.inventory.layers.count[k];
      all.of_kind[k] = static_cast<std::int32_t>(layers);
      if (has_encoder)
        batch = kind.is_encoder ? micro_batch(tokens, past, is_decode) : decoder_batch(is_decode);
      work.kinds.push_back(layer_time(p_.programs[k], static_cast<int>(k), static_cast<double>(layers), c));
    }
    if (has_encoder) batch = decoder_batch(is_decode);
    work.embedding = layer_time(p_.embedding, -1, 1, c);
    if (!s_.software.logits_all_positions) batch.tokens = batch.sequences;
    work.output = layer_time(p_.output, -1, 1, c);
    return finished(stage_time(p_, plan_, work, all, ex_).forward, micro_batch(tokens, past, is_decode),
                    is_decode);
  }

  PassTime finished(const PhaseTime& t, const MicroBatch& batch, bool is_decode) {
    PassTime pass;
    pass.confidence = t.confidence;
    for (std::size_t c = 0; c < num_time_classes; ++c)
      if (t.parts[c].value > Seconds{0})
        pass.parts.push_back({part_name(static_cast<TimeClass>(c)), t.parts[c]});
    const Launch& launch = s_.software.launch;
    const auto host =
        host_time(launch, is_decode ? HostPhase::decode : HostPhase::forward, t.kernels, t.collectives, ex_);
    const auto issued = issued_time(t.device, host, ex_);
    const auto wait = host_wait(issued, t.device, ex_);
    const auto fixed = input(ex_, "software.launch.host_per_step", launch.host_per_step);
    const auto host_part = plus(wait, fixed, ex_);
    if (host_part.value > Seconds{0}) pass.parts.push_back({"host", host_part});
    if (plan_.pipeline > 1) add_transfers(pass, batch);
    SecondsSum sum(ex_);
    for (const Part<Seconds>& part : pass.parts) sum.add(part.name, part.amount);
    pass.total = sum.total(joined);
    pass.by_bound = t.by_bound;
    static constexpr Formula ranks{"inference.executed_flop", "FLOP executed on all devices",
                                   "f * t * c * B / b",
                                   "definition: replicas without a sequence run nothing"};
    const double shards = static_cast<double>(plan_.tensor * plan_.context);
    const auto all = input(ex_, "inference.batch", static_cast<double>(inference_.batch));
    pass.executed = note(ex_, ranks, t.flops.value * shards * all.value / batch.sequences.value,
                         {{"f", t.flops},
                          {"t", input(ex_, "parallel.tensor", static_cast<double>(plan_.tensor))},
                          {"c", input(ex_, "parallel.context", static_cast<double>(plan_.context))},
                          {"B", all},
                          {"b", batch.sequences}});
    return pass;
  }

  void add_transfers(PassTime& pass, const MicroBatch& batch) {
    const auto payload = stage_payload(p_, plan_, batch, ex_);
    const CollectiveCost hop = point_to_point_cost(payload, links_.pipeline, s_.hardware, ex_);
    static constexpr Formula hops{"inference.hops", "transfers between stages", "p - 1", "definition"};
    const auto p = input(ex_, "parallel.pipeline", static_cast<double>(plan_.pipeline));
    const auto all = repeated(note(ex_, hops, p.value - 1, {{"p", p}}), hop.time, ex_);
    pass.parts.push_back({"pipeline_transfer", all});
    pass.confidence =
        plus(pass.confidence, confidence_of(KernelClass::collectives, all, hop.answer, ex_), ex_);
  }

  void run_single(const PassTime& pass, std::string_view key, Traced<double> tokens) {
    TimeParts parts(out_.time, ex_);
    for (const Part<Seconds>& part : pass.parts) parts.add(part.name, part.amount);
    parts.finish(key);
    const auto headline = out_.time.totals.front().amount;
    out_.time.totals.push_back(
        {inference_.phase == InferencePhase::prefill ? "time_to_first_token" : "time_per_output_token",
         headline});
    finish(pass.by_bound, pass.confidence, pass.executed, tokens, headline);
  }

  void run_request(Traced<double> prompt, const PassTime& first, Traced<double> one) {
    static constexpr Formula middle{"inference.middle", "tokens in the cache at the middle of the output",
                                    "n + (o - 1) / 2",
                                    "definition: the mean of a time linear in the context"};
    const double output = static_cast<double>(std::max<std::int64_t>(inference_.output_tokens, 1));
    const auto o = input(ex_, "inference.output_tokens", output);
    const auto past = note(ex_, middle, prompt.value + (output - 1) / 2, {{"n", prompt}, {"o", o}});
    const PassTime each = pass(one, past, true, list_);
    TimeParts parts(out_.time, ex_);
    TimeByBound by_bound = first.by_bound;
    for (const Part<Seconds>& part : first.parts) parts.add(part.name, part.amount);
    for (const Part<Seconds>& part : each.parts)
      parts.add(part.name,
                note(ex_, each_formula, (output - 1) * part.amount.value, {{"o", o}, {"t", part.amount}}));
    for (std::size_t b = 0; b < by_bound.size(); ++b)
      by_bound[b] = note(ex_, bounded, by_bound[b].value + (output - 1) * each.by_bound[b].value,
                         {{"first", by_bound[b]}, {"o", o}, {"each", each.by_bound[b]}});
    parts.finish("request_seconds");
    out_.time.totals.push_back({"time_to_first_token", first.total});
    out_.time.totals.push_back({"time_per_output_token", each.total});
    static constexpr Formula later{"inference.later_tokens", "tokens after the first", "o - 1", "definition"};
    const auto steps = note(ex_, later, output - 1, {{"o", o}});
    finish(by_bound, plus(first.confidence, repeated(steps, each.confidence, ex_), ex_),
           request_flop(first.executed, each.executed, o), o, out_.time.totals.front().amount);
  }

  void finish(const TimeByBound& by_bound, const Confidence& confidence, Traced<Flop> executed,
              Traced<double> n, Traced<Seconds> time) {
    set_interval(out_.time, confidence, s_.software, ex_);
    out_.limits = limits_of(out_.time, by_bound, ex_);
    const auto b = input(ex_, "inference.batch", static_cast<double>(inference_.batch));
    const auto counted = note(ex_, token_count, Tokens{b.value * n.value}, {{"b", b}, {"n", n}});
    out_.throughput = throughput(p_, counted, model_flop(), executed, time, rates_.product_peak, ex_);
  }

  Traced<Flop> request_flop(Traced<Flop> first, Traced<Flop> each, Traced<double> o) {
    static constexpr Formula f{"inference.request_flop", "FLOP of a request", "first + (o - 1) * each",
                               "definition"};
    return note(ex_, f, first.value + (o.value - 1) * each.value,
                {{"first", first}, {"o", o}, {"each", each}});
  }

  Traced<Flop> model_flop() {
    static constexpr Formula middle{"inference.flop_past", "whole tokens cached at the middle of the output",
                                    "n + floor((o - 1) / 2)", "definition"};
    const std::int64_t prompt = inference_.prompt_tokens;
    const bool has_encoder = p_.inventory.layers.encoder_layers > 0;
    const auto B = input(ex_, "inference.batch", inference_.batch),
               n = input(ex_, "inference.prompt_tokens", prompt);
    const NodeId one =
        constant(ex_, "one new token", 1.0, "a decode step adds one token to each sequence").node;
    const NodeId none = constant(ex_, "no tokens in the cache", 0.0, "a prefill starts every sequence").node;
    TokenBatch t{
        .sequences = B.value, .tokens = has_encoder ? 1 : prompt, .past = 0, .encoder_tokens = prompt};
    t.sequences_node = B.node, t.tokens_node = has_encoder ? one : n.node, t.past_node = none;
    t.encoder_node = n.node;
    if (inference_.phase == InferencePhase::prefill) return forward_flop(s_.model, p_.inventory, t, 1, ex_);
    TokenBatch step{.sequences = B.value, .tokens = 1, .past = has_encoder ? 0 : prompt};
    step.sequences_node = B.node, step.tokens_node = one, step.past_node = has_encoder ? none : n.node;
    step.encoder_node = none;
    if (inference_.phase == InferencePhase::decode) return forward_flop(s_.model, p_.inventory, step, 1, ex_);
    const auto o = input(ex_, "inference.output_tokens",
                         static_cast<double>(std::max<std::int64_t>(inference_.output_tokens, 1)));
    const std::int64_t before = step.past;
    step.past += (static_cast<std::int64_t>(o.value) - 1) / 2;
    step.past_node = note(ex_, middle, static_cast<double>(step.past),
                          {{"n", Traced<double>{static_cast<double>(before), step.past_node}}, {"o", o}})
                         .node;
    const auto first = forward_flop(s_.model, p_.inventory, t, 1, ex_),
               each = forward_flop(s_.model, p_.inventory, step, 1, ex_);
    return request_flop(first, each, o);
  }

  const Prepared& p_;
  const Scenario& s_;
  const Inference& inference_;
  const ParallelPlan& plan_;
  Estimate& out_;
  Explain* ex_;
  OperatorList* list_;
  Rates rates_;
  Links links_;
};

}  // namespace

void time_inference(const Prepared& p, const ParallelPlan& plan, Estimate& out, Explain* ex,
                    OperatorList* list) {
  InferenceTimer(p, plan, out, ex, list).run();
}

}  // namespace ridge
