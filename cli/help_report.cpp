#include "cli/grammar.h"
#include "cli/help_text.h"

#include <algorithm>
#include <cctype>

namespace ridge {
namespace {

/// "-n, --devices" or "--zero", and the name of the value where there is one.
std::string shown_names(const CLI::Option& o) {
  std::string text;
  const auto add = [&text](const std::string& name) { text += (text.empty() ? "" : ", ") + name; };
  for (const std::string& name : o.get_snames()) add('-' + name);
  for (const std::string& name : o.get_lnames()) add("--" + name);
  if (const std::string value = o.get_type_name(); o.get_items_expected_max() > 0 && !value.empty())
    text += ' ' + value;
  return text;
}

std::string usage(const CLI::App& command) {
  if (command.get_parent() == nullptr) return "ridge COMMAND [OPTIONS] ...";
  std::string text = "ridge " + command.get_name() + " [OPTIONS]";
  for (const CLI::Option* o : command.get_options([](const CLI::Option* o) { return o->get_positional(); })) {
    const bool is_many = o->get_items_expected_max() > 2;
    std::string name = o->get_name();
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
    if (name == "KEY") name = "[KEY] SCENARIO";
    if (is_many) name += "...";
    text += o->get_required() ? ' ' + name : " [" + name + ']';
  }
  return text;
}

void add_commands(Grammar& g, Report& r) {
  Facts facts;
  for (const std::string& name : g.command_names())
    facts.items.push_back({name, g.command(name)->get_description(), "", Tone::plain});
  r.section("Commands").add(std::move(facts));
}

void add_options(const CLI::App& command, const std::string& group, const std::string& title, Report& r) {
  Facts facts;
  const auto of_group = [&](const CLI::Option* o) { return !o->get_positional() && o->get_group() == group; };
  for (const CLI::Option* o : command.get_options(of_group))
    facts.items.push_back({shown_names(*o), o->get_description(), "", Tone::plain});
  if (!facts.items.empty()) r.section(title).add(std::move(facts));
}

}  // namespace

Report help_report(Grammar& g, const CLI::App& command) {
  const bool is_program = command.get_parent() == nullptr;
  const HelpText& text = help_text(is_program ? "ridge" : command.get_name());
  Report r;
  r.title = text.about;
  Facts how{{{"usage", usage(command), "", Tone::strong}}};
  for (const CLI::Option* o : command.get_options([](const CLI::Option* o) { return o->get_positional(); }))
    how.items.push_back({o->get_name(), o->get_description(), "", Tone::plain});
  r.section("").add(std::move(how));
  if (!text.details.empty()) r.section("").add(Paragraph{std::string(text.details)});
  if (is_program) add_commands(g, r);
  for (const char* group : {"Plan", "Input", "Output"}) add_options(command, group, group, r);
  add_options(command, "Options", is_program ? "Options" : "Other options", r);
  r.section("Examples").add(Paragraph{std::string(text.examples)});
  if (is_program)
    r.section("Exit status")
        .add(Facts{{{"0", "done, and feasible where that was the question"},
                    {"1", "evaluated, but infeasible or a limit missed"},
                    {"2", "bad usage or input; the reasons are on standard error"},
                    {"3", "internal fault"}}});
  return r;
}

}  // namespace ridge
