#include "base/yaml/read_document.h"
#include "base/yaml/tree_builder.h"

#include <algorithm>
#include <fmt/format.h>

namespace ridge {
namespace {

struct Cell {
  std::string text;
  std::size_t begin = 0, end = 0;
};

/// Cuts a text into records; `position` moves behind the record read.
class CsvLexer {
 public:
  CsvLexer(const SourcePtr& source, Diagnostics& diagnostics)
      : source_(source), text_(source->text), diagnostics_(diagnostics) {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
  }
  bool at_end() const { return at_ >= text_.size(); }

  std::vector<Cell> record() {
    std::vector<Cell> cells;
    do cells.push_back(cell());
    while (!at_end() && text_[at_] == ',' && ++at_);
    if (!at_end() && text_[at_] == '\r') ++at_;
    if (!at_end() && text_[at_] == '\n') ++at_;
    return cells;
  }

 private:
  bool at_cell_end() const {
    return at_end() || text_[at_] == ',' || text_[at_] == '\n' ||
           (text_[at_] == '\r' && (at_ + 1 == text_.size() || text_[at_ + 1] == '\n'));
  }

  Cell cell() {
    while (!at_end() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
    Cell c;
    c.begin = at_;
    if (!at_end() && text_[at_] == '"') {
      quoted(c);
    } else {
      while (!at_cell_end()) c.text += text_[at_++];
      while (!c.text.empty() && (c.text.back() == ' ' || c.text.back() == '\t')) c.text.pop_back();
      c.end = c.begin + c.text.size();
    }
    return c;
  }

  void quoted(Cell& c) {
    for (++at_; !at_end(); ++at_) {
      if (text_[at_] == '"' && at_ + 1 < text_.size() && text_[at_ + 1] == '"') ++at_;
      else if (text_[at_] == '"') break;
      c.text += text_[at_];
    }
    if (at_end())
      diagnostics_.error("csv-syntax", "the quote opened here is never closed", span_at(source_, c.begin, 1));
    else ++at_;
    c.end = at_;
    const std::size_t tail = at_;
    while (!at_cell_end()) ++at_;
    if (text_.find_first_not_of(" \t", tail) < at_)
      diagnostics_.error("csv-syntax", "text follows a closed quote; double a quote inside quotes",
                         span_at(source_, tail, 1));
  }

  const SourcePtr& source_;
  const std::string& text_;
  Diagnostics& diagnostics_;
  std::size_t at_ = 0;
};

/// Keeps the line of a growing position, so that spans cost no search from the start.
class Locator {
 public:
  explicit Locator(const SourcePtr& source) : source_(source) {}
  Span operator()(const Cell& c) {
    const std::string& text = source_->text;
    for (; position_ < c.begin; ++position_)
      if (text[position_] == '\n') {
        ++line_;
        line_start_ = position_ + 1;
      }
    const std::size_t length = std::clamp<std::size_t>(c.end - c.begin, 1, 10'000);
    return {source_, line_, static_cast<int>(c.begin - line_start_) + 1, static_cast<int>(length)};
  }

 private:
  const SourcePtr& source_;
  std::size_t position_ = 0, line_start_ = 0;
  int line_ = 1;
};

bool is_blank(const std::vector<Cell>& cells) {
  return cells.size() == 1 && cells[0].text.empty() && cells[0].begin == cells[0].end;
}

struct Column {
  std::string key;
  Span span;
};

std::vector<Column> read_header(CsvLexer& lexer, Locator& locate, Diagnostics& diagnostics) {
  std::vector<Column> columns;
  std::vector<Cell> cells;
  while (!lexer.at_end() && (cells.empty() || is_blank(cells))) cells = lexer.record();
  if (is_blank(cells)) cells.clear();
  for (auto& c : cells) {
    const Span where = locate(c);
    auto same =
        std::find_if(columns.begin(), columns.end(), [&](auto& other) { return other.key == c.text; });
    if (c.text.empty()) diagnostics.error("csv-header", "a column has no name", where);
    else if (same != columns.end())
      diagnostics.error(
          "duplicate-key",
          fmt::format("duplicate column '{}', first given at {}", printable(c.text), same->span.where()),
          where);
    const bool usable = !c.text.empty() && same == columns.end();
    columns.push_back({usable ? c.text : std::string{}, where});
  }
  return columns;
}

}  // namespace

std::vector<Node> read_csv(const SourcePtr& source, Diagnostics& diagnostics) {
  std::vector<Node> rows;
  if (!source || !is_readable_text(source, diagnostics)) return rows;
  CsvLexer lexer(source, diagnostics);
  Locator locate(source);
  const auto columns = read_header(lexer, locate, diagnostics);
  if (columns.empty()) {
    diagnostics.error("csv-header", "the first line must name the columns", {source, 1, 1, 1});
    return rows;
  }
  std::size_t values = 0;
  while (!lexer.at_end()) {
    const auto cells = lexer.record();
    if (is_blank(cells)) continue;
    Node row = Node::map(locate(cells.front()));
    if (cells.size() != columns.size()) {
      diagnostics.error(
          "csv-row",
          fmt::format("this row has {} cells where the header has {}", cells.size(), columns.size()),
          row.span);
      continue;
    }
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const Span where = locate(cells[i]);
      if (cells[i].text.empty() || columns[i].key.empty()) continue;
      row.entries.push_back({columns[i].key, columns[i].span, Node::scalar(cells[i].text, where)});
    }
    values += row.entries.size();
    if (values > max_nodes) {
      diagnostics.error("too-large", fmt::format("more than {} values", max_nodes), row.span);
      break;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace ridge
