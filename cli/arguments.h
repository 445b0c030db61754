#pragma once
/// The command line as a value.  Everything about its grammar is in grammar.cpp; commands see only
/// this struct.

#include "sim/report/report.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ridge {

enum class OutputFormat { text, json, csv, markdown };
enum class ColorMode { automatic, always, never };

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
  std::optional<int> depth;  ///< explain: levels below the number
};

/// What parsing came to: arguments, or something to print and the exit status.
struct ParsedArguments {
  std::optional<Arguments> arguments;
  Report help;       ///< asked for, or shown because nothing was
  std::string text;  ///< a version, or what is wrong
  int status = 0;
};
ParsedArguments parse_arguments(const std::vector<std::string>&);

}  // namespace ridge
