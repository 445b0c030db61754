#include "sim/report/table_json.h"

#include "base/quantity_text.h"
#include "sim/report/json_value.h"

#include <algorithm>

namespace ridge {

namespace {

Json list_of_words(std::string_view text) {
  Json words = Json::array();
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

Json value_of(const Column& column, const Cell& cell) {
  if (column.is_list) return list_of_words(cell.text);
  const std::string& text = cell.exact.empty() ? cell.text : cell.exact;
  if (column.align == Align::left) return text;
  if (text.empty()) return nullptr;
  const auto number = parse_number(text);
  return number ? json_number(*number) : Json(text);
}

}  // namespace

std::string table_json(const Table& t) {
  Json rows = Json::array();
  for (const auto& cells : t.rows) {
    Json row = Json::object();
    for (std::size_t c = 0; c < cells.size(); ++c) {
      std::string title = t.columns[c].title;
      std::replace(title.begin(), title.end(), ' ', '_');
      row[title] = value_of(t.columns[c], cells[c]);
    }
    rows.push_back(std::move(row));
  }
  return json_text(rows);
}

}  // namespace ridge
