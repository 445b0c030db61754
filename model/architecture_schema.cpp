#include "model/architecture.h"

namespace ridge {

namespace {
constexpr double max_size = max_model_width, max_layers = max_model_layers, max_experts = max_model_experts;
}  // namespace

const Schema<MixtureOfExperts>& SchemaOf<MixtureOfExperts>::get() {
  using T = MixtureOfExperts;
  static const Schema<T> s{
      "moe",
      "Mixture of experts",
      {field("experts", &T::experts, "routed experts; 0: none").range(0, max_experts),
       field("top_k", &T::top_k, "experts a token passes").range(0, max_experts),
       field("ffn_hidden_size", &T::ffn_hidden_size, "width of one expert").range(0, max_size),
       field("latent_size", &T::latent_size, "width that routed experts read and write; 0: hidden_size")
           .range(0, max_size),
       field("shared_experts", &T::shared_experts, "experts that every token passes").range(0, max_experts),
       field("shared_ffn_hidden_size", &T::shared_ffn_hidden_size, "width of one shared expert")
           .range(0, max_size),
       field("shared_gate", &T::shared_gate, "a learned gate scales the shared expert"),
       field("router_bias", &T::router_bias, "the router has one more value per expert"),
       field("expert_bias", &T::expert_bias, "expert products have biases"),
       field("every", &T::every, "every n-th layer has experts").range(1, max_layers),
       field("offset", &T::offset, "layer index modulo every").range(0, max_layers)}};
  return s;
}

const Schema<LatentAttention>& SchemaOf<LatentAttention>::get() {
  using T = LatentAttention;
  static const Schema<T> s{
      "latent",
      "Multi-head latent attention",
      {field("q_lora_rank", &T::q_lora_rank, "width of the query latent; 0: plain query product")
           .range(0, max_size),
       field("kv_lora_rank", &T::kv_lora_rank, "width of the cached latent; 0: no latent attention")
           .range(0, max_size),
       field("nope_head_dim", &T::nope_head_dim, "query and key width without rotation").range(0, max_size),
       field("rope_head_dim", &T::rope_head_dim, "query and key width with rotation").range(0, max_size),
       field("v_head_dim", &T::v_head_dim, "value width").range(0, max_size)}};
  return s;
}

const Schema<Recurrent>& SchemaOf<Recurrent>::get() {
  using T = Recurrent;
  static const Schema<T> s{
      "recurrent",
      "Recurrent mixers: Mamba, RWKV, gated delta rule",
      {field("kind", &T::kind, "which recurrence"),
       field("expand", &T::expand, "inner width over hidden_size").range(0, 64),
       field("inner_size", &T::inner_size, "inner width").range(0, max_size),
       field("state_size", &T::state_size, "state values per inner channel").range(0, max_size),
       field("conv_kernel", &T::conv_kernel, "taps of the causal convolution").range(0, 1024),
       field("time_step_rank", &T::time_step_rank, "rank of the time-step product").range(0, max_size),
       field("groups", &T::groups, "groups sharing B and C").range(0, max_size),
       field("head_dim", &T::head_dim, "channels per head").range(0, max_size),
       field("low_rank", &T::low_rank, "sum of the ranks of low-rank parts").range(0, max_size),
       field("parameter_norms", &T::parameter_norms, "norms of dt, B and C"),
       field("key_heads", &T::key_heads, "gated delta: key heads").range(0, max_size),
       field("value_heads", &T::value_heads, "gated delta: value heads").range(0, max_size),
       field("key_head_dim", &T::key_head_dim, "gated delta: key width").range(0, max_size),
       field("value_head_dim", &T::value_head_dim, "gated delta: value width").range(0, max_size)}};
  return s;
}

const Schema<Architecture>& SchemaOf<Architecture>::get() {
  using T = Architecture;
  static const Schema<T> s{
      "model",
      "Sizes and choices of a network",
      {field("name", &T::name, "name for people"),
       field("huggingface_type", &T::huggingface_type, "model_type of config.json"),
       field("layers", &T::layers, "layers of the decoder or only stack").range(0, max_layers),
       field("encoder_layers", &T::encoder_layers, "layers of the encoder of an encoder-decoder")
           .range(0, max_layers),
       field("hidden_size", &T::hidden_size, "model width").range(0, max_size),
       field("heads", &T::heads, "query heads").range(0, max_size),
       field("kv_heads", &T::kv_heads, "key/value heads; absent: heads").range(0, max_size),
       field("head_dim", &T::head_dim, "width of a head; absent: hidden_size / heads").range(0, max_size),
       field("ffn_hidden_size", &T::ffn_hidden_size, "feed-forward width").range(0, max_size),
       field("vocab_size", &T::vocab_size, "rows of the token embedding").range(0, max_size),
       field("max_positions", &T::max_positions, "longest sequence").range(0, 1 << 30),
       field("position_offset", &T::position_offset, "unused first rows of a learned position table")
           .range(0, 1024),
       field("token_types", &T::token_types, "rows of the token type table").range(0, 1024),
       field("embedding_size", &T::embedding_size, "width of the token embedding; absent: hidden_size")
           .range(0, max_size),
       field("first_dense_layers", &T::first_dense_layers, "first layers without experts")
           .range(0, max_layers),
       field("tied_embeddings", &T::tied_embeddings, "the head shares the token embedding"),
       field("shared_layers", &T::shared_layers, "all layers share one set of weights"),
       field("causal", &T::causal, "a token sees only earlier tokens"),
       field("activation", &T::activation, "of the feed-forward part; swiglu, geglu, reglu are gated"),
       field("norm", &T::norm, "kind of normalisation"),
       field("norms_per_layer", &T::norms_per_layer, "norms of a whole layer").range(0, 8),
       field("embedding_norm", &T::embedding_norm, "a norm behind the embedding"),
       field("final_norm", &T::final_norm, "a norm behind the last layer"),
       field("parallel_attention", &T::parallel_attention, "attention and feed-forward read the same input"),
       field("one_qkv_weight", &T::one_qkv_weight,
             "the published code keeps queries, keys and values in one weight, whatever the stack fuses"),
       field("qkv_bias", &T::qkv_bias, "query, key and value products have biases"),
       field("attention_output_bias", &T::attention_output_bias, "the attention output product has a bias"),
       field("ffn_bias", &T::ffn_bias, "feed-forward products have biases"),
       field("lm_head_bias", &T::lm_head_bias, "the head has a bias"),
       field("embedding_projection_bias", &T::embedding_projection_bias,
             "the embedding projection has a bias"),
       field("pooler", &T::pooler, "a dense layer on the first token"),
       field("attention_gate", &T::attention_gate, "a gate as wide as the queries"),
       field("positions", &T::positions, "how positions enter"),
       field("relative_buckets", &T::relative_buckets, "rows of the relative bias table").range(0, 1 << 16),
       field("qk_norm", &T::qk_norm, "normalisation of queries and keys"),
       field("head", &T::head, "what stands behind the last layer"),
       field("sliding_window", &T::sliding_window, "tokens a local layer sees; 0: all").range(0, 1 << 30),
       field("global_every", &T::global_every, "every n-th layer sees all tokens; 0: none does")
           .range(0, max_layers),
       field("global_offset", &T::global_offset, "layer index modulo global_every").range(-1, max_layers),
       field("attention_sinks", &T::attention_sinks, "one learned logit per head"),
       field("sink_tokens", &T::sink_tokens, "first tokens that a window always keeps").range(0, 1 << 20),
       field("attention_every", &T::attention_every, "hybrids: every n-th layer is attention; 0: none")
           .range(0, max_layers),
       field("attention_offset", &T::attention_offset, "layer index modulo attention_every")
           .range(0, max_layers),
       field("layer_pattern", &T::layer_pattern,
             "one letter a layer: M recurrent, * attention, - feed-forward, E experts"),
       field("mtp_layers", &T::mtp_layers, "multi-token-prediction modules").range(0, 64),
       field("mtp_own_embeddings", &T::mtp_own_embeddings, "those modules hold embedding and head again"),
       field("moe", &T::moe, "mixture of experts"),
       field("latent", &T::latent, "multi-head latent attention"),
       field("recurrent", &T::recurrent, "recurrent mixer")}};
  return s;
}

}  // namespace ridge
