#pragma once
/// What a command has to say, as data: sections of facts, bars, tables and sentences.  Terminal,
/// Markdown, CSV and the desktop program draw the same `Report`, so they cannot disagree.
///
///   Report r{.title = "GPT-2 on one A100"};
///   Section& memory = r.section("Memory");
///   memory.add(Bars{{{.label = "weights", .value = "237 MiB", .fraction = 0.6, .key = "memory.parts.weights"}}});
///   std::string text = render_text(r, {.width = 80});
///
/// Not here: what goes into a plan's report (plan_report.h), machine output (plan_json.h).

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ridge {

/// What a piece of text means; colours are the renderer's business.
enum class Tone { plain, strong, good, bad, warning, dim, accent };

/// A piece of text.  `exact` is what CSV shows instead: all digits, base units, no grouping.
struct Cell {
  std::string text;
  Tone tone = Tone::plain;
  std::string exact = {};
  std::string key = {};  ///< what `ridge explain` opens
};

/// A sentence, wrapped to the width.
struct Paragraph {
  std::string text;
  Tone tone = Tone::plain;
};

/// "label   value   note": one line each.  `key` is what `ridge explain` opens, `more_keys` what it opens of
/// further numbers in value and note.
struct Fact {
  std::string label, value, note = {};
  Tone tone = Tone::plain;
  std::string key = {};
  std::string exact = {};
  std::vector<std::string> more_keys = {};
};
struct Facts {
  std::vector<Fact> items;
};

/// Shares of a whole; `fraction` in [0, 1] is the length of the bar.  One without a label is a gap.
/// `key` opens the value, `share_key` the percentage of the note.
struct Bar {
  std::string label, value;
  double fraction = 0;
  std::string note = {};
  Tone tone = Tone::accent;
  std::string key = {};
  std::string exact = {};
  std::string share_key = {};
};
struct Bars {
  std::vector<Bar> items;
};

enum class Align { left, right };
struct Column {
  std::string title;
  Align align = Align::right;
  bool can_wrap = false;   ///< of sentences or names: becomes narrower when there is too little width
  int drop_order = 0;      ///< > 0: left out of text that is too narrow, the highest first
  bool is_joined = false;  ///< stays beside the column before it
  bool is_list = false;    ///< cells hold words, in JSON a list of them
};
struct Table {
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;  ///< each as long as `columns`, or one cell across all of them
  std::string name = {};                ///< distinguishes the tables of one report in CSV
};

/// Sentences behind bullets.
struct Bullets {
  std::vector<Cell> items;
};

using Block = std::variant<Paragraph, Facts, Bars, Table, Bullets>;

struct Section {
  std::string title, note = {};  ///< the note stands at the right of the title
  std::vector<Block> blocks = {};
  void add(Block b) { blocks.push_back(std::move(b)); }
};

struct Report {
  std::string title, subtitle = {};
  std::vector<Section> sections = {};
  /// A new section at the end.
  Section& section(std::string title_text, std::string note = {}) {
    sections.push_back({std::move(title_text), std::move(note), {}});
    return sections.back();
  }
};

/// Keys of every number that can be explained, in order.
std::vector<std::string> explainable_keys(const Report&);

struct TextStyle {
  int width = 80;  ///< of the terminal; sentences and bars take at most 120 of it
  bool colour = false;
  bool unicode = true;  ///< bars and rules from block characters; false: ASCII
};

/// For a terminal: bars, aligned columns, never wider than `width` (40 at least).
std::string render_text(const Report&, const TextStyle& = {});
/// GitHub-flavoured Markdown: headings, tables, lists.
std::string render_markdown(const Report&);
/// RFC 4180.  One table gives itself; otherwise rows `section,item,value` of everything.
std::string render_csv(const Report&);

}  // namespace ridge
