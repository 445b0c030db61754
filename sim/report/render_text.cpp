#include "sim/report/report.h"
#include "sim/report/table_layout.h"
#include "sim/report/text_layout.h"

#include <algorithm>
#include <numeric>

namespace ridge {
namespace {

constexpr int indent = 2;
constexpr int gap = 2;
constexpr int longest_bar = 64;
constexpr int least_width = 40;
constexpr int easy_to_read = 120;

std::string_view escape_of(Tone tone) {
  switch (tone) {
    case Tone::plain: return "";
    case Tone::strong: return "\x1b[1m";
    case Tone::good: return "\x1b[1;32m";
    case Tone::bad: return "\x1b[1;31m";
    case Tone::warning: return "\x1b[33m";
    case Tone::dim: return "\x1b[2m";
    case Tone::accent: return "\x1b[36m";
  }
  return "";
}

bool is_verdict(Tone tone) { return tone == Tone::good || tone == Tone::bad; }

/// Writes blocks line by line; a line never ends in blanks.
class TextRenderer {
 public:
  explicit TextRenderer(const TextStyle& style)
      : style_(style),
        full_width_(std::max(least_width, style.width)),
        width_(std::min(full_width_, easy_to_read)) {}

  std::string render(const Report& r) {
    if (!r.title.empty()) paragraph({r.title, Tone::strong}, 0);
    if (!r.subtitle.empty()) paragraph({r.subtitle, Tone::dim}, 0);
    for (const Section& s : r.sections) section(s);
    return std::move(out_);
  }

 private:
  std::string toned(std::string_view text, Tone tone) const {
    const std::string_view escape = style_.colour ? escape_of(tone) : "";
    if (escape.empty() || text.empty()) return safe(text);
    return std::string(escape).append(safe(text)).append("\x1b[0m");
  }

  void line(std::string text) {
    while (!text.empty() && text.back() == ' ') text.pop_back();
    out_.append(style_.unicode ? text : ascii_text(text)).push_back('\n');
  }

  void section(const Section& s) {
    if (!out_.empty()) line("");
    if (!s.title.empty()) heading(s);
    for (std::size_t i = 0; i < s.blocks.size(); ++i) {
      if (i > 0) line("");
      std::visit([this](const auto& b) { block(b); }, s.blocks[i]);
    }
  }

  void heading(const Section& s) {
    const int note = s.note.empty() ? 0 : text_width(s.note) + 1;
    const int rule = width_ - text_width(s.title) - 1 - note;
    if (rule < 1) {
      paragraph({s.title, Tone::strong}, 0);
      if (note > 0) paragraph({s.note, Tone::dim}, indent);
      return;
    }
    std::string text = toned(s.title, Tone::strong) + ' ';
    std::string dashes;
    for (int i = 0; i < rule; ++i) dashes += style_.unicode ? "\u2500" : "-";
    text += toned(dashes, Tone::dim);
    if (note > 0) text += ' ' + toned(s.note, Tone::dim);
    line(std::move(text));
  }

  /// Blanks at the start are kept on every line.
  void paragraph(const Paragraph& p, int margin) {
    margin += static_cast<int>(std::min(p.text.find_first_not_of(' '), p.text.size()));
    const std::string_view text =
        std::string_view(p.text).substr(std::min(p.text.find_first_not_of(' '), p.text.size()));
    for (const std::string& l : wrap(text, width_ - margin))
      line(std::string(static_cast<std::size_t>(margin), ' ') + toned(l, p.tone));
  }
  void block(const Paragraph& p) { paragraph(p, indent); }

  void block(const Facts& facts) {
    int label = 0, value = 0;
    for (const Fact& f : facts.items) {
      label = std::max(label, text_width(f.label));
      if (!f.note.empty()) value = std::max(value, text_width(f.value));
    }
    const int most = std::max(width_ / 2, width_ - indent - 2 * gap - std::min(value, 16) - 16);
    for (const Fact& f : facts.items) fact(f, std::min(label, most), value);
  }

  void fact(const Fact& f, int label, int value) {
    const int value_column = indent + label + gap;
    const Tone tone = is_verdict(f.tone) ? f.tone : Tone::dim;
    std::string head = pad_right("", value_column);
    if (text_width(f.label) > label) paragraph({f.label, tone}, indent);
    else
      head = pad_right("", indent) + toned(f.label, tone) + pad_right("", label - text_width(f.label) + gap);
    const int column = value_column + std::max(value, text_width(f.value)) + gap;
    if (f.note.empty() || column + std::min(16, text_width(f.note)) > width_) {
      hanging(head, value_column, f.value, f.tone);
      return f.note.empty() ? void() : paragraph({f.note, Tone::dim}, value_column);
    }
    hanging(head + toned(f.value, f.tone) + pad_right("", value - text_width(f.value) + gap), column, f.note,
            Tone::dim);
  }

  /// `head`, which takes `column` columns, then the text wrapped beside it.
  void hanging(std::string head, int column, std::string_view text, Tone tone) {
    for (const std::string& l : wrap(text, std::max(16, width_ - column))) {
      line(head + toned(l, tone));
      head = pad_right("", column);
    }
  }

  void block(const Bars& bars) {
    int label = 0, value = 0, note = 0;
    for (const Bar& b : bars.items) {
      label = std::max(label, text_width(b.label));
      value = std::max(value, text_width(b.value));
      note = std::max(note, text_width(b.note));
    }
    const int rest = width_ - indent - label - gap - value - gap - (note > 0 ? note + gap : 0);
    const int length = std::clamp(rest, 0, longest_bar);
    for (const Bar& b : bars.items) {
      if (b.label.empty()) {
        line("");
        continue;
      }
      std::string drawn = bar(b.fraction, length, style_.unicode);
      while (drawn.ends_with(' ')) drawn.pop_back();
      const std::string blanks = pad_right("", length - text_width(drawn) + gap);
      line(pad_right("", indent) + pad_right(b.label, label + gap) + pad_left(b.value, value) +
           pad_right("", gap) + toned(drawn, b.tone) + blanks + pad_left("", note - text_width(b.note)) +
           toned(b.note, Tone::dim));
    }
  }

  void block(const Table& t) {
    const TableLayout layout = table_layout(t, full_width_ - indent);
    std::vector<Cell> titles;
    for (const Column& c : t.columns) titles.push_back({c.title, Tone::dim});
    const bool has_titles =
        std::any_of(titles.begin(), titles.end(), [](const Cell& c) { return !c.text.empty(); });
    for (const TableLayout::Block& columns : layout.blocks) {
      if (&columns != &layout.blocks.front()) line("");
      if (has_titles) row(t, columns, titles);
      for (const auto& r : t.rows)
        r.size() == t.columns.size() ? row(t, columns, r) : paragraph({r[0].text, r[0].tone}, indent);
    }
    if (!layout.left_out.empty()) left_out(t, layout.left_out);
  }

  void left_out(const Table& t, const std::vector<std::size_t>& columns) {
    std::string names;
    for (const std::size_t c : columns) names += (names.empty() ? "" : ", ") + t.columns[c].title;
    paragraph({"left out for want of width: " + names, Tone::dim}, indent);
  }

  /// As many lines as the cell with most of them.
  void row(const Table& t, const TableLayout::Block& columns, const std::vector<Cell>& cells) {
    std::vector<std::vector<std::string>> texts;
    std::size_t lines = 1;
    for (const auto& [c, width] : columns) {
      texts.push_back(wrap(cells[c].text, width));
      lines = std::max(lines, texts.back().size());
    }
    for (std::size_t l = 0; l < lines; ++l) {
      std::string text = pad_right("", indent);
      for (std::size_t i = 0; i < columns.size(); ++i) {
        const auto& [c, width] = columns[i];
        const std::string content = l < texts[i].size() ? texts[i][l] : std::string();
        const std::string blanks = pad_right("", width - text_width(content));
        const bool is_right = t.columns[c].align == Align::right;
        text += (i > 0 ? pad_right("", table_gap) : "") + (is_right ? blanks : "") +
                toned(content, cells[c].tone) + (is_right ? "" : blanks);
      }
      line(std::move(text));
    }
  }

  void block(const Bullets& b) {
    for (const Cell& item : b.items)
      hanging(pad_right("", indent) + (style_.unicode ? "\u00B7 " : "- "), indent + 2, item.text, item.tone);
  }

  const TextStyle& style_;
  int full_width_;  ///< of tables
  int width_;       ///< of everything else
  std::string out_;
};

}  // namespace

std::string render_text(const Report& report, const TextStyle& style) {
  return TextRenderer(style).render(report);
}

}  // namespace ridge
