#pragma once
/// What a network is: the sizes and choices from which every tensor, FLOP and cache byte follows.
/// An `Architecture` is plain data.  It is read from a preset, a model YAML or (huggingface.h) a
/// config.json, always through `resolve`, which also fills in what a text left out.
///
///   model: llama-3-8b               # layers 32, hidden_size 4096, heads 32, kv_heads 8, ...
///   model.layers: 12                # cuts the model; nothing else changes
///   model.hidden_size: 2048         # re-derives head_dim, because the preset does not state it
///
/// Derived when absent (0 in a text means absent as well)
///   kv_heads         heads                              (multi-head attention)
///   head_dim         hidden_size / heads; latent attention: nope_head_dim + rope_head_dim
///   ffn_hidden_size  4 hidden_size; gated: 8/3 hidden_size rounded up to a multiple of 256, the
///                    rule of LLaMA 1 and 2 (4096 -> 11008, 5120 -> 13824, 8192 -> 22016)
///   embedding_size   hidden_size
///   moe.ffn_hidden_size         ffn_hidden_size
///   moe.shared_ffn_hidden_size  moe.ffn_hidden_size
///   recurrent.*      see Recurrent
///
/// Symbols of formulas: V vocab_size, d hidden_size, L layers, H heads, K kv_heads, e head_dim,
/// f ffn_hidden_size, E experts, k top_k.  All sizes are counts.
/// Not here: which layer is of which kind (layers.h), tensors (inventory.h).

#include "base/schema.h"

#include <cstdint>
#include <string>

namespace ridge {

/// gelu_new: the tanh form written out, a chain of pointwise operators where nothing fuses it (GPT-2).
enum class Activation { gelu, gelu_new, relu, relu2, silu, swiglu, geglu, reglu };
constexpr bool is_gated(Activation a) { return a >= Activation::swiglu; }

/// Parameters of one norm: rms d; layer 2 d (weight and bias); layer_no_bias d; layer_fixed 0.
enum class Norm { rms, layer, layer_no_bias, layer_fixed };

enum class Positions { none, learned, rotary, alibi, relative };

/// Normalisation of queries and keys: one vector of head_dim each, or of the whole projection.
enum class QkNorm { none, head, full };

/// What stands behind the last layer.
enum class Head { language_model, masked_language_model, none };

enum class RecurrentKind { none, mamba, mamba2, rwkv4, rwkv5, rwkv6, rwkv7, gated_delta };

/// Mixture of experts; `experts` 0 means none.  Layer i has experts when i >= first_dense_layers and
/// i mod every = offset.
struct MixtureOfExperts {
  std::int64_t experts = 0, top_k = 0;
  std::int64_t ffn_hidden_size = 0;         ///< of one expert
  std::int64_t latent_size = 0;             ///< width routed experts read and write; 0: hidden_size
  std::int64_t shared_experts = 0;          ///< experts every token passes
  std::int64_t shared_ffn_hidden_size = 0;  ///< of one shared expert
  bool shared_gate = false;                 ///< a d-vector gates the shared expert (Qwen2-MoE)
  bool router_bias = false;                 ///< E values: linear bias or score correction
  bool expert_bias = false;                 ///< gpt-oss
  std::int64_t every = 1, offset = 0;
  friend bool operator==(const MixtureOfExperts&, const MixtureOfExperts&) = default;
};

/// Multi-head latent attention (DeepSeek-V2); `kv_lora_rank` 0 means none, `q_lora_rank` 0 a plain
/// query projection.
struct LatentAttention {
  std::int64_t q_lora_rank = 0, kv_lora_rank = 0;
  std::int64_t nope_head_dim = 0, rope_head_dim = 0, v_head_dim = 0;
  friend bool operator==(const LatentAttention&, const LatentAttention&) = default;
};

/// Recurrent mixers.  Derived: inner_size = expand d; time_step_rank = ceil(d/16) (mamba);
/// state_size 16 (mamba) or 128 (mamba2); low_rank 224 (rwkv6: 160 + 64) or 288 (rwkv7: 64 + 32 + 64 + 128).
struct Recurrent {
  RecurrentKind kind = RecurrentKind::none;
  std::int64_t expand = 2, inner_size = 0, state_size = 0, conv_kernel = 4;
  std::int64_t time_step_rank = 0, groups = 1, head_dim = 64;
  std::int64_t low_rank = 0;     ///< rwkv6, rwkv7: ranks of all low-rank parts, summed
  bool parameter_norms = false;  ///< norms of dt, B and C (Jamba)
  std::int64_t key_heads = 0, value_heads = 0, key_head_dim = 0, value_head_dim = 0;  ///< gated_delta
  friend bool operator==(const Recurrent&, const Recurrent&) = default;
};

struct Architecture {
  std::string name;              ///< preset's name, for people
  std::string huggingface_type;  ///< model_type of config.json; "" when not known

  std::int64_t layers = 0;          ///< decoder (or only) stack
  std::int64_t encoder_layers = 0;  ///< of an encoder-decoder; its decoder then has cross attention
  std::int64_t hidden_size = 0, heads = 0, kv_heads = 0, head_dim = 0;
  std::int64_t ffn_hidden_size = 0, vocab_size = 0;
  std::int64_t max_positions = 0;    ///< longest sequence; rows of a learned position table
  std::int64_t position_offset = 0;  ///< further rows of that table (OPT: 2)
  std::int64_t token_types = 0, embedding_size = 0, first_dense_layers = 0;
  bool tied_embeddings = false;  ///< the head shares the token embedding
  bool shared_layers = false;    ///< all layers share one set of weights (ALBERT)
  bool causal = true;            ///< false: every token sees the whole sequence (BERT)

  Activation activation = Activation::swiglu;
  Norm norm = Norm::rms;
  std::int64_t norms_per_layer = 2;  ///< 1: parallel branches share it; 4: before and after (Gemma 2)
  bool embedding_norm = false, final_norm = true;
  bool parallel_attention = false;  ///< attention and feed-forward read the same input
  bool qkv_bias = false, attention_output_bias = false, ffn_bias = false, lm_head_bias = false;
  bool embedding_projection_bias = false, pooler = false;
  bool one_qkv_weight = false;  ///< the published code keeps queries, keys and values in one weight
  bool attention_gate = false;  ///< a sigmoid gate as wide as the queries (Qwen3-Next)
  Positions positions = Positions::rotary;
  std::int64_t relative_buckets = 32;  ///< rows of the relative bias table, one table per stack (T5)
  QkNorm qk_norm = QkNorm::none;
  Head head = Head::language_model;

  /// Tokens a layer sees; 0: all.  Layer i is global when i mod global_every = global_offset;
  /// global_every 0: no layer is.  Derived offset: global_every - 1.
  std::int64_t sliding_window = 0, global_every = 0, global_offset = -1;
  bool attention_sinks = false;  ///< one learned logit per head (gpt-oss)
  std::int64_t sink_tokens = 0;  ///< first tokens a window always keeps (StreamingLLM)

  /// Hybrid stacks: with a recurrent mixer, layer i is attention when i mod attention_every =
  /// attention_offset (0: never).
  std::int64_t attention_every = 0, attention_offset = 0;
  /// One letter a layer, repeated as needed, for layers of a single part (Nemotron-H):
  /// M recurrent, * attention, - dense feed-forward, E experts.  "" means whole layers.
  std::string layer_pattern;
  std::int64_t mtp_layers = 0;      ///< multi-token-prediction modules kept beside the model
  bool mtp_own_embeddings = false;  ///< they carry copies of embedding and head

  MixtureOfExperts moe;
  LatentAttention latent;
  Recurrent recurrent;

  friend bool operator==(const Architecture&, const Architecture&) = default;
};

/// Bounds of what a text may state, and of what is derived from it.  With them a matrix has at most 2^48
/// elements and the experts of a layer at most 2^62.
inline constexpr std::int64_t max_model_width = 1 << 24, max_model_layers = 1 << 14,
                              max_model_experts = 1 << 14;

/// Width of all queries, H e (latent attention: H (nope + rope)), and of keys or values, K e.
constexpr std::int64_t query_width(const Architecture& a) {
  return a.latent.kv_lora_rank > 0 ? a.heads * (a.latent.nope_head_dim + a.latent.rope_head_dim)
                                   : a.heads * a.head_dim;
}
constexpr std::int64_t key_value_width(const Architecture& a) { return a.kv_heads * a.head_dim; }

/// Reads a model map (preset, overrides merged), derives what is absent and validates.
/// Errors  unknown keys, missing hidden_size / layers / heads / vocab_size, every violation of
///         `validate`, each at the place where the value was written.
Architecture resolve(const Node& model, ReadContext&);

/// Fills every derived value that is 0.
void derive(Architecture&);

/// Records the derived values that no text states as formulas over the fields they follow from; inputs
/// asked for later under their keys ("model.head_dim") are these.
void define_derived(const Architecture&, Explain&);

/// One broken rule: "heads = 30 · must be a multiple of kv_heads = 8 · try 32".
struct ArchitectureViolation {
  std::string key;      ///< the value to change: "heads"
  std::string message;  ///< value, constraint and what would satisfy it
};
/// Every broken rule of a derived architecture; empty when every count that follows from it is exact
/// in 64 bits.
std::vector<ArchitectureViolation> validate(const Architecture&);

template <> struct SchemaOf<Architecture> { static const Schema<Architecture>& get(); };
template <> struct SchemaOf<MixtureOfExperts> { static const Schema<MixtureOfExperts>& get(); };
template <> struct SchemaOf<LatentAttention> { static const Schema<LatentAttention>& get(); };
template <> struct SchemaOf<Recurrent> { static const Schema<Recurrent>& get(); };

template <> struct EnumNames<Activation> {
  static constexpr std::pair<Activation, std::string_view> names[] = {
      {Activation::gelu, "gelu"},   {Activation::gelu_new, "gelu_new"}, {Activation::relu, "relu"},
      {Activation::relu2, "relu2"}, {Activation::silu, "silu"},         {Activation::swiglu, "swiglu"},
      {Activation::geglu, "geglu"}, {Activation::reglu, "reglu"}};
};
template <> struct EnumNames<Norm> {
  static constexpr std::pair<Norm, std::string_view> names[] = {{Norm::rms, "rmsnorm"},
                                                                {Norm::layer, "layernorm"},
                                                                {Norm::layer_no_bias, "layernorm-no-bias"},
                                                                {Norm::layer_fixed, "layernorm-fixed"}};
};
template <> struct EnumNames<Positions> {
  static constexpr std::pair<Positions, std::string_view> names[] = {{Positions::none, "none"},
                                                                     {Positions::learned, "learned"},
                                                                     {Positions::rotary, "rotary"},
                                                                     {Positions::alibi, "alibi"},
                                                                     {Positions::relative, "relative"}};
};
template <> struct EnumNames<QkNorm> {
  static constexpr std::pair<QkNorm, std::string_view> names[] = {
      {QkNorm::none, "none"}, {QkNorm::head, "head"}, {QkNorm::full, "full"}};
};
template <> struct EnumNames<Head> {
  static constexpr std::pair<Head, std::string_view> names[] = {
      {Head::language_model, "language-model"},
      {Head::masked_language_model, "masked-language-model"},
      {Head::none, "none"}};
};
template <> struct EnumNames<RecurrentKind> {
  static constexpr std::pair<RecurrentKind, std::string_view> names[] = {
      {RecurrentKind::none, "none"},     {RecurrentKind::mamba, "mamba"},
      {RecurrentKind::mamba2, "mamba2"}, {RecurrentKind::rwkv4, "rwkv4"},
      {RecurrentKind::rwkv5, "rwkv5"},   {RecurrentKind::rwkv6, "rwkv6"},
      {RecurrentKind::rwkv7, "rwkv7"},   {RecurrentKind::gated_delta, "gated-delta"}};
};

}  // namespace ridge
