#include "cli/arguments.h"

#include "base/diagnostic.h"
#include "cli/help_text.h"

#include <CLI/CLI.hpp>

namespace ridge {
namespace {

/// Builds the grammar; values land in `arguments` while CLI11 parses.
class Grammar {
 public:
  Grammar() {
    app_.name("ridge");
    app_.description(std::string(help_text("ridge").about));
    app_.footer(std::string(help_text("ridge").examples));
    app_.require_subcommand(0, 1);
    app_.get_formatter()->column_width(32);
    app_.set_version_flag("--version", "ridge " RIDGE_VERSION, "Print the version and exit");
    app_.set_help_flag("-h,--help", "Print this help and exit");
    add_commands();
  }

  CLI::App& app() { return app_; }
  Arguments& arguments() { return arguments_; }

  /// The command's own grammar, or null.
  CLI::App* command(const std::string& name) {
    const auto found = app_.get_subcommands([&](CLI::App* c) { return c->get_name() == name; });
    return found.empty() ? nullptr : found.front();
  }

 private:
  CLI::App& add(const std::string& name) {
    const HelpText& help = help_text(name);
    CLI::App* c = app_.add_subcommand(name, std::string(help.about));
    c->footer(std::string(help.examples));
    c->get_formatter()->column_width(32);
    c->callback([this, name] { arguments_.command = name; });
    return *c;
  }

  void positional(CLI::App& c, const std::string& name, const std::string& doc, int least, int most) {
    c.add_option(name, arguments_.positional, doc)->expected(least, most)->type_name("");
    if (least > 0) c.get_option(name)->required();
  }

  void output(CLI::App& c, bool has_tables = true) {
    const auto format = [this](OutputFormat f) { return [this, f] { arguments_.format = f; }; };
    c.add_flag_callback("--json", format(OutputFormat::json), "Print JSON")->group("Output");
    if (has_tables) {
      c.add_flag_callback("--csv", format(OutputFormat::csv), "Print CSV")->group("Output");
      c.add_flag_callback("--markdown", format(OutputFormat::markdown), "Print Markdown")->group("Output");
    }
    c.add_option("--width", arguments_.width, "Columns of the text (the terminal's)")
        ->check(CLI::Range(40, 1000).description(""))
        ->type_name("N")
        ->group("Output");
    c.add_option_function<std::string>(
         "--color", [this](const std::string& when) { set_color(when); }, "auto | always | never")
        ->check(CLI::IsMember({"auto", "always", "never"}).description(""))
        ->type_name("WHEN")
        ->group("Output");
    c.add_flag("--ascii", arguments_.ascii, "Draw with ASCII characters only")->group("Output");
    c.add_option("--presets", arguments_.presets, "Folder whose presets go before the built-in ones")
        ->type_name("DIR")
        ->group("Input");
  }

  void set_color(const std::string& when) {
    arguments_.color = when == "always"  ? ColorMode::always
                       : when == "never" ? ColorMode::never
                                         : ColorMode::automatic;
  }

  void overrides(CLI::App& c) {
    c.add_option("--set", arguments_.set, "Override one key of the scenario; repeat as needed")
        ->allow_extra_args(false)
        ->type_name("KEY=VALUE")
        ->group("Input");
  }

  void estimate(CLI::App& c) {
    c.add_option("--explain", arguments_.explain_key, "Explain one number instead of reporting all")
        ->type_name("KEY")
        ->group("Output");
    c.add_option("--depth", arguments_.depth, "Levels of inputs of --explain (3)")
        ->check(CLI::Range(0, 64).description(""))
        ->type_name("N")
        ->group("Output");
    c.add_flag("--no-advice", arguments_.no_advice, "Leave out what would help")->group("Output");
    c.add_option("--save", arguments_.save, "Also write the scenario as YAML")
        ->type_name("FILE")
        ->group("Output");
  }

  void flags(CLI::App& c, bool is_training) {
    for (const KeyFlag& f : key_flags()) {
      if (!(is_training ? f.for_training : f.for_inference)) continue;
      const std::string shown = f.names.substr(0, f.names.find(','));
      const std::string key = f.key;
      if (f.is_switch)
        c.add_flag_callback(
             f.names,
             [this, shown, key] {
               arguments_.given.push_back({shown, key, "true"});
             },
             f.doc)
            ->group("Plan");
      else
        c.add_option_function<std::string>(
             f.names,
             [this, shown, key](const std::string& v) {
               arguments_.given.push_back({shown, key, v});
             },
             f.doc)
            ->type_name("")
            ->group("Plan");
    }
  }

  void add_commands() {
    CLI::App& list = add("list");
    positional(list, "kind", "models | hardware | software | scenarios | precision | optimizers | formats", 0,
               1);
    list.add_flag("--names", arguments_.names_only, "Names and aliases only, one per line");
    output(list);
    CLI::App& model = add("model");
    positional(model, "model", "Preset, model YAML or config.json", 1, 1);
    model.add_flag("--tensors", arguments_.tensors, "List every tensor");
    overrides(model);
    output(model);
    CLI::App& hardware = add("hardware");
    positional(hardware, "hardware", "Preset or hardware YAML", 1, 1);
    overrides(hardware);
    output(hardware);
    CLI::App& plan = add("plan");
    positional(plan, "scenario", "Preset, YAML file, or - for standard input", 1, 1);
    overrides(plan);
    estimate(plan);
    output(plan);
    for (const bool is_training : {true, false}) {
      CLI::App& c = add(is_training ? "train" : "infer");
      positional(c, "model", "Preset, model YAML or config.json", 1, 1);
      flags(c, is_training);
      overrides(c);
      estimate(c);
      output(c);
    }
    CLI::App& compare = add("compare");
    positional(compare, "scenarios",
               "Two or more: NAME[,KEY=VALUE...], or +KEY=VALUE for a change of the first", 1, 100);
    compare.add_option("--vary", arguments_.vary, "A column for each value of a key of the first scenario")
        ->allow_extra_args(false)
        ->type_name("KEY=V1,V2")
        ->group("Input");
    overrides(compare);
    output(compare);
    CLI::App& validate = add("validate");
    positional(validate, "files", "CSV files of scenarios with measured values", 1, 10000);
    validate.add_flag("--rows", arguments_.rows, "Print every row instead of groups")->group("Output");
    validate.add_option("--by", arguments_.by, "Summarise by group (of the rows) or by metric alone")
        ->check(CLI::IsMember({"group", "metric"}).description(""))
        ->type_name("WHAT")
        ->group("Output");
    overrides(validate);
    output(validate);
    CLI::App& explain = add("explain");
    positional(explain, "key", "[KEY] SCENARIO; without a key, the keys there are", 1, 2);
    explain.add_option("--depth", arguments_.depth, "Levels of inputs below the number (3)")
        ->check(CLI::Range(0, 64).description(""))
        ->type_name("N");
    overrides(explain);
    output(explain, false);
    CLI::App& schema = add("schema");
    positional(schema, "name", "scenario | model | hardware | software | precision | optimizer | format", 0,
               1);
    output(schema, false);
    CLI::App& completion = add("completion");
    positional(completion, "shell", "bash | zsh", 1, 1);
  }

  CLI::App app_;
  Arguments arguments_;
};

std::vector<std::string> command_names(CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* c : app.get_subcommands([](CLI::App*) { return true; }))
    names.push_back(c->get_name());
  return names;
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* o : app.get_options())
    for (const std::string& name : o->get_lnames()) names.push_back("--" + name);
  return names;
}

ParsedArguments failure(std::string problem, const std::string& suggestion, const std::string& command) {
  problem = "ridge: " + problem + '\n';
  if (!suggestion.empty()) problem += "  did you mean '" + suggestion + "'?\n";
  problem += "  see: ridge " + (command.empty() ? "" : command + ' ') + "--help\n";
  return {std::nullopt, problem, 2};
}

/// The first option that the command does not know, with the nearest that it does.
ParsedArguments usage_failure(Grammar& g, CLI::App& command, const std::vector<std::string>& arguments,
                              const std::string& message) {
  const std::vector<std::string> known = option_names(command);
  for (const std::string& a : arguments) {
    if (a == "--") break;
    const std::string name = a.substr(0, a.find('='));
    const bool is_option = name.size() > 1 && name[0] == '-' && name != "-n" && name != "-h";
    if (!is_option || std::find(known.begin(), known.end(), name) != known.end()) continue;
    return failure("unknown option '" + printable(name) + "'", nearest(name, known), command.get_name());
  }
  (void)g;
  return failure(printable(message, 300), "", command.get_name());
}

}  // namespace

ParsedArguments parse_arguments(const std::vector<std::string>& arguments) {
  Grammar g;
  if (arguments.empty()) return {std::nullopt, g.app().help(), 2};
  if (arguments[0] == "help") {
    CLI::App* c = arguments.size() > 1 ? g.command(arguments[1]) : nullptr;
    return {std::nullopt, c ? c->help("ridge") : g.app().help(), 0};
  }
  CLI::App* command = g.command(arguments[0]);
  if (!command && arguments[0][0] != '-')
    return failure("unknown command '" + printable(arguments[0]) + "'",
                   nearest(arguments[0], command_names(g.app())), "");
  try {
    g.app().parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    return {std::nullopt, command ? command->help("ridge") : g.app().help(), 0};
  } catch (const CLI::CallForVersion& e) {
    return {std::nullopt, std::string(e.what()) + '\n', 0};
  } catch (const CLI::ParseError& e) {
    return usage_failure(g, command ? *command : g.app(), arguments, e.what());
  }
  if (g.arguments().command.empty()) return {std::nullopt, g.app().help(), 2};
  return {std::move(g.arguments()), {}, 0};
}

std::vector<CommandInfo> command_infos() {
  Grammar g;
  std::vector<CommandInfo> infos;
  for (const std::string& name : command_names(g.app())) {
    const CLI::App* c = g.command(name);
    infos.push_back({name, c->get_description(), option_names(*c)});
  }
  return infos;
}

}  // namespace ridge
