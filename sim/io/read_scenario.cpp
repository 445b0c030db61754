#include "sim/io/read_scenario.h"

#include "sim/io/default_origins.h"
#include "sim/io/read_operator.h"

#include <algorithm>
#include <fmt/format.h>

namespace ridge {
namespace {

constexpr std::int64_t most_devices = 10'000'000;

bool is_from_command_line(const Node& n) {
  if (!n.is_map()) return n.span.source && n.span.source->name.starts_with("--");
  return !n.entries.empty() &&
         std::ranges::all_of(n.entries, [](const Node::Entry& e) { return is_from_command_line(e.value); });
}

/// What --set changes of a part that the scenario leaves out changes the default instead of replacing it.
bool changes_default(const Node& part) {
  return part.is_map() && is_from_command_line(part) && !part.find("preset") && !part.find("extends");
}

/// One reading: the document, what is being built, and where problems go.
class Reading {
 public:
  Reading(const Node& document, PresetReader& presets, Diagnostics& diagnostics, ReadOptions options)
      : document_(document), presets_(presets), diagnostics_(diagnostics), options_(options) {}

  Scenario run() {
    if (!document_.is_map()) {
      if (!diagnostics_.has_errors())
        diagnostics_.error("not-a-scenario",
                           "a scenario is a map of keys such as model, hardware and training",
                           document_.span);
      return {};
    }
    check_keys();
    read_plain();
    read_workload();
    read_parallel();
    read_parts();
    read_formats();
    fill_in();
    remark_idle_values();
    if (!options_.origins) s_.origins.clear();
    return std::move(s_);
  }

 private:
  ReadContext context(std::string path) {
    return {
        diagnostics_, options_.origins ? &s_.origins : nullptr, std::move(path), Origin::Kind::scenario, {}};
  }

  void check_keys() {
    static const std::vector<FieldInfo> fields = scenario_fields();
    for (const Node::Entry& e : document_.entries) {
      const bool is_known =
          std::any_of(fields.begin(), fields.end(), [&](const FieldInfo& f) { return f.name == e.key; });
      if (!is_known) report_key(e, fields);
    }
  }

  void report_key(const Node::Entry& e, const std::vector<FieldInfo>& fields) {
    ReadContext c = context("");
    std::vector<std::string> known;
    for (const FieldInfo& f : fields) {
      known.push_back(f.name);
      for (const FieldInfo& child : f.children) c.known_elsewhere.push_back(f.name + '.' + child.name);
    }
    report_unknown_key(e, "scenario", known, c);
  }

  template <class T> void read_into(std::string_view key, T& out, Range range = {}) {
    if (const Node* n = document_.find(key)) {
      ReadContext c = context(std::string(key));
      read_value(*n, out, c, range);
    }
  }

  void read_plain() {
    ReadContext c = context("name");
    for (const std::string_view key : {"id", "name"})
      if (const Node* n = document_.find(key)) read_value(*n, s_.name, c);
    read_into("devices", s_.devices, {1, most_devices});
    read_into("measured", s_.measured);
  }

  void read_workload() {
    std::vector<const Node::Entry*> found;
    for (const Node::Entry& e : document_.entries)
      if (e.key == "training" || e.key == "inference" || e.key == "operator") found.push_back(&e);
    if (found.size() > 1)
      diagnostics_.error(
          "two-workloads",
          fmt::format("'{}' and '{}' cannot stand in one scenario; keep one", found[0]->key, found[1]->key),
          found[1]->key_span);
    if (found.empty() && options_.needs_workload) {
      auto& d = diagnostics_.error("missing-workload", "the scenario does not say what to evaluate",
                                   document_.span);
      d.expected = {"training", "inference", "operator"};
    }
    for (const Node::Entry* e : found) read_one_workload(*e);
  }

  void read_one_workload(const Node::Entry& e) {
    if (e.key == "training") read_training(e.value);
    if (e.key == "inference") {
      s_.workload = read_section<Inference>(e.value, "inference");
      if (e.value.is_map() && !e.value.find("prompt_tokens") && !asks_for_weights_alone()) {
        ReadContext c = context("inference");
        report_missing_key(e.value, {"prompt_tokens", "count", "tokens of the prompt"}, "inference", c);
      }
    }
    if (e.key == "operator") {
      ReadContext c = context("operator");
      s_.workload = read_operator(e.value, c);
      if (options_.origins) record_defaults<OperatorCase>("operator", s_.origins);
    }
  }

  bool asks_for_weights_alone() const {
    return !options_.needs_workload && (s_.measured.bytes || s_.measured.parameters);
  }

  template <class T> T read_section(const Node& n, const std::string& path) {
    ReadContext c = context(path);
    T value{};
    read_value(n, value, c);
    if (options_.origins) record_defaults<T>(path, s_.origins);
    return value;
  }

  /// The recipes under training may be maps; the schema of training knows their names only.
  void read_training(const Node& n) {
    Node plain = n;
    for (const std::string_view key : {"precision", "optimizer"}) {
      Node* recipe = plain.find(key);
      if (!recipe || !recipe->is_map()) continue;
      const std::string name = preset_name(*recipe);
      const Node* own = recipe->find("preset");
      *recipe = Node::scalar(name.empty() ? "custom" : name, own ? own->span : recipe->span);
    }
    s_.workload = read_section<Training>(plain, "training");
  }

  void read_parallel() {
    static const Node none = Node::map();
    const Node* n = document_.find("parallel");
    s_.parallel = read_section<ParallelPlan>(n ? *n : none, "parallel");
  }

  void missing(std::string_view key, std::string_view what) {
    diagnostics_.error("missing-key", fmt::format("missing key '{}': {}", key, what), document_.span);
  }

  Origins* origins() { return options_.origins ? &s_.origins : nullptr; }

  void read_parts() {
    const bool is_operator = s_.operator_case() != nullptr;
    const bool has_workload = !std::holds_alternative<std::monostate>(s_.workload);
    if (const Node* n = document_.find("model")) {
      s_.model = presets_.model(*n, origins(), diagnostics_);
      s_.model_name = name_of(*n, s_.model.name);
    } else if (!is_operator) {
      missing("model", "a preset such as llama-3-8b, a model YAML or a config.json");
    }
    if (const Node* n = document_.find("hardware")) {
      s_.hardware = presets_.cluster(*n, origins(), diagnostics_);
      s_.hardware_name = name_of(*n, s_.hardware.name);
    } else if (has_workload) {
      missing("hardware", "a preset such as dgx-h100, or a hardware YAML");
    }
    read_software();
    if (s_.training()) read_recipes();
  }

  static std::string name_of(const Node& part, const std::string& fallback) {
    const std::string name = shown_name(part);
    return name.empty() ? fallback : name;
  }

  /// {preset: name} of a value that the document leaves out.
  static Node default_part(std::string name) {
    Node part = Node::map();
    part.entries.push_back({"preset", {}, Node::scalar(std::move(name))});
    return part;
  }

  void read_software() {
    const Node* stated = document_.find("software");
    const bool has_workload = !std::holds_alternative<std::monostate>(s_.workload);
    if (!stated && !has_workload) return;
    const bool is_default = !stated || changes_default(*stated);
    Node part = stated ? *stated : Node::map();
    if (is_default) {
      part.entries.insert(part.entries.begin(), {"preset", {}, Node::scalar(usual_stack())});
      s_.origins["software"] = {Origin::Kind::default_value,
                                {},
                                fmt::format("the usual one on a {}", enum_name(s_.hardware.device.kind)),
                                {}};
    }
    s_.software = presets_.software(part, origins(), diagnostics_);
    s_.software_name = name_of(part, s_.software.name);
  }

  /// The stack that presets/software/defaults names for the workload on this kind of device.
  std::string usual_stack() {
    const std::string_view workload = s_.training() ? "training" : s_.inference() ? "inference" : "operator";
    const Node* table = presets_.presets().find(PresetKind::software, "defaults/by-device", diagnostics_);
    const Node* name =
        table ? table->at(fmt::format("{}.{}", workload, enum_name(s_.hardware.device.kind))) : nullptr;
    return name && name->is_scalar() ? name->text : "ideal";
  }

  void read_recipes() {
    const Node* precision = document_.at("training.precision");
    const Node* optimizer = document_.at("training.optimizer");
    const Training& t = *s_.training();
    s_.precision =
        presets_.precision(precision ? *precision : default_part(t.precision), origins(), diagnostics_);
    s_.optimizer =
        presets_.optimizer(optimizer ? *optimizer : default_part(t.optimizer), origins(), diagnostics_);
  }

  void read_formats() {
    const Inference* i = s_.inference();
    if (!i) return;
    const StorageFormats& formats = presets_.formats(diagnostics_);
    if (const auto it = formats.formats.find(i->weights); it != formats.formats.end())
      keep_format(it->second, formats);
    else report_format("weights", i->weights, format_names(formats));
    s_.cache_format = cache_format(i->kv_cache);
    if (s_.cache_format.name.empty()) report_format("kv_cache", i->kv_cache, cache_format_names());
  }

  /// The format and the packings it can choose.
  void keep_format(const StorageFormat& format, const StorageFormats& all) {
    s_.weight_format = format;
    std::vector<std::string> wanted{format.packing};
    for (const PackingRule& rule : format.rules) wanted.push_back(rule.packing);
    while (!wanted.empty()) {
      const auto it = all.packings.find(wanted.back());
      wanted.pop_back();
      if (it == all.packings.end() || !s_.formats.packings.insert(*it).second) continue;
      keep_origins("formats.packings." + it->first + ".", format.source);
      if (!it->second.fallback.empty()) wanted.push_back(it->second.fallback);
    }
  }

  void keep_origins(const std::string& under, const std::string& source) {
    if (!options_.origins) return;
    const Origins& all = presets_.format_origins();
    for (auto it = all.lower_bound(under); it != all.end() && it->first.starts_with(under); ++it) {
      Origin origin = it->second;
      if (!origin.where.empty()) origin.kind = Origin::Kind::documented, origin.citation = source;
      s_.origins.insert_or_assign(it->first, std::move(origin));
    }
  }

  static std::vector<std::string> format_names(const StorageFormats& formats) {
    std::vector<std::string> names;
    for (const auto& [name, format] : formats.formats) names.push_back(name);
    return names;
  }

  void report_format(const std::string& key, const std::string& name, std::vector<std::string> known) {
    const Node* n = document_.at("inference." + key);
    auto& d =
        diagnostics_.error("unknown-format", fmt::format("no storage format is called '{}'", printable(name)),
                           n ? n->span : document_.span);
    d.suggestion = nearest(name, known);
    d.expected = std::move(known);
  }

  /// Stated, but without effect here.
  void remark_idle(std::string_view key, std::string_view why) {
    if (const Node* n = document_.at(key); n && n->span.source)
      diagnostics_.warning("no-effect", fmt::format("{} has no effect {}", key, why), n->span);
  }

  void remark_idle_values() {
    if (const Inference* i = s_.inference(); i && i->phase != InferencePhase::request && i->output_tokens > 0)
      remark_idle("inference.output_tokens", fmt::format("in phase {}", enum_name(i->phase)));
    if (const Training* t = s_.training(); t && t->method == Method::full)
      for (const char* key : {"training.lora_rank", "training.lora_targets"})
        remark_idle(key, "with method full");
  }

  /// Values that follow from others when the document leaves them out.
  void fill_in() {
    const ParallelPlan& p = s_.parallel;
    const double grid =
        static_cast<double>(p.tensor) * static_cast<double>(p.pipeline) * static_cast<double>(p.context);
    if (!document_.find("devices")) {
      const double product = grid * static_cast<double>(std::max<std::int64_t>(p.data, 1));
      s_.devices =
          product <= static_cast<double>(most_devices) ? static_cast<std::int64_t>(product) : most_devices;
      s_.origins["devices"] = {Origin::Kind::default_value, {}, "the product of the parallel degrees", {}};
    }
    auto* t = std::get_if<Training>(&s_.workload);
    if (!t || t->global_batch > 0) return;
    const double data = p.data > 0 ? static_cast<double>(p.data)
                                   : std::max(1.0, std::floor(static_cast<double>(s_.devices) / grid));
    const double batch = static_cast<double>(t->micro_batch) * data * static_cast<double>(p.pipeline);
    t->global_batch = batch < 1e15 ? static_cast<std::int64_t>(batch) : t->micro_batch;
  }

  const Node& document_;
  PresetReader& presets_;
  Diagnostics& diagnostics_;
  ReadOptions options_;
  Scenario s_;
};

void start_from_default(Node* part, std::string_view name) {
  if (part && changes_default(*part))
    part->entries.insert(part->entries.begin(), {"preset", {}, Node::scalar(std::string(name))});
}

void start_from_defaults(Node& document) {
  if (!document.is_map()) return;
  Node* training = document.find("training");
  if (!training || !training->is_map()) return;
  const Training defaults;
  start_from_default(training->find("precision"), defaults.precision);
  start_from_default(training->find("optimizer"), defaults.optimizer);
}

}  // namespace

Scenario read_scenario(const Node& document, PresetReader& reader, Diagnostics& diagnostics,
                       ReadOptions options) {
  Node normal = document;
  normalise(normal);
  start_from_defaults(normal);
  return Reading(normal, reader, diagnostics, options).run();
}

Scenario read_scenario(const Node& document, const PresetIndex& presets, Diagnostics& diagnostics,
                       ReadOptions options) {
  PresetReader reader(presets);
  return read_scenario(document, reader, diagnostics, options);
}

}  // namespace ridge
