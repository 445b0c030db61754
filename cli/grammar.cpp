#include "cli/grammar.h"

#include "cli/help_text.h"
#include "cli/names.h"

#include <fmt/format.h>

namespace ridge {
namespace {

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, " | "));
}

/// The part of a list before its first comma.
std::string first_of(const std::string& names) { return names.substr(0, names.find(',')); }

}  // namespace

Grammar::Grammar() {
  app_.name("ridge");
  app_.require_subcommand(0, 1);
  app_.set_version_flag("--version", "ridge " RIDGE_VERSION, "Print the version and exit");
  app_.set_help_flag("-h,--help", "Print this help and exit");
  add_descriptions();
  add_answers();
  add_comparisons();
  CLI::App& calibrate = add("calibrate");
  positional(calibrate, "command",
             "run | measure | fit | import | check | compare | merge | show | plot | kernels", 0, 1000,
             {{"run", "measure", "fit", "import", "check", "compare", "merge", "show", "plot", "kernels"},
              "",
              false,
              true});
  CLI::App& completion = add("completion");
  positional(completion, "shell", "bash | zsh", 1, 1, {{"bash", "zsh"}});
}

CLI::App* Grammar::command(const std::string& name) {
  const auto found = app_.get_subcommands([&](CLI::App* c) { return c->get_name() == name; });
  return found.empty() ? nullptr : found.front();
}

std::vector<std::string> Grammar::command_names() {
  std::vector<std::string> names;
  for (const CLI::App* c : app_.get_subcommands([](CLI::App*) { return true; }))
    names.push_back(c->get_name());
  return names;
}

const Offers* Grammar::offers(const CLI::Option* option) const {
  const auto it = offers_.find(option);
  return it == offers_.end() ? nullptr : &it->second;
}

CLI::App& Grammar::add(const std::string& name) {
  CLI::App* c = app_.add_subcommand(name, std::string(help_text(name).about));
  c->callback([this, name] { arguments_.command = name; });
  return *c;
}

CLI::Option* Grammar::positional(CLI::App& c, const std::string& name, const std::string& doc, int least,
                                 int most, Offers offers) {
  CLI::Option* o = c.add_option(name, arguments_.positional, doc)->expected(least, most)->type_name("");
  if (least > 0) o->required();
  offers_[o] = std::move(offers);
  return o;
}

void Grammar::output(CLI::App& c, bool has_tables) {
  const auto format = [this](OutputFormat f) { return [this, f] { arguments_.format = f; }; };
  CLI::Option* json =
      c.add_flag_callback("--json", format(OutputFormat::json), "Print JSON")->group("Output");
  if (has_tables) {
    CLI::Option* csv = c.add_flag_callback("--csv", format(OutputFormat::csv), "Print CSV")->group("Output");
    c.add_flag_callback("--markdown", format(OutputFormat::markdown), "Print Markdown")
        ->excludes(json, csv)
        ->group("Output");
    csv->excludes(json);
  }
  c.add_option("--width", arguments_.width, "Columns of the text (the terminal's)")
      ->check(CLI::Range(40, 1000).description(""))
      ->type_name("N")
      ->group("Output");
  const std::vector<std::string> modes{"auto", "always", "never"};
  CLI::Option* color = c.add_option_function<std::string>(
                            "--color",
                            [this](const std::string& when) {
                              arguments_.color = when == "always"  ? ColorMode::always
                                                 : when == "never" ? ColorMode::never
                                                                   : ColorMode::automatic;
                            },
                            joined(modes))
                           ->check(CLI::IsMember(modes).description(""))
                           ->type_name("WHEN")
                           ->group("Output");
  offers_[color] = {modes};
  c.add_flag("--ascii", arguments_.ascii, "Draw with ASCII characters only")->group("Output");
  CLI::Option* presets =
      c.add_option("--presets", arguments_.presets, "Folder whose presets go before the built-in ones")
          ->type_name("DIR")
          ->group("Input");
  offers_[presets].can_be_file = true;
}

void Grammar::overrides(CLI::App& c) {
  CLI::Option* set =
      c.add_option("--set", arguments_.set, "Override one key of the scenario; repeat as needed")
          ->allow_extra_args(false)
          ->type_name("KEY=VALUE")
          ->group("Input");
  offers_[set].are_keys = true;
}

void Grammar::estimate(CLI::App& c) {
  c.add_option("--explain", arguments_.explain_key, "Explain one number instead of reporting all")
      ->type_name("KEY")
      ->group("Output");
  c.add_option("--depth", arguments_.depth, "Levels of inputs of --explain (3)")
      ->check(CLI::Range(0, 64).description(""))
      ->type_name("N")
      ->group("Output");
  c.add_flag("--no-advice", arguments_.no_advice, "Leave out what would help")->group("Output");
  CLI::Option* save = c.add_option("--save", arguments_.save, "Also write the scenario as YAML")
                          ->type_name("FILE")
                          ->group("Output");
  offers_[save].can_be_file = true;
}

void Grammar::flags(CLI::App& c, bool is_training) {
  for (const KeyFlag& f : key_flags()) {
    if (!(is_training ? f.for_training : f.for_inference)) continue;
    const std::string shown = first_of(f.names), key = f.key;
    CLI::Option* o = nullptr;
    if (f.is_switch) {
      o = c.add_flag_callback(
          f.names,
          [this, shown, key] {
            arguments_.given.push_back({shown, key, "true"});
          },
          f.doc);
    } else {
      const auto keep = [this, shown, key](const std::string& v) {
        arguments_.given.push_back({shown, key, v});
      };
      o = c.add_option_function<std::string>(f.names, keep, f.doc)->type_name("");
      offers_[o] = offers_of_key(key);
    }
    o->group("Plan");
  }
}

void Grammar::add_descriptions() {
  CLI::App& list = add("list");
  positional(list, "kind", joined(listed_kinds()), 0, 1, {listed_kinds()});
  list.add_flag("--names", arguments_.names_only, "Names and aliases only, one per line");
  output(list);
  CLI::App& model = add("model");
  positional(model, "model", "Preset, model YAML or config.json", 1, 1, {{}, "models", false, true});
  model.add_flag("--tensors", arguments_.tensors, "List every tensor");
  overrides(model);
  output(model);
  CLI::App& hardware = add("hardware");
  positional(hardware, "hardware", "Preset or hardware YAML", 1, 1, {{}, "hardware", false, true});
  overrides(hardware);
  output(hardware);
}

void Grammar::add_answers() {
  CLI::App& plan = add("plan");
  positional(plan, "scenario", "Preset, YAML file, FILE.csv:ROW (its id or line), or - for standard input", 1,
             1, {{}, "scenarios", false, true});
  overrides(plan);
  estimate(plan);
  output(plan);
  for (const bool is_training : {true, false}) {
    CLI::App& c = add(is_training ? "train" : "infer");
    positional(c, "model", "Preset, model YAML or config.json", 1, 1, {{}, "models", false, true});
    flags(c, is_training);
    overrides(c);
    estimate(c);
    output(c);
  }
}

void Grammar::add_comparisons() {
  CLI::App& compare = add("compare");
  positional(compare, "scenarios",
             "Two or more: NAME[,KEY=VALUE...], or +KEY=VALUE for a change of the first", 1, 100,
             {{}, "scenarios", false, true});
  CLI::Option* vary =
      compare.add_option("--vary", arguments_.vary, "A column for each value of a key of the first scenario")
          ->allow_extra_args(false)
          ->type_name("KEY=V1,V2")
          ->group("Input");
  offers_[vary].are_keys = true;
  overrides(compare);
  output(compare);
  CLI::App& validate = add("validate");
  positional(validate, "files", "CSV files of scenarios with measured values", 1, 10000,
             {{}, "", false, true});
  validate.add_flag("--rows", arguments_.rows, "Print every row instead of groups")->group("Output");
  const std::vector<std::string> groupings{"group", "metric"};
  CLI::Option* by =
      validate.add_option("--by", arguments_.by, "Summarise by group (of the rows) or by metric alone")
          ->check(CLI::IsMember(groupings).description(""))
          ->type_name("WHAT")
          ->group("Output");
  offers_[by] = {groupings};
  overrides(validate);
  output(validate);
  CLI::App& explain = add("explain");
  positional(explain, "key", "[KEY] SCENARIO; without a key, the keys there are", 1, 2,
             {{}, "scenarios", false, true});
  explain.add_option("--depth", arguments_.depth, "Levels of inputs below the number (3)")
      ->check(CLI::Range(0, 64).description(""))
      ->type_name("N");
  overrides(explain);
  output(explain, false);
  CLI::App& schema = add("schema");
  positional(schema, "name", joined(schema_names()), 0, 1, {schema_names()});
  output(schema);
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* o : app.get_options())
    for (const std::string& name : o->get_lnames()) names.push_back("--" + name);
  return names;
}

}  // namespace ridge
