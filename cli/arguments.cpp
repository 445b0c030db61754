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

/// "--depth -1" as "--depth=-1": a negative number behind an option is its value, not another option.
std::vector<std::string> with_negative_values(const std::vector<std::string>& arguments) {
  std::vector<std::string> out;
  for (const std::string& a : arguments) {
    const bool is_negative = a.size() > 1 && a[0] == '-' && a[1] >= '0' && a[1] <= '9';
    const bool has_option = !out.empty() && out.back().size() > 2 && out.back().starts_with("--") &&
                            out.back().find('=') == std::string::npos;
    if (is_negative && has_option) out.back() += '=' + a;
    else out.push_back(a);
  }
  return out;
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
  const std::vector<std::string> joined = with_negative_values(arguments);
  try {
    g.app().parse(std::vector<std::string>(joined.rbegin(), joined.rend()));
  } catch (const CLI::CallForHelp&) { return help(g, command, 0); } catch (const CLI::CallForVersion& e) {
    return {std::nullopt, {}, std::string(e.what()) + '\n', 0};
  } catch (const CLI::ParseError& e) { return usage_failure(command ? *command : g.app(), joined, e.what()); }
  if (g.arguments().command.empty()) return help(g, nullptr, 2);
  return {std::move(g.arguments()), {}, {}, 0};
}

}  // namespace ridge
