#pragma once
/// A software stack: which kernels a transformer layer really launches.  Stacks are data
/// (presets/software/*.yaml), so eager PyTorch, a compiled graph and a serving engine differ on the
/// same hardware without a line of code.
///
/// A layer runs through fixed *slots*; between the matrix products and the attention core, which
/// come from the architecture, the stack lists its pointwise passes per slot:
///
///   slots:
///     input_norm:
///       - {name: rmsnorm, kernels: 1, read: [hidden], write: [hidden], keep: [hidden]}
///     activation:
///       - {name: silu-mul, when: gated, read: [2 ffn], write: [ffn], keep: [2 ffn]}
///
/// A traffic term is `[count] [format] width`: "hidden", "2 ffn", "mask hidden" (1 byte), "fp32
/// vocab" (4 bytes); without a format it has the recipe's activation width.  Widths are elements per
/// token and are divided by the parallel degrees that shard them:
///
///   hidden  model width; whole under tensor parallelism, divided by it under sequence parallelism
///   whole   model width, never divided (what is gathered before a product)
///   q, kv   query width H e; key width K e (count it twice for keys and values)
///   ffn     feed-forward width; under MoE the width of top-k experts together
///   expert_hidden   top-k copies of the model width;   experts  router logits
///   heads   one number per query head;                 scores   query heads x keys attended
///   vocab   logits
///
/// `keep` is what stays in memory until the backward pass: this is where activation memory comes
/// from (Korthikanti's 34 s b h is the sum of megatron-lm's `keep` terms).

#include "base/schema.h"

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ridge {

enum class Width { hidden, whole, q, kv, ffn, expert_hidden, experts, heads, scores, vocab };
inline constexpr std::size_t num_widths = 10;

enum class Slot {
  embedding,
  input_norm,
  before_qkv,
  after_qkv,
  core,
  before_output,
  after_output,
  ffn_norm,
  router,
  before_up,
  activation,
  before_down,
  after_down,
  final_norm,
  before_head,
  loss
};
inline constexpr std::size_t num_slots = 16;

/// Bytes per token = sum over widths of width * (activation_elements * a + fixed_bytes).
struct Traffic {
  std::array<double, num_widths> activation_elements{};  ///< in elements of the recipe's activation width
  std::array<double, num_widths> fixed_bytes{};          ///< in bytes, for masks and fp32 copies
  bool any = false;
};
void read_value(const Node&, Traffic&, ReadContext&, Range = {});
Node write_value(const Traffic&);
inline std::string type_text(const Traffic*) { return "list of '[count] [mask|fp32|fp8|bf16] width'"; }

/// One pointwise pass, or a chain of `kernels` of them.
struct Pass {
  std::string key;  ///< where the stack lists it: "software.slots.core.0"; set when programs are compiled
  std::string name;
  /// Condition on the architecture: "" always, or words joined by '+', each one of gated plain moe
  /// dense rotary learned alibi bias qk_norm rmsnorm layernorm post_norm window sinks latent shared
  /// parallel cross recurrent causal, an activation's name, or autocast (the recipe casts per use); a
  /// leading '!' negates.
  std::string when;
  double kernels = 1;
  Traffic read, write, keep;
  double efficiency = 1;            ///< of the bandwidth plain passes reach: strided or mixed formats less
  double backward_efficiency = -1;  ///< -1: as forward
  double backward_kernels = -1;     ///< -1: as many as forward
  Traffic backward_read, backward_write;  ///< absent: write + keep are read, read is written
  /// The calibrated kernel that this pass is, one launch, where a profile has timed it: "rmsnorm", "silu_mul";
  /// "norm" and "norm_backward" are those of the architecture's norm; "a|b" is b where the profile lacks a.
  /// Without it, plain passes stand for it.
  std::string kernel, backward_kernel;
  bool selective = false;  ///< recomputed under selective recomputation; keeps nothing then
};
template <> struct SchemaOf<Pass> { static const Schema<Pass>& get(); };
/// The words `when` may use.
const std::vector<std::string>& pass_conditions();

enum class AttentionKernel { flash, unfused };

/// Which of autocast's casts are kernels of their own: a compiler fuses those of inputs.
enum class CastKernels { weights, weights_inputs };

/// Scales of the operands of products in fp8: one for each operand, for each of its rows, or for each block of a row.
enum class OperandScales { tensor, rows, block };

/// What a low-rank adapter launches beside its two products, per element of the base product's input
/// and result.  Zero where the adapter runs in the layer's own format.
struct AdapterKernels {
  std::string compute;  ///< precision of its products; empty: the recipe's
  double kernels = 0, backward_kernels = 0;
  BytesPerElement input{0}, result{0};                    ///< moved by the forward passes
  BytesPerElement backward_input{0}, backward_result{0};  ///< moved by the backward passes
};
template <> struct SchemaOf<AdapterKernels> { static const Schema<AdapterKernels>& get(); };
/// An all-reduce of the engine's own over peer memory, for messages up to a size that depends on the group.
struct PeerAllReduce {
  Bytes up_to{0};       ///< of a group of more than two devices; 0: none
  Bytes pair_up_to{0};  ///< of two devices; 0: as above
};
template <> struct SchemaOf<PeerAllReduce> { static const Schema<PeerAllReduce>& get(); };
enum class LaunchMode { eager, graph };
/// What a stack is made for.
enum class StackPurpose { any, training, serving };

struct Launch {
  LaunchMode mode = LaunchMode::eager;
  std::optional<LaunchMode> decode_mode;  ///< of one generated token, where it differs
  Seconds host_per_kernel{5e-6};          ///< eager: host time to issue one forward kernel
  Seconds host_per_backward_kernel{3e-6};
  Seconds host_per_step{0};  ///< fixed host work of a step, phase or token
  Seconds host_per_collective{1e-5};
  Seconds host_per_micro_batch{0};
  Seconds graph_per_collective{0};  ///< single collectives: what launching a graph of such adds for each
};
template <> struct SchemaOf<Launch> { static const Schema<Launch>& get(); };

/// Share of a communication that hides behind computation, and which layers of it can.
struct Overlap {
  double data = 0;    ///< gradient reduction behind the backward pass
  double gather = 0;  ///< ZeRO-3 weight gathers behind the neighbouring layer
  double tensor = 0;
  double pipeline = 0;
  double context = 0;
  double expert = 0;
};
template <> struct SchemaOf<Overlap> { static const Schema<Overlap>& get(); };

/// What a serving engine's pool is a share of, and what must lie in it.
///   everything            f C              all that is allocated, and the context
///   weights_and_cache     f (C - context)  weights and cache
///   cache_beside_weights  f (C - context - weights)  the cache
///   cache_beside_all      f (C - context - all but the cache)  the cache
enum class PoolRule { everything, weights_and_cache, cache_beside_weights, cache_beside_all };

/// What the memory allocator adds.
struct Allocator {
  double fragmentation = 0;  ///< reserved beyond allocated, as a fraction of allocated
  double sharded_fragmentation =
      0;                     ///< the same where gradients or weights are sharded (ZeRO 2, 3); 0: as above
  Bytes workspace{0};        ///< product workspaces and the like, allocated
  Bytes context{0};          ///< outside the allocator: CUDA context, communicator buffers
  double pool_fraction = 0;  ///< serving engines that claim a share of the device at start; 0: none
  PoolRule pool_rule = PoolRule::everything;
  std::string pool_option;  ///< what the engine calls the share: "gpu_memory_utilization"
};
template <> struct SchemaOf<Allocator> { static const Schema<Allocator>& get(); };

/// How far the numbers below a key can be trusted.
enum class Evidence { assumed, fitted, measured, documented, definition };

/// Where the numbers of a stack come from; without a source of its own, from the stack's.
struct StackOrigin {
  Evidence kind = Evidence::assumed;
  std::string source;  ///< fitted: the group of measurements it was fitted on
};
template <> struct SchemaOf<StackOrigin> { static const Schema<StackOrigin>& get(); };

struct SoftwareStack {
  std::string name, description, source, extends;
  std::map<std::string, StackOrigin>
      origins;  ///< by key: "launch", "allocator.pool_fraction"; the longest wins
  std::vector<std::string> aliases;
  StackPurpose purpose = StackPurpose::any;
  std::vector<std::string> runs_on;  ///< kinds of devices and vendors, "gpu", "nvidia"; empty: anywhere
  AttentionKernel attention = AttentionKernel::flash;
  bool at_peak = false;           ///< kernels at the device's peaks, without gaps: the roofline bound
  bool attention_flash2 = false;  ///< FlashAttention 2 kernels instead of the device's best
  bool causal_skip = true;        ///< the attention core leaves out masked tiles
  bool selective_core = true;     ///< selective recomputation runs the attention core again
  bool fused_qkv = true;          ///< one product for Q, K and V
  bool fused_gate_up = true;
  bool fused_expert_products = true;                 ///< grouped products over a rank's experts
  bool pads_vocabulary = true;                       ///< the head's columns are rounded up to whole 16 bytes
  OperandScales fp8_scales = OperandScales::tensor;  ///< other kernels, where a profile has timed them
  double product_efficiency = 1;                     ///< of the device's achievable product rate
  double attention_efficiency = 1;
  double memory_efficiency = 1;
  bool logits_all_positions = true;  ///< inference: whether prefill computes every position's logits
  double selective_products = 0;     ///< share of the products that selective recomputation runs again
  bool optimizer_fused = true;
  std::string optimizer_kernel;  ///< the calibrated kernel that its update is, where a profile has timed it
  double optimizer_passes = 1;   ///< passes over the optimizer's traffic (unfused: several)
  double optimizer_efficiency = 1;    ///< of the device's achievable bandwidth in those passes
  double gradient_buckets = 0;        ///< communication buffers, in layers' worth of gradients
  bool persistent_gradients = false;  ///< gradient buffers live through the whole step (Megatron)
  double reducer_copies = 0;          ///< whole gradient copies a data-parallel reducer keeps (DDP), ZeRO 0
  BytesPerElement placeholder_gradients{0};  ///< of one layer's weights, kept for good (Transformer Engine)
  BytesPerElement adapter_input{0};  ///< copy of its input that each low-rank adapter keeps (PEFT: fp32)
  AdapterKernels adapters;
  CastKernels cast_kernels = CastKernels::weights;
  double widening_efficiency = 1;  ///< of plain passes' bandwidth, in casts to a wider format
  bool casts_again = false;  ///< compiled graphs redo autocast's casts in the backward pass, keeping none
  bool sharded_embedding = true;         ///< tensor parallelism divides the token table's rows
  BytesPerElement grad_accumulation{0};  ///< extra bytes per element when micro-batches accumulate
  std::map<std::string, std::vector<Pass>> slots;
  Launch launch;
  PeerAllReduce peer_all_reduce;
  /// The calibrated kernel of products with packed weights, by storage format: {int8: int8-weights}
  std::map<std::string, std::string> packed_products;
  Overlap overlap;
  Allocator allocator;
  double interval_log_sigma =
      0.15;  ///< half-width source of the 90 % interval; `interval_source` says from what
  double composition_log_sigma = -1;  ///< the part that is not the kernels' own; -1: all of it
  std::string interval_source;
  std::vector<std::string> notes;
};
template <> struct SchemaOf<SoftwareStack> { static const Schema<SoftwareStack>& get(); };

template <> struct EnumNames<Evidence> {
  static constexpr std::pair<Evidence, std::string_view> names[] = {{Evidence::assumed, "assumed"},
                                                                    {Evidence::fitted, "fitted"},
                                                                    {Evidence::measured, "measured"},
                                                                    {Evidence::documented, "documented"},
                                                                    {Evidence::definition, "definition"}};
};
template <> struct EnumNames<PoolRule> {
  static constexpr std::pair<PoolRule, std::string_view> names[] = {
      {PoolRule::everything, "everything"},
      {PoolRule::weights_and_cache, "weights+cache"},
      {PoolRule::cache_beside_weights, "cache-beside-weights"},
      {PoolRule::cache_beside_all, "cache-beside-all"}};
};
template <> struct EnumNames<AttentionKernel> {
  static constexpr std::pair<AttentionKernel, std::string_view> names[] = {
      {AttentionKernel::flash, "flash"}, {AttentionKernel::unfused, "unfused"}};
};
template <> struct EnumNames<CastKernels> {
  static constexpr std::pair<CastKernels, std::string_view> names[] = {
      {CastKernels::weights, "weights"}, {CastKernels::weights_inputs, "weights+inputs"}};
};
template <> struct EnumNames<OperandScales> {
  static constexpr std::pair<OperandScales, std::string_view> names[] = {
      {OperandScales::tensor, "tensor"}, {OperandScales::rows, "rows"}, {OperandScales::block, "block"}};
};
template <> struct EnumNames<StackPurpose> {
  static constexpr std::pair<StackPurpose, std::string_view> names[] = {
      {StackPurpose::any, "any"}, {StackPurpose::training, "training"}, {StackPurpose::serving, "serving"}};
};
template <> struct EnumNames<LaunchMode> {
  static constexpr std::pair<LaunchMode, std::string_view> names[] = {{LaunchMode::eager, "eager"},
                                                                      {LaunchMode::graph, "graph"}};
};
template <> struct EnumNames<Width> {
  static constexpr std::pair<Width, std::string_view> names[] = {
      {Width::hidden, "hidden"},   {Width::whole, "whole"}, {Width::q, "q"},
      {Width::kv, "kv"},           {Width::ffn, "ffn"},     {Width::expert_hidden, "expert_hidden"},
      {Width::experts, "experts"}, {Width::heads, "heads"}, {Width::scores, "scores"},
      {Width::vocab, "vocab"}};
};
template <> struct EnumNames<Slot> {
  static constexpr std::pair<Slot, std::string_view> names[] = {{Slot::embedding, "embedding"},
                                                                {Slot::input_norm, "input_norm"},
                                                                {Slot::before_qkv, "before_qkv"},
                                                                {Slot::after_qkv, "after_qkv"},
                                                                {Slot::core, "core"},
                                                                {Slot::before_output, "before_output"},
                                                                {Slot::after_output, "after_output"},
                                                                {Slot::ffn_norm, "ffn_norm"},
                                                                {Slot::router, "router"},
                                                                {Slot::before_up, "before_up"},
                                                                {Slot::activation, "activation"},
                                                                {Slot::before_down, "before_down"},
                                                                {Slot::after_down, "after_down"},
                                                                {Slot::final_norm, "final_norm"},
                                                                {Slot::before_head, "before_head"},
                                                                {Slot::loss, "loss"}};
};

}  // namespace ridge
