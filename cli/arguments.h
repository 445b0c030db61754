#pragma once
/// The command line as a value.  Everything about its grammar is in arguments.cpp; commands see only
/// this struct.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ridge {

enum class OutputFormat { text, json, csv, markdown };
enum class ColorMode { automatic, always, never };

/// A flag that stands for a scenario key: "--tp 8" is parallel.tensor = 8.
struct KeyFlag {
  std::string names;  ///< "--tp,--tensor"
  std::string key;    ///< "parallel.tensor"
  std::string doc;
  bool is_switch = false;
  bool for_training = true, for_inference = true;
};
const std::vector<KeyFlag>& key_flags();

/// One key flag as given.
struct GivenFlag {
  std::string flag, key, value;
};

struct Arguments {
  std::string command;
  OutputFormat format = OutputFormat::text;
  ColorMode color = ColorMode::automatic;
  std::optional<int> width;
  bool ascii = false;
  std::string presets;
  std::vector<std::string> positional;
  std::vector<std::string> set;   ///< --set key=value, in order
  std::vector<std::string> vary;  ///< compare: key=v1,v2
  std::vector<GivenFlag> given;   ///< train, infer
  std::string explain_key, save;  ///< plan, train, infer
  bool no_advice = false;
  bool tensors = false;      ///< model
  bool names_only = false;   ///< list
  bool rows = false;         ///< validate: every row instead of groups
  std::string by = "group";  ///< validate: group | metric
  int depth = 3;             ///< explain
};

/// What parsing came to: arguments, or a text to print and the exit status.
struct ParsedArguments {
  std::optional<Arguments> arguments;
  std::string text;
  int status = 0;
};
ParsedArguments parse_arguments(const std::vector<std::string>&);

/// For completion: commands with their one-line help and long options.
struct CommandInfo {
  std::string name, help;
  std::vector<std::string> options;
};
std::vector<CommandInfo> command_infos();

}  // namespace ridge
