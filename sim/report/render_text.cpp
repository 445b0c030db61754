#include "sim/report/report.h"
#include "sim/report/text_layout.h"

#include <algorithm>
#include <numeric>

namespace ridge {
namespace {

constexpr int indent = 2;
constexpr int gap = 2;
constexpr int longest_bar = 64;
constexpr int widest_word_kept = 16;

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
  explicit TextRenderer(const TextStyle& style) : style_(style), width_(std::max(40, style.width)) {}

  std::string render(const Report& r) {
    if (!r.title.empty()) paragraph({r.title, Tone::strong}, 0);
    if (!r.subtitle.empty()) paragraph({r.subtitle, Tone::dim}, 0);
    for (const Section& s : r.sections) section(s);
    return std::move(out_);
  }

 private:
  std::string toned(std::string_view text, Tone tone) const {
    const std::string_view escape = style_.colour ? escape_of(tone) : "";
    if (escape.empty() || text.empty()) return std::string(text);
    return std::string(escape).append(text).append("\x1b[0m");
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
    std::string text = toned(s.title, Tone::strong) + ' ';
    std::string dashes;
    for (int i = 0; i < rule; ++i) dashes += style_.unicode ? "\u2500" : "-";
    text += toned(dashes, Tone::dim);
    if (note > 0) text += ' ' + toned(s.note, Tone::dim);
    line(std::move(text));
  }

  void paragraph(const Paragraph& p, int margin) {
    for (const std::string& l : wrap(p.text, width_ - margin))
      line(std::string(static_cast<std::size_t>(margin), ' ') + toned(l, p.tone));
  }
  void block(const Paragraph& p) { paragraph(p, indent); }

  void block(const Facts& facts) {
    int label = 0, value = 0;
    for (const Fact& f : facts.items) {
      label = std::max(label, text_width(f.label));
      if (!f.note.empty()) value = std::max(value, text_width(f.value));
    }
    for (const Fact& f : facts.items) fact(f, label, value);
  }

  void fact(const Fact& f, int label, int value) {
    const int value_column = indent + label + gap;
    const std::string head = pad_right("", indent) + toned(f.label, is_verdict(f.tone) ? f.tone : Tone::dim) +
                             pad_right("", label - text_width(f.label)) + pad_right("", gap);
    if (f.note.empty()) return hanging(head, value_column, f.value, f.tone);
    const int column = value_column + std::max(value, text_width(f.value)) + gap;
    if (column + std::min(16, text_width(f.note)) > width_) {
      line(head + toned(f.value, f.tone));
      return paragraph({f.note, Tone::dim}, value_column);
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

  /// Widths of the columns; -1 for those left out.
  std::vector<int> column_widths(const Table& t) const {
    std::vector<int> widths;
    for (std::size_t c = 0; c < t.columns.size(); ++c) {
      widths.push_back(text_width(t.columns[c].title));
      for (const auto& row : t.rows) widths[c] = std::max(widths[c], text_width(row[c].text));
    }
    const auto excess = [&] {
      int used = indent - gap;
      for (const int w : widths) used += w < 0 ? 0 : w + gap;
      return used - width_;
    };
    const auto narrowest = [&](std::size_t c) {
      return std::min(widths[c], t.columns[c].can_wrap ? widest_word_kept : widths[c]);
    };
    int elastic = 0;
    for (std::size_t c = 0; c < widths.size(); ++c) elastic += widths[c] - narrowest(c);
    for (int order = most_dropped(t); order > 0 && excess() > elastic; --order)
      for (std::size_t c = 0; c < widths.size(); ++c)
        if (t.columns[c].drop_order == order) widths[c] = -1;
    for (std::size_t c = widths.size(); c-- > 0;)
      if (t.columns[c].can_wrap && excess() > 0) widths[c] = std::max(narrowest(c), widths[c] - excess());
    return widths;
  }

  static int most_dropped(const Table& t) {
    int most = 0;
    for (const Column& c : t.columns) most = std::max(most, c.drop_order);
    return most;
  }

  void block(const Table& t) {
    const std::vector<int> widths = column_widths(t);
    std::vector<Cell> titles;
    for (const Column& c : t.columns) titles.push_back({c.title, Tone::dim});
    if (std::any_of(titles.begin(), titles.end(), [](const Cell& c) { return !c.text.empty(); }))
      row(t, widths, titles);
    for (const auto& r : t.rows) row(t, widths, r);
  }

  void row(const Table& t, const std::vector<int>& widths, const std::vector<Cell>& cells) {
    std::string text = pad_right("", indent);
    int column = indent;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      if (widths[c] < 0) continue;
      const bool is_last = c + 1 == cells.size();
      if (is_last && t.columns[c].can_wrap) return wrapped_cell(std::move(text), column, widths[c], cells[c]);
      const std::string content = fit(cells[c].text, widths[c], style_.unicode);
      const std::string blanks = pad_right("", widths[c] - text_width(content) + gap);
      const bool right = t.columns[c].align == Align::right;
      if (right) text += blanks.substr(static_cast<std::size_t>(gap));
      text += toned(content, cells[c].tone);
      text += right ? pad_right("", gap) : blanks;
      column += widths[c] + gap;
    }
    line(std::move(text));
  }

  void wrapped_cell(std::string head, int column, int width, const Cell& cell) {
    for (const std::string& l : wrap(cell.text, width)) {
      line(head + toned(l, cell.tone));
      head = pad_right("", column);
    }
  }

  void block(const Bullets& b) {
    for (const Cell& item : b.items)
      hanging(pad_right("", indent) + (style_.unicode ? "\u00B7 " : "- "), indent + 2, item.text, item.tone);
  }

  const TextStyle& style_;
  int width_;
  std::string out_;
};

}  // namespace

std::string render_text(const Report& report, const TextStyle& style) {
  return TextRenderer(style).render(report);
}

}  // namespace ridge
