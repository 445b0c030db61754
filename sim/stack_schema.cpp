#include "sim/stack.h"

#include <utility>

namespace ridge {

const Schema<Pass>& SchemaOf<Pass>::get() {
  static const Schema<Pass> schema{
      "pass",
      "One pointwise kernel, or a chain of them, between the products of a layer",
      {
          field("name", &Pass::name, "what the pass does").required(),
          field("when", &Pass::when,
                "architecture words joined by '+', each may start with '!'; empty: always"),
          field("kernels", &Pass::kernels, "kernel launches").range(0, 1000),
          field("read", &Pass::read, "what one token reads"),
          field("write", &Pass::write, "what one token writes"),
          field("keep", &Pass::keep, "what stays in memory until the backward pass"),
          field("efficiency", &Pass::efficiency,
                "of the bandwidth that plain passes reach; strided operands and mixed formats reach less")
              .range(0.01, 1),
          field("backward_efficiency", &Pass::backward_efficiency,
                "the same of the backward pass; absent: as forward")
              .range(-1, 1),
          field("backward_kernels", &Pass::backward_kernels,
                "kernel launches of the backward pass; absent: as forward")
              .range(-1, 1000),
          field("backward_read", &Pass::backward_read, "absent: what forward wrote and kept"),
          field("backward_write", &Pass::backward_write, "absent: what forward read"),
          field("kernel", &Pass::kernel,
                "the calibrated kernel that the pass is, where a profile has timed it; norm: of the "
                "architecture's norm"),
          field("backward_kernel", &Pass::backward_kernel, "the same of its backward pass"),
          field("selective", &Pass::selective, "recomputed under selective recomputation, keeping nothing"),
      }};
  return schema;
}

const Schema<Launch>& SchemaOf<Launch>::get() {
  static const Schema<Launch> schema{
      "launch",
      "How kernels reach the device",
      {
          field("mode", &Launch::mode, "eager: the host issues each kernel; graph: replayed on the device"),
          field("decode_mode", &Launch::decode_mode, "the same for one generated token, where it differs"),
          field("host_per_kernel", &Launch::host_per_kernel, "host time to issue one forward kernel")
              .non_negative(),
          field("host_per_backward_kernel", &Launch::host_per_backward_kernel,
                "host time to issue one backward kernel")
              .non_negative(),
          field("graph_per_collective", &Launch::graph_per_collective,
                "single collectives: what launching a graph of such adds for each")
              .non_negative(),
          field("host_per_collective", &Launch::host_per_collective, "host time to issue one collective")
              .non_negative(),
          field("host_per_micro_batch", &Launch::host_per_micro_batch, "fixed host work of a micro-batch")
              .non_negative(),
          field("host_per_step", &Launch::host_per_step,
                "fixed host work of a step, a prefill or a generated token")
              .non_negative(),
      }};
  return schema;
}

const Schema<PeerAllReduce>& SchemaOf<PeerAllReduce>::get() {
  static const Schema<PeerAllReduce> schema{
      "peer all-reduce",
      "The engine's own all-reduce over peer memory, inside a node",
      {
          field("up_to", &PeerAllReduce::up_to, "largest message of a group of more than two").range(0, 1e12),
          field("pair_up_to", &PeerAllReduce::pair_up_to, "largest message of two devices; absent: as up_to")
              .range(0, 1e12),
      }};
  return schema;
}

const Schema<Overlap>& SchemaOf<Overlap>::get() {
  static const Schema<Overlap> schema{
      "overlap",
      "Share of each communication that hides behind computation",
      {
          field("data", &Overlap::data, "gradient reduction behind the backward pass").fraction(),
          field("gather", &Overlap::gather, "weight gathers behind neighbouring layers").fraction(),
          field("tensor", &Overlap::tensor, "tensor-parallel collectives behind products").fraction(),
          field("pipeline", &Overlap::pipeline, "stage-to-stage transfers").fraction(),
          field("context", &Overlap::context, "ring exchange of keys and values").fraction(),
          field("expert", &Overlap::expert, "expert all-to-all").fraction(),
      }};
  return schema;
}

const Schema<Allocator>& SchemaOf<Allocator>::get() {
  static const Schema<Allocator> schema{
      "allocator",
      "Memory beside tensors",
      {
          field("fragmentation", &Allocator::fragmentation,
                "reserved beyond allocated, as a fraction of allocated")
              .range(0, 10),
          field("sharded_fragmentation", &Allocator::sharded_fragmentation,
                "the same where gradients or weights are sharded; absent: as fragmentation")
              .range(0, 10),
          field("workspace", &Allocator::workspace, "allocated workspaces of the libraries").non_negative(),
          field("context", &Allocator::context, "device memory outside the allocator").non_negative(),
          field("pool_fraction", &Allocator::pool_fraction,
                "share of the device claimed at start by a serving engine")
              .fraction(),
          field("pool_rule", &Allocator::pool_rule, "what that is a share of, and what must lie in it"),
          field("pool_option", &Allocator::pool_option, "what the engine calls the share"),
      }};
  return schema;
}

const Schema<AdapterKernels>& SchemaOf<AdapterKernels>::get() {
  using A = AdapterKernels;
  static const Schema<AdapterKernels> schema{
      "adapters",
      "Casts, scaling and sums around a low-rank adapter's two products",
      {
          field("compute", &A::compute, "precision of the adapter's products; absent: the recipe's"),
          field("kernels", &A::kernels, "kernel launches of the forward passes").range(0, 100),
          field("backward_kernels", &A::backward_kernels, "kernel launches of the backward passes")
              .range(0, 100),
          field("input", &A::input, "bytes the forward passes move per element of the input").range(0, 1000),
          field("result", &A::result, "bytes the forward passes move per element of the result")
              .range(0, 1000),
          field("backward_input", &A::backward_input, "the same of the backward passes").range(0, 1000),
          field("backward_result", &A::backward_result, "the same of the backward passes").range(0, 1000),
      }};
  return schema;
}

const Schema<StackOrigin>& SchemaOf<StackOrigin>::get() {
  static const Schema<StackOrigin> schema{
      "origin",
      "Where the numbers below a key come from",
      {
          field("kind", &StackOrigin::kind, "how far they can be trusted").required(),
          field("source", &StackOrigin::source,
                "who says so; fitted: on which measurements; absent: the stack's source"),
      }};
  return schema;
}

namespace {

using S = SoftwareStack;

/// What it is, and how its products and attention run.
void add_kernels(std::vector<Field<S>>& fields) {
  for (auto& f : std::vector<Field<S>>{
           field("name", &S::name, "name of the stack"),
           field("description", &S::description, "what it is"),
           field("source", &S::source, "where these facts come from"),
           field("origins", &S::origins,
                 "where the numbers come from, by key: launch, allocator.pool_fraction"),
           field("extends", &S::extends, "stack whose values this one starts from"),
           field("aliases", &S::aliases, "other names"),
           field("runs_on", &SoftwareStack::runs_on,
                 "kinds of devices (gpu tpu hpu npu soc cpu) and vendors it has kernels for; absent: any"),
           field("purpose", &S::purpose, "what it is made for; training on a serving stack is refused"),
           field("attention", &S::attention,
                 "attention core: one flash kernel, or products with scores in memory"),
           field("at_peak", &S::at_peak, "kernels at the device's peaks, without gaps: the roofline bound"),
           field("attention_flash2", &S::attention_flash2,
                 "FlashAttention 2 kernels instead of the device's best"),
           field("causal_skip", &S::causal_skip, "whether the attention core leaves out masked tiles"),
           field("selective_core", &S::selective_core,
                 "whether selective recomputation runs the attention core again"),
           field("fused_qkv", &S::fused_qkv, "one product for queries, keys and values"),
           field("fused_gate_up", &S::fused_gate_up, "one product for gate and up projections"),
           field("fused_expert_products", &S::fused_expert_products,
                 "grouped products over a rank's experts"),
           field("pads_vocabulary", &S::pads_vocabulary,
                 "whether the head's columns are rounded up, so that an odd vocabulary costs nothing"),
           field("fp8_scales", &S::fp8_scales,
                 "scales of the operands of fp8 products: one each, one for each row, or for each block"),
           field("product_efficiency", &S::product_efficiency, "of the device's achievable product rate")
               .range(0.01, 2),
           field("attention_efficiency", &S::attention_efficiency,
                 "of the device's achievable attention rate")
               .range(0.01, 2),
           field("memory_efficiency", &S::memory_efficiency, "of the device's achievable bandwidth")
               .range(0.01, 2)})
    fields.push_back(std::move(f));
}

/// What it keeps and moves beside the layers' kernels.
void add_training(std::vector<Field<S>>& fields) {
  for (auto& f : std::vector<Field<S>>{
           field("logits_all_positions", &S::logits_all_positions,
                 "whether prefill computes every position's logits"),
           field("selective_products", &S::selective_products,
                 "share of the products that selective recomputation runs again")
               .fraction(),
           field("optimizer_fused", &S::optimizer_fused, "one kernel over many tensors"),
           field("optimizer_kernel", &S::optimizer_kernel,
                 "the calibrated kernel that its update is, where a profile has timed it: adamw"),
           field("optimizer_passes", &S::optimizer_passes, "passes over the optimizer's traffic")
               .range(1, 20),
           field("optimizer_efficiency", &S::optimizer_efficiency,
                 "of the device's achievable bandwidth in the optimizer's passes")
               .range(0.01, 2),
           field("gradient_buckets", &S::gradient_buckets, "communication buffers, in layers of gradients")
               .range(0, 100),
           field("persistent_gradients", &S::persistent_gradients,
                 "gradient buffers live through the whole step"),
           field("reducer_copies", &S::reducer_copies, "whole gradient copies a data-parallel reducer keeps")
               .range(0, 8),
           field("placeholder_gradients", &S::placeholder_gradients,
                 "bytes per parameter of one layer, kept through the program")
               .range(0, 16),
           field("adapter_input", &S::adapter_input,
                 "bytes per element of the input copy each low-rank adapter keeps")
               .range(0, 16),
           field("adapters", &S::adapters, "what low-rank adapters launch beside their products"),
           field("cast_kernels", &S::cast_kernels,
                 "which of autocast's casts are kernels of their own: of weights, or of inputs as well"),
           field("widening_efficiency", &S::widening_efficiency,
                 "of plain passes' bandwidth, in casts to a wider format")
               .range(0.01, 1),
           field("casts_again", &S::casts_again,
                 "whether the backward pass redoes autocast's casts instead of keeping them"),
           field("sharded_embedding", &S::sharded_embedding,
                 "whether tensor parallelism divides the token table"),
           field("grad_accumulation", &S::grad_accumulation,
                 "extra bytes per parameter when micro-batches accumulate")
               .non_negative()})
    fields.push_back(std::move(f));
}

/// Passes, host, communication, memory beside tensors, and how sure all that is.
void add_surroundings(std::vector<Field<S>>& fields) {
  for (auto& f : std::vector<Field<S>>{
           field("slots", &S::slots, "pointwise passes by slot"),
           field("launch", &S::launch, "how kernels reach the device"),
           field("peer_all_reduce", &S::peer_all_reduce, "an all-reduce of its own for small messages"),
           field("packed_products", &S::packed_products,
                 "the calibrated kernel of products with packed weights, by storage format"),
           field("overlap", &S::overlap, "share of communication hidden"),
           field("allocator", &S::allocator, "memory beside tensors"),
           field("interval_log_sigma", &S::interval_log_sigma,
                 "standard deviation of log(measured / predicted)")
               .range(0.001, 3),
           field("composition_log_sigma", &S::composition_log_sigma,
                 "the same of what is not the kernels' own error, where a profile answers for them; -1: all "
                 "of it")
               .range(-1, 3),
           field("interval_source", &S::interval_source, "what that deviation was estimated on"),
           field("notes", &S::notes, "facts to print with an estimate")})
    fields.push_back(std::move(f));
}

}  // namespace

const Schema<SoftwareStack>& SchemaOf<SoftwareStack>::get() {
  static const Schema<SoftwareStack> schema = [] {
    Schema<SoftwareStack> s{"software", "How operators are executed", {}};
    add_kernels(s.fields);
    add_training(s.fields);
    add_surroundings(s.fields);
    return s;
  }();
  return schema;
}

}  // namespace ridge
