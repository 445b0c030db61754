#include "base/quantity_text.h"
#include "model/huggingface_translator.h"

#include <fmt/format.h>

namespace ridge {

namespace {

/// Fields of a quantization_config as text; nothing for one that is absent or null.
class Quantization {
 public:
  explicit Quantization(const Node& config) : config_(config) {}
  std::string text(std::initializer_list<std::string_view> names) const {
    for (std::string_view name : names)
      if (const Node* n = config_.at(name); n && n->is_scalar() && !n->is_null()) return n->text;
    return {};
  }
  bool has(std::string_view name) const {
    const Node* n = config_.at(name);
    return n && !n->is_null();
  }
  bool is(std::string_view name, std::string_view value) const { return text({name}) == value; }

 private:
  const Node& config_;
};

std::string compressed_tensors_format(const Quantization& q) {
  const std::string weights = "config_groups.group_0.weights.";
  const std::string bits = q.text({weights + "num_bits"}), type = q.text({weights + "type"});
  if (type == "float" && bits == "8") return q.is(weights + "strategy", "block") ? "fp8-block" : "fp8";
  if (type == "float" && bits == "4") return "nvfp4";
  if (type == "int" && bits == "8" && q.has("config_groups.group_0.input_activations")) return "int8-w8a8";
  const bool is_symmetric = !q.is(weights + "symmetric", "false");
  if (type == "int" && bits == "4" && is_symmetric && q.is(weights + "group_size", "128"))
    return "marlin-g128";
  return {};
}

/// The storage format (presets/formats) of such a checkpoint; empty where none is the same.
std::string storage_format(const Quantization& q) {
  const std::string method = q.text({"quant_method"}), group = q.text({"group_size", "q_group_size"});
  const std::string bits = q.text({"bits", "w_bit"});
  if (method == "awq" && bits == "4" && (group == "64" || group == "128")) return "awq-g" + group;
  if (method == "gptq" && bits == "4" && (group == "32" || group == "128")) return "gptq-g" + group;
  if (method == "gptq" && bits == "8" && group == "128") return "gptq-int8-g128";
  if (method == "fp8") return q.has("weight_block_size") ? "fp8-block" : "fp8";
  if (method == "fbgemm_fp8") return "fp8";
  if (method == "mxfp4") return "mxfp4";
  if (method == "bitsandbytes" && q.is("load_in_8bit", "true")) return "llm-int8";
  if (method == "bitsandbytes" && q.is("load_in_4bit", "true") && q.is("bnb_4bit_quant_type", "nf4"))
    return q.is("bnb_4bit_use_double_quant", "true") ? "nf4-dq" : "nf4";
  if (method == "modelopt" && q.is("quant_algo", "NVFP4")) return "nvfp4";
  if (method == "modelopt" && q.is("quant_algo", "FP8")) return "fp8";
  if (method == "compressed-tensors" || method == "compressed_tensors") return compressed_tensors_format(q);
  return {};
}

}  // namespace

void tell_storage(HuggingfaceTranslator& t, const Node& quantization) {
  if (!quantization.is_map()) return;
  const Quantization q(quantization);
  const std::string format = storage_format(q), method = q.text({"quant_method"});
  const std::string advice = format.empty()
                                 ? "no storage format here is the same: `ridge list formats`"
                                 : fmt::format("for their bytes set inference.weights to {}", format);
  t.diagnostics.add({Severity::note,
                     "quantized-checkpoint",
                     fmt::format("'quantization_config': the weights of this checkpoint are stored by {}, "
                                 "which no model describes; {}",
                                 method.empty() ? "an unnamed method" : printable(method), advice),
                     quantization.span,
                     {},
                     {}});
}

void extend_positions(HuggingfaceTranslator& t) {
  for (std::string_view name : {"rope_scaling", "rope_parameters"}) {
    const Node* scaling = t.field(name);
    if (!scaling || !scaling->is_map()) continue;
    const Node* type = scaling->find("rope_type");
    if (!type) type = scaling->find("type");
    const Node* factor = scaling->find("factor");
    if (!type || type->text != "yarn" || !factor) continue;
    const auto number = [](const Node* n) { return n ? parse_number(n->text).value_or(0) : 0; };
    const Node *original = scaling->find("original_max_position_embeddings"),
               *stated = t.model.find("max_positions");
    const double extended = number(factor) * number(original);
    if (extended < (1 << 30) && number(stated) < extended)
      t.put("max_positions", fmt::format("{:.0f}", extended), factor->span);
  }
}

}  // namespace ridge
