#include "sim/report/table_layout.h"

#include "sim/report/text_layout.h"

#include <algorithm>

namespace ridge {
namespace {

constexpr int narrow_text = 18;     ///< a column of words, before other columns are left out for it
constexpr int narrowest_text = 10;  ///< and before columns go into another block
constexpr int narrowest_title = 6;

/// Widest line of a text that brings its own line ends.
int line_width(std::string_view text) {
  int widest = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    widest = std::max(widest, text_width(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return widest;
}

class Fitting {
 public:
  Fitting(const Table& t, int width) : t_(t), width_(width) {
    for (std::size_t c = 0; c < t.columns.size(); ++c) {
      int cells = 0;
      for (const auto& row : t.rows)
        if (row.size() == t.columns.size()) cells = std::max(cells, line_width(row[c].text));
      const int whole = std::max(cells, text_width(t.columns[c].title));
      const int broken_title = std::min(whole, std::max({cells, narrowest_title, longest_part(c)}));
      whole_.push_back(whole);
      broken_title_.push_back(broken_title);
      least_.push_back(t.columns[c].can_wrap ? std::min(whole, narrow_text) : broken_title);
      tightest_.push_back(t.columns[c].can_wrap ? std::min(whole, narrowest_text) : broken_title);
      shown_.push_back(c);
    }
    widths_ = whole_;
  }

  TableLayout run() {
    leave_out();
    narrow(shown_, broken_title_);
    narrow(shown_, least_);
    narrow(shown_, tightest_);
    return in_blocks();
  }

 private:
  /// The longest part of a title between blanks and hyphens.
  int longest_part(std::size_t c) const {
    int longest = 0, part = 0;
    for (const char ch : t_.columns[c].title) {
      ++part;
      if (ch == ' ' || ch == '-' || ch == '_') {
        longest = std::max(longest, part);
        part = 0;
      }
    }
    return std::max(longest, part);
  }

  int excess(const std::vector<std::size_t>& columns, const std::vector<int>& widths) const {
    int used = -table_gap;
    for (const std::size_t c : columns) used += widths[c] + table_gap;
    return used - width_;
  }

  void leave_out() {
    while (excess(shown_, least_) > 0) {
      const auto most = std::max_element(shown_.begin(), shown_.end(), [this](std::size_t a, std::size_t b) {
        return t_.columns[a].drop_order < t_.columns[b].drop_order;
      });
      if (t_.columns[*most].drop_order == 0) break;
      left_out_.push_back(*most);
      shown_.erase(most);
    }
    std::sort(left_out_.begin(), left_out_.end());
  }

  /// Takes what is too much from the widest, down to `least`.
  void narrow(const std::vector<std::size_t>& columns, const std::vector<int>& least) {
    for (int over = excess(columns, widths_); over > 0; --over) {
      const std::size_t none = t_.columns.size();
      std::size_t widest = none;
      for (const std::size_t c : columns)
        if (widths_[c] > least[c] && (widest == none || widths_[c] > widths_[widest])) widest = c;
      if (widest == none) return;
      --widths_[widest];
    }
  }

  /// The first column and as many of the others as fit, again and again.
  TableLayout in_blocks() {
    TableLayout out{{}, left_out_};
    if (shown_.empty()) return out;
    std::vector<std::size_t> block{shown_.front()};
    for (std::size_t i = 1; i < shown_.size(); ++i) {
      std::vector<std::size_t> longer = block;
      std::size_t end = i;
      do longer.push_back(shown_[end++]);
      while (end < shown_.size() && t_.columns[shown_[end]].is_joined);
      if (block.size() > 1 && excess(longer, tightest_) > 0 && excess(shown_, widths_) > 0) {
        out.blocks.push_back(set(block));
        block = {shown_.front()};
        --i;
        continue;
      }
      block = std::move(longer);
      i = end - 1;
    }
    out.blocks.push_back(set(block));
    return out;
  }

  /// Places of one block; a column that is too wide alone takes what is left.
  TableLayout::Block set(const std::vector<std::size_t>& columns) {
    for (const std::size_t c : columns) widths_[c] = whole_[c];
    narrow(columns, broken_title_);
    narrow(columns, least_);
    narrow(columns, tightest_);
    narrow(columns, std::vector<int>(t_.columns.size(), narrowest_title));
    TableLayout::Block block;
    for (const std::size_t c : columns) block.push_back({c, widths_[c]});
    return block;
  }

  const Table& t_;
  int width_;
  std::vector<int> whole_, broken_title_, least_, tightest_, widths_;
  std::vector<std::size_t> shown_, left_out_;
};

}  // namespace

TableLayout table_layout(const Table& t, int width) {
  if (t.columns.empty()) return {};
  return Fitting(t, std::max(width, narrowest_text)).run();
}

}  // namespace ridge
