#include "sim/report/report.h"

namespace ridge {
namespace {

std::string field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (char c : text) out.append(c == '"' ? 2 : 1, c);
  return out + '"';
}

std::string_view exact_or_text(const std::string& exact, const std::string& text) {
  return exact.empty() ? std::string_view(text) : std::string_view(exact);
}

std::string table_csv(const Table& t) {
  std::string out;
  for (std::size_t c = 0; c < t.columns.size(); ++c) out += (c ? "," : "") + field(t.columns[c].title);
  out += '\n';
  for (const auto& row : t.rows) {
    for (std::size_t c = 0; c < row.size(); ++c)
      out += (c ? "," : "") + field(exact_or_text(row[c].exact, row[c].text));
    out += '\n';
  }
  return out;
}

struct LongRows {
  std::string out = "section,item,value\n";
  std::string section = {};

  void row(std::string_view item, std::string_view value) {
    out += field(section) + ',' + field(item) + ',' + field(value) + '\n';
  }
  void block(const Paragraph& p) { row("", p.text); }
  void block(const Facts& facts) {
    for (const Fact& f : facts.items)
      if (!f.value.empty()) row(f.key.empty() ? f.label : f.key, exact_or_text(f.exact, f.value));
  }
  void block(const Bars& bars) {
    for (const Bar& b : bars.items)
      if (!b.label.empty()) row(b.key.empty() ? b.label : b.key, exact_or_text(b.exact, b.value));
  }
  void block(const Table& t) {
    for (const auto& cells : t.rows)
      for (std::size_t c = 1; c < cells.size(); ++c)
        row(cells[0].text + '.' + t.columns[c].title, exact_or_text(cells[c].exact, cells[c].text));
  }
  void block(const Bullets& b) {
    for (const Cell& item : b.items) row("", item.text);
  }
};

const Table* only_table(const Report& report) {
  const Table* found = nullptr;
  for (const Section& s : report.sections)
    for (const Block& b : s.blocks) {
      if (std::holds_alternative<Paragraph>(b) || std::holds_alternative<Bullets>(b)) continue;
      const Table* t = std::get_if<Table>(&b);
      if (!t || found) return nullptr;
      found = t;
    }
  return found;
}

}  // namespace

std::string render_csv(const Report& report) {
  if (const Table* t = only_table(report)) return table_csv(*t);
  LongRows rows;
  for (const Section& s : report.sections) {
    rows.section = s.title;
    for (const Block& b : s.blocks) std::visit([&rows](const auto& block) { rows.block(block); }, b);
  }
  return std::move(rows.out);
}

}  // namespace ridge
