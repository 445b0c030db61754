#include "sim/report/report.h"
#include "sim/report/text_layout.h"

namespace ridge {
namespace {

/// Text inside a table cell: pipes and line ends would break the row, and characters that Markdown
/// reads as markup are escaped.
std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '|' || c == '*' || c == '_' || c == '`' || c == '<') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string cell(const Cell& c) {
  const bool loud = c.tone == Tone::strong || c.tone == Tone::good || c.tone == Tone::bad;
  return loud && !c.text.empty() ? "**" + escaped(c.text) + "**" : escaped(c.text);
}

struct MarkdownRenderer {
  std::string out;

  void block(const Paragraph& p) { out += cell({p.text, p.tone}) + "\n"; }

  void block(const Facts& facts) {
    out += "| | | |\n|---|---|---|\n";
    for (const Fact& f : facts.items)
      out += "| " + escaped(f.label) + " | " + cell({f.value, f.tone}) + " | " + escaped(f.note) + " |\n";
  }

  void block(const Bars& bars) {
    out += "| | | |\n|---|---:|---:|\n";
    for (const Bar& b : bars.items)
      if (!b.label.empty())
        out += "| " + escaped(b.label) + " | " + escaped(b.value) + " | " + escaped(b.note) + " |\n";
  }

  void block(const Table& t) {
    std::string rule = "|";
    out += "|";
    for (const Column& c : t.columns) {
      out += " " + escaped(c.title) + " |";
      rule += c.align == Align::right ? "---:|" : "---|";
    }
    out += "\n" + rule + "\n";
    for (const auto& row : t.rows) {
      out += "|";
      for (const Cell& c : row) out += " " + cell(c) + " |";
      for (std::size_t c = row.size(); c < t.columns.size(); ++c) out += " |";
      out += "\n";
    }
  }

  void block(const Bullets& b) {
    for (const Cell& item : b.items) out += "- " + cell(item) + "\n";
  }
};

}  // namespace

std::string render_markdown(const Report& report) {
  MarkdownRenderer r;
  if (!report.title.empty()) r.out += "# " + escaped(report.title) + "\n";
  if (!report.subtitle.empty()) r.out += "\n" + escaped(report.subtitle) + "\n";
  for (const Section& s : report.sections) {
    if (!s.title.empty()) {
      if (!r.out.empty()) r.out += '\n';
      r.out += "## " + escaped(s.title) + (s.note.empty() ? "" : " (" + escaped(s.note) + ")") + "\n";
    }
    for (const Block& b : s.blocks) {
      if (!r.out.empty()) r.out += '\n';
      std::visit([&r](const auto& block) { r.block(block); }, b);
    }
  }
  return std::move(r.out);
}

}  // namespace ridge
