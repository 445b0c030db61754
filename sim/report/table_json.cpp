#include "sim/report/table_json.h"

#include "base/quantity_text.h"
#include "sim/report/json_value.h"

#include <algorithm>

namespace ridge {

std::string table_json(const Table& t) {
  Json rows = Json::array();
  for (const auto& cells : t.rows) {
    Json row = Json::object();
    for (std::size_t c = 0; c < cells.size(); ++c) {
      std::string title = t.columns[c].title;
      std::replace(title.begin(), title.end(), ' ', '_');
      const auto number = cells[c].exact.empty() ? tl::expected<double, std::string>(tl::unexpect, "")
                                                 : parse_number(cells[c].exact);
      row[title] =
          number ? json_number(*number) : Json(cells[c].exact.empty() ? cells[c].text : cells[c].exact);
    }
    rows.push_back(std::move(row));
  }
  return json_text(rows);
}

}  // namespace ridge
