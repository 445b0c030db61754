#include "sim/report/model_report.h"

#include "base/quantity_text.h"
#include "model/flops.h"
#include "model/kv_cache.h"
#include "sim/report/json_value.h"

#include <algorithm>
#include <fmt/format.h>

namespace ridge {
namespace {

constexpr std::int64_t contexts[] = {2048, 8192, 32768, 131072};
constexpr double bytes_per_cached_element = 2;  // bf16

/// What grows with the tokens before: the work of the next one, and what a sequence of them keeps.
struct AtContext {
  std::int64_t tokens = 0;
  Flop next_token{};
  Bytes cached{0};
};

struct FormatBytes {
  std::string name;
  std::int64_t bytes = 0;
};

/// Everything both outputs show, computed once.
struct ModelFigures {
  Inventory inventory;
  std::int64_t cache_elements_per_token = 0;
  std::vector<FormatBytes> weights;
  Flop first_token{};
  std::vector<AtContext> at_context;
  Bytes state{0};  ///< of recurrent layers, whatever the tokens

  explicit ModelFigures(const ModelReportInput& in) : inventory(ridge::inventory(in.architecture)) {
    const Architecture& a = in.architecture;
    cache_elements_per_token = ridge::cache_elements_per_token(a, inventory.layers).value;
    for (const auto& [name, format] : in.formats.formats)
      weights.push_back({name, weight_bytes(a, inventory, in.formats, format).total});
    std::stable_sort(weights.begin(), weights.end(),
                     [](const auto& x, const auto& y) { return x.bytes > y.bytes; });
    const auto flop_after = [&](std::int64_t past) {
      TokenBatch batch;
      batch.past = past;
      batch.encoder_tokens = a.encoder_layers > 0 ? 1 : 0;
      return forward_flop(a, inventory, batch, 1).value;
    };
    const auto cached = [&](std::int64_t tokens) {
      const std::int64_t read = a.encoder_layers > 0 && a.layers > 0 ? tokens : 0;
      return ridge::cache_bytes(a, inventory.layers, cache_format("bf16"), 1, tokens, read).value;
    };
    first_token = flop_after(0);
    state = cached(0);
    for (const std::int64_t past : contexts)
      if (a.max_positions == 0 || past <= a.max_positions)
        at_context.push_back({past, flop_after(past), cached(past)});
  }
};

std::string shape(const Tensor& t) {
  std::string text = format_count(t.out);
  if (!t.is_vector()) text += " x " + format_count(t.in);
  if (t.copies > 1) text = fmt::format("{} of {}", t.copies, text);
  return text;
}

std::int64_t layers_of(const Inventory& inv, const Tensor& t) {
  return t.layer_kind < 0 ? 1 : inv.layers.count[static_cast<std::size_t>(t.layer_kind)];
}

void sizes(Report& r, const Architecture& a, const Inventory& inv) {
  Facts f;
  const auto add = [&f](std::string label, std::int64_t n, std::string note = {}) {
    if (n > 0)
      f.items.push_back(
          {std::move(label), format_count(n), std::move(note), Tone::plain, {}, std::to_string(n)});
  };
  for (std::size_t k = 0; k < inv.layers.kinds.size(); ++k)
    add("layers", inv.layers.count[k], describe(inv.layers.kinds[k]));
  add("hidden size", a.hidden_size);
  add("heads", a.heads,
      a.kv_heads == a.heads || a.latent.kv_lora_rank > 0 ? ""
                                                         : fmt::format("{} for keys and values", a.kv_heads));
  add("head dimension", a.head_dim);
  add("feed-forward", a.ffn_hidden_size, std::string(enum_name(a.activation)));
  if (a.moe.experts > 0)
    add("experts", a.moe.experts,
        fmt::format("{} per token, {} shared, width {}", a.moe.top_k, a.moe.shared_experts,
                    a.moe.ffn_hidden_size) +
            (a.moe.latent_size > 0 ? fmt::format(", on a latent width of {}", a.moe.latent_size) : ""));
  add("vocabulary", a.vocab_size, a.tied_embeddings ? "embedding and head share weights" : "");
  add("positions", a.max_positions, std::string(enum_name(a.positions)));
  r.section("Shape").add(std::move(f));
}

bool has_window(const ModelFigures& m) {
  return std::ranges::any_of(m.inventory.layers.kinds, [](const LayerKind& k) { return k.window > 0; });
}

void costs(Report& r, const ModelFigures& m) {
  Facts f;
  const auto add = [&f](std::string label, std::string value, std::string note, double exact) {
    f.items.push_back(
        {std::move(label), std::move(value), std::move(note), Tone::plain, {}, format_number(exact)});
  };
  add("forward", format(m.first_token), "one token, without attention to earlier ones",
      m.first_token.value());
  for (const AtContext& c : m.at_context)
    add("", format(c.next_token), fmt::format("after {} tokens", format_count(c.tokens)),
        c.next_token.value());
  add("training", format(3 * m.first_token), "forward and backward, a token", 3 * m.first_token.value());
  const double bytes = static_cast<double>(m.cache_elements_per_token) * bytes_per_cached_element;
  add("cache", format(Bytes{bytes}),
      has_window(m) ? "a further token in bf16, inside of all windows" : "keys and values of a token in bf16",
      bytes);
  if (m.state.value() > 0) add("", format(m.state), "state of a sequence, however long", m.state.value());
  for (const AtContext& c : m.at_context)
    add("", format(c.cached), fmt::format("a sequence of {} tokens", format_count(c.tokens)),
        c.cached.value());
  r.section("Work and cache").add(std::move(f));
}

void weights(Report& r, const ModelFigures& m) {
  Table t{{{"format", Align::left}, {"bytes"}, {"exact"}, {"bits a parameter"}}, {}, "weights"};
  for (const FormatBytes& w : m.weights) {
    const auto bytes = static_cast<double>(w.bytes);
    t.rows.push_back(
        {{w.name},
         {format(Bytes{bytes}), Tone::strong, std::to_string(w.bytes)},
         {format_count(w.bytes), Tone::dim, std::to_string(w.bytes)},
         {fmt::format("{:.2f}",
                      8 * bytes / static_cast<double>(std::max<std::int64_t>(1, m.inventory.parameters)))}});
  }
  r.section("Weights by storage format").add(std::move(t));
}

void tensors(Report& r, const Inventory& inv) {
  Table t{
      {{"tensor", Align::left, true}, {"shape", Align::left, true}, {"layers"}, {"elements"}}, {}, "tensors"};
  for (const Tensor& tensor : inv.tensors) {
    const std::int64_t layers = layers_of(inv, tensor);
    const std::int64_t elements = tensor.elements() * layers;
    t.rows.push_back({{tensor_name(inv, tensor)},
                      {shape(tensor)},
                      {std::to_string(layers)},
                      {format_count(elements), Tone::plain, std::to_string(elements)}});
  }
  r.section("Tensors").add(std::move(t));
}

}  // namespace

Report model_report(const ModelReportInput& in) {
  const ModelFigures m(in);
  const Inventory& inv = m.inventory;
  Report r;
  r.title = in.architecture.name;
  Facts f;
  const auto add = [&](std::string label, std::int64_t n, std::string note, Tone tone) {
    f.items.push_back({std::move(label), format_count(n), std::move(note), tone, {}, std::to_string(n)});
  };
  add("parameters", inv.parameters, short_count(static_cast<double>(inv.parameters)), Tone::strong);
  if (inv.active_parameters != inv.parameters)
    add("active", inv.active_parameters, "a token passes", Tone::plain);
  add("non-embedding", inv.non_embedding_parameters, "", Tone::plain);
  r.section("").add(std::move(f));
  sizes(r, in.architecture, inv);
  costs(r, m);
  if (in.with_tensors) tensors(r, inv);
  else weights(r, m);
  return r;
}

std::string model_json(const ModelReportInput& in) {
  const ModelFigures m(in);
  const Inventory& inv = m.inventory;
  Json j = {{"name", in.architecture.name}};
  j["parameters"] = {{"total", inv.parameters},
                     {"active", inv.active_parameters},
                     {"non_embedding", inv.non_embedding_parameters}};
  j["kv_cache"] = {{"elements_per_token", m.cache_elements_per_token},
                   {"bytes_per_token",
                    json_number(static_cast<double>(m.cache_elements_per_token) * bytes_per_cached_element)},
                   {"state_bytes_per_sequence", json_number(m.state.value())},
                   {"bytes_per_sequence_at", Json::object()}};
  for (const AtContext& c : m.at_context)
    j["kv_cache"]["bytes_per_sequence_at"][std::to_string(c.tokens)] = json_number(c.cached.value());
  j["weights"] = Json::object();
  for (const FormatBytes& w : m.weights) j["weights"][w.name] = {{"bytes", w.bytes}};
  j["flops"] = {{"forward_per_token", json_number(m.first_token.value())},
                {"training_per_token", json_number(3 * m.first_token.value())}};
  j["flops"]["forward_per_token_at"] = Json::object();
  for (const AtContext& c : m.at_context)
    j["flops"]["forward_per_token_at"][std::to_string(c.tokens)] = json_number(c.next_token.value());
  j["layers"] = Json::array();
  for (std::size_t k = 0; k < inv.layers.kinds.size(); ++k)
    j["layers"].push_back({{"count", inv.layers.count[k]}, {"kind", describe(inv.layers.kinds[k])}});
  if (!in.with_tensors) return json_text(j);
  j["tensors"] = Json::array();
  for (const Tensor& t : inv.tensors)
    j["tensors"].push_back({{"name", tensor_name(inv, t)},
                            {"out", t.out},
                            {"in", t.in},
                            {"copies", t.copies},
                            {"layers", layers_of(inv, t)},
                            {"elements", t.elements() * layers_of(inv, t)}});
  return json_text(j);
}

}  // namespace ridge
