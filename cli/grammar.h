#pragma once
/// The grammar of the command line, built once; help, completion and parsing read it.

#include "cli/arguments.h"

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

namespace ridge {

/// What may stand in a place of the command line.
struct Offers {
  std::vector<std::string> words = {};
  std::string listed = {};  ///< presets, as `ridge list` calls their kind
  bool are_keys = false;    ///< scenario keys, with "=" and their values
  bool can_be_file = false;
};

/// A flag that stands for a scenario key: "--tp 8" is parallel.tensor = 8.
struct KeyFlag {
  std::string names;  ///< "--tp,--tensor"
  std::string key;    ///< "parallel.tensor"
  std::string doc;
  bool is_switch = false;
  bool for_training = true, for_inference = true;
};
const std::vector<KeyFlag>& key_flags();
/// The values a scenario key may have, from its schema; none for numbers.
Offers offers_of_key(const std::string& key);
/// Every key of a scenario, those of its model, hardware and software included.
std::vector<std::string> scenario_keys();

/// Builds the grammar; values land in `arguments` while CLI11 parses.
class Grammar {
 public:
  Grammar();
  Grammar(const Grammar&) = delete;
  Grammar& operator=(const Grammar&) = delete;

  CLI::App& app() { return app_; }
  Arguments& arguments() { return arguments_; }
  /// The command's own grammar, or null.
  CLI::App* command(const std::string& name);
  std::vector<std::string> command_names();
  /// Of an option or positional; null when anything goes.
  const Offers* offers(const CLI::Option*) const;

 private:
  CLI::App& add(const std::string& name);
  CLI::Option* positional(CLI::App&, const std::string& name, const std::string& doc, int least, int most,
                          Offers);
  void output(CLI::App&, bool has_tables = true);
  void overrides(CLI::App&);
  void estimate(CLI::App&);
  void flags(CLI::App&, bool is_training);
  void add_descriptions();
  void add_answers();
  void add_comparisons();

  CLI::App app_;
  Arguments arguments_;
  std::map<const CLI::Option*, Offers> offers_;
};

/// Long names of a command's options, with "--".
std::vector<std::string> option_names(const CLI::App&);

/// The help of a command, or of the program.
Report help_report(Grammar&, const CLI::App&);

}  // namespace ridge
