#include "cli/arguments.h"

#include "base/diagnostic.h"
#include "cli/grammar.h"

#include <algorithm>

namespace ridge {
namespace {

ParsedArguments failure(std::string problem, const std::string& suggestion, const std::string& command) {
  problem = "ridge: " + problem + '\n';
  if (!suggestion.empty()) problem += "  did you mean '" + suggestion + "'?\n";
  problem += "  see: ridge " + (command.empty() ? "" : command + ' ') + "--help\n";
  return {std::nullopt, {}, problem, 2};
}

/// The first option that the command does not know, with the nearest that it does.
ParsedArguments usage_failure(const CLI::App& command, const std::vector<std::string>& arguments,
                              const std::string& message) {
  const std::vector<std::string> known = option_names(command);
  const std::string own_name = command.get_parent() ? command.get_name() : std::string();
  for (const std::string& a : arguments) {
    if (a == "--") break;
    const std::string name = a.substr(0, a.find('='));
    const bool is_option = name.size() > 1 && name[0] == '-' && name != "-n" && name != "-h";
    if (!is_option || std::find(known.begin(), known.end(), name) != known.end()) continue;
    return failure("unknown option '" + printable(name) + "'", nearest(name, known), own_name);
  }
  return failure(printable(message, 300), "", own_name);
}

ParsedArguments help(Grammar& g, const CLI::App* command, int status) {
  return {std::nullopt, help_report(g, command ? *command : g.app()), {}, status};
}

ParsedArguments unknown_command(Grammar& g, const std::string& name) {
  if (name == "search")
    return {std::nullopt,
            {},
            "ridge: this version does not search for plans\n"
            "  'ridge plan SCENARIO' says which changes would help, and\n"
            "  'ridge compare SCENARIO --vary KEY=VALUE,VALUE...' tries those you name\n",
            2};
  return failure("unknown command '" + printable(name) + "'", nearest(name, g.command_names()), "");
}

}  // namespace

ParsedArguments parse_arguments(const std::vector<std::string>& arguments) {
  Grammar g;
  if (arguments.empty()) return help(g, nullptr, 2);
  if (arguments[0] == "help") {
    if (arguments.size() < 2) return help(g, nullptr, 0);
    const CLI::App* asked = g.command(arguments[1]);
    return asked ? help(g, asked, 0) : unknown_command(g, arguments[1]);
  }
  const CLI::App* command = g.command(arguments[0]);
  if (!command && !arguments[0].starts_with('-')) return unknown_command(g, arguments[0]);
  try {
    g.app().parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) { return help(g, command, 0); } catch (const CLI::CallForVersion& e) {
    return {std::nullopt, {}, std::string(e.what()) + '\n', 0};
  } catch (const CLI::ParseError& e) {
    return usage_failure(command ? *command : g.app(), arguments, e.what());
  }
  if (g.arguments().command.empty()) return help(g, nullptr, 2);
  return {std::move(g.arguments()), {}, {}, 0};
}

}  // namespace ridge
