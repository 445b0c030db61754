#include "cli/completion.h"

#include "cli/names.h"

#include <algorithm>

namespace ridge {
namespace {

class Completer {
 public:
  Completer(Grammar& g, PresetReader& reader, const std::vector<std::string>& words)
      : g_(g), reader_(reader), words_(words) {}

  std::vector<Candidate> run() {
    const std::string current = words_.empty() ? std::string{} : words_.back();
    if (words_.size() < 2 || (words_[0] == "help" && words_.size() == 2)) {
      for (const std::string& name : g_.command_names())
        add("", name, current, g_.command(name)->get_description());
      if (words_.size() < 2) add("", "help", current, "Help of a command");
      return std::move(found_);
    }
    if (const CLI::App* command = g_.command(words_[0]))
      word_of(*command, words_[words_.size() - 2], current);
    return std::move(found_);
  }

 private:
  void add(const std::string& before, const std::string& text, const std::string& current,
           std::string description = {}) {
    if ((before + text).starts_with(current)) found_.push_back({before + text, std::move(description)});
  }

  static const CLI::Option* option_called(const CLI::App& command, const std::string& name) {
    for (const CLI::Option* o : command.get_options())
      if (o->get_items_expected_max() > 0 && !o->get_positional() && o->check_name(name)) return o;
    return nullptr;
  }

  void word_of(const CLI::App& command, const std::string& previous, const std::string& current) {
    if (const CLI::Option* o = option_called(command, previous)) return value("", g_.offers(o), current);
    const std::size_t equals = current.find('=');
    if (current.starts_with('-') && equals != std::string::npos) {
      const std::string name = current.substr(0, equals);
      if (const CLI::Option* o = option_called(command, name)) value(name + '=', g_.offers(o), current);
      return;
    }
    if (current.starts_with('-')) {
      for (const CLI::Option* o : command.get_options())
        for (const std::string& name : o->get_lnames()) add("", "--" + name, current, o->get_description());
      return;
    }
    for (const CLI::Option* o : command.get_options())
      if (o->get_positional()) positional(g_.offers(o), current);
  }

  /// "+key=value" changes the first scenario; "name,key=value" the one named.
  void positional(const Offers* offers, const std::string& current) {
    const std::size_t change = current.starts_with('+') ? 0 : current.rfind(',');
    if (words_[0] == "compare" && change != std::string::npos)
      return keys(current.substr(0, change + 1), current);
    value("", offers, current);
  }

  void value(const std::string& before, const Offers* offers, const std::string& current) {
    if (!offers) return;
    if (offers->are_keys) return keys(before, current);
    for (const std::string& word : offers->words) add(before, word, current);
    for (const std::string& name : listed_names(reader_, offers->listed)) add(before, name, current);
    if (offers->can_be_file) found_.push_back({std::string(files_marker)});
  }

  void keys(const std::string& before, const std::string& current) {
    const std::string rest = current.size() < before.size() ? "" : current.substr(before.size());
    const std::size_t equals = rest.find('=');
    if (equals == std::string::npos) {
      for (const std::string& key : scenario_keys()) add(before, key + '=', current);
      return;
    }
    const Offers offers = offers_of_key(rest.substr(0, equals));
    value(before + rest.substr(0, equals + 1), &offers, current);
  }

  Grammar& g_;
  PresetReader& reader_;
  const std::vector<std::string>& words_;
  std::vector<Candidate> found_;
};

}  // namespace

std::vector<Candidate> candidates(Grammar& g, PresetReader& reader, const std::vector<std::string>& words) {
  return Completer(g, reader, words).run();
}

}  // namespace ridge
