#include "sim/report/hardware_report.h"

#include "base/explain_text.h"
#include "base/quantity_text.h"
#include "sim/report/json_value.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace ridge {
namespace {

/// Citations by number, so that a line stays a line.
class Citations {
 public:
  /// "datasheet [2]".
  std::string reference(const Origin& o) {
    const std::string kind(name(o.kind));
    if (o.citation.empty()) return kind;
    const std::string text = o.date.empty() ? o.citation : o.citation + ", " + o.date;
    auto it = std::find(texts_.begin(), texts_.end(), text);
    if (it == texts_.end()) it = texts_.insert(texts_.end(), text);
    return fmt::format("{} [{}]", kind, it - texts_.begin() + 1);
  }
  Bullets list() const {
    Bullets b;
    for (std::size_t i = 0; i < texts_.size(); ++i)
      b.items.push_back({fmt::format("[{}] {}", i + 1, texts_[i])});
    return b;
  }

 private:
  std::vector<std::string> texts_;
};

bool is_doubtful(Origin::Kind kind) {
  return kind == Origin::Kind::assumed || kind == Origin::Kind::default_value;
}

std::string capital(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

/// "nvlink (NVLink 4)" and "latency" of "nvlink (NVLink 4) latency"; no subject without parentheses.
std::pair<std::string, std::string> subject_and_figure(const std::string& label) {
  const std::size_t end = label.rfind(") ");
  if (end == std::string::npos) return {"", label};
  return {label.substr(0, end + 1), label.substr(end + 2)};
}

/// Memory levels and links downwards, precisions across.
Table ridge_table(const std::vector<Ridge>& ridges) {
  Table t{{{"FLOP/B against", Align::left}, {"bandwidth"}}, {}, "ridge_points"};
  std::vector<Precision> precisions;
  for (const Ridge& r : ridges)
    if (std::find(precisions.begin(), precisions.end(), r.precision) == precisions.end())
      precisions.push_back(r.precision);
  for (const Precision p : precisions) t.columns.push_back({std::string(enum_name(p))});
  for (const Ridge& r : ridges) {
    if (t.rows.empty() || t.rows.back()[0].text != r.against) {
      t.rows.push_back({{r.against}, {format(r.bandwidth), Tone::dim, format_number(r.bandwidth.value())}});
      t.rows.back().resize(t.columns.size());
    }
    const auto column = std::find(precisions.begin(), precisions.end(), r.precision) - precisions.begin();
    const double intensity = r.intensity.value();
    t.rows.back()[static_cast<std::size_t>(column) + 2] = {
        intensity < 1000 ? fmt::format("{:.3g}", intensity) : short_count(intensity), Tone::plain,
        format_number(intensity)};
  }
  return t;
}

}  // namespace

Report hardware_report(const HardwareSummary& h) {
  Report r;
  r.title = h.name;
  Citations citations;
  std::string open_subject;
  for (const SummaryRow& row : h.rows) {
    const std::string title = capital(row.section);
    if (r.sections.empty() || r.sections.back().title != title) {
      r.section(title).add(Facts{});
      open_subject.clear();
    }
    auto& facts = std::get<Facts>(r.sections.back().blocks[0]);
    const auto [subject, figure] = subject_and_figure(row.label);
    if (!subject.empty() && subject != open_subject) facts.items.push_back({subject, ""});
    open_subject = subject;
    facts.items.push_back({subject.empty() ? figure : "  " + figure, value_text(row.value, row.dim),
                           citations.reference(row.origin),
                           is_doubtful(row.origin.kind) ? Tone::warning : Tone::plain, row.key,
                           format_number(row.value)});
  }
  if (!h.ridges.empty())
    r.section("Ridge points", "work per byte where compute and bandwidth take equal time")
        .add(ridge_table(h.ridges));
  if (Bullets list = citations.list(); !list.items.empty()) r.section("Sources").add(std::move(list));
  return r;
}

std::string hardware_json(const HardwareSummary& h) {
  Json j = {{"name", h.name}, {"figures", Json::array()}, {"ridge_points", Json::array()}};
  for (const SummaryRow& row : h.rows) {
    Json one = {{"section", row.section},
                {"key", row.key},
                {"label", row.label},
                {"value", json_number(row.value)},
                {"text", value_text(row.value, row.dim)},
                {"kind", name(row.origin.kind)}};
    if (!row.origin.citation.empty()) one["citation"] = row.origin.citation;
    if (!row.origin.date.empty()) one["date"] = row.origin.date;
    if (!row.origin.where.empty()) one["where"] = row.origin.where;
    j["figures"].push_back(std::move(one));
  }
  for (const Ridge& r : h.ridges)
    j["ridge_points"].push_back({{"against", r.against},
                                 {"precision", enum_name(r.precision)},
                                 {"peak_flop_per_second", json_number(r.peak.value())},
                                 {"bytes_per_second", json_number(r.bandwidth.value())},
                                 {"flop_per_byte", json_number(r.intensity.value())}});
  return json_text(j);
}

}  // namespace ridge
