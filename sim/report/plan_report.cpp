#include "sim/report/plan_report.h"

#include "base/diagnostic.h"
#include "base/explain_text.h"
#include "base/quantity_text.h"
#include "sim/answers.h"
#include "sim/report/figure_text.h"
#include "sim/report/memory_section.h"
#include "sim/report/validation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

namespace ridge {
namespace {

class PlanReporter {
 public:
  explicit PlanReporter(const PlanReportInput& in)
      : in_(in), s_(in.scenario), e_(in.estimate), verdict_(verdict_of(in.estimate)) {}

  Report run() {
    title();
    verdict();
    if (verdict_ != Verdict::cannot_run && !s_.operator_case()) add_memory_section(e_, r_);
    if (verdict_ == Verdict::fits) {
      measured();
      time();
      limits();
      answers();
    }
    help();
    assumptions();
    return std::move(r_);
  }

 private:
  void title() {
    r_.title = s_.name.empty() ? fmt::format("{} on {}", s_.model_name, s_.hardware_name) : s_.name;
    const std::string subject = s_.model_name.empty() ? "" : s_.model_name + " on ";
    const std::string software = s_.software_name.empty() ? "" : " with " + s_.software_name;
    r_.subtitle =
        fmt::format("{}{} {} of {}{}; {}", subject, format_count(s_.devices),
                    s_.devices == 1 ? "device" : "devices", s_.hardware_name, software, workload_text(s_));
    if (!s_.operator_case()) r_.subtitle += "; " + plan_text(e_.plan);
  }

  void verdict() {
    Section& section = r_.section("");
    Facts first, figures;
    if (verdict_ == Verdict::cannot_run) {
      const auto reasons = e_.violations.size();
      const std::string value = fmt::format("{} {}", reasons, reasons == 1 ? "reason" : "reasons");
      first.items.push_back({"CANNOT RUN", value, "", Tone::bad, {}, {}});
    } else {
      if (!s_.operator_case()) first.items.push_back(fit_fact());
      time_facts(figures);
      if (!s_.operator_case() && e_.fits) throughput_facts(figures);
    }
    if (e_.fits) first.items.insert(first.items.end(), figures.items.begin(), figures.items.end());
    section.add(std::move(first));
    if (e_.fits) return;
    Bullets problems;
    for (const Violation& v : e_.violations)
      problems.items.push_back({v.problem + (v.remedy.empty() ? "" : ": " + v.remedy), Tone::bad});
    section.add(std::move(problems));
    if (!figures.items.empty()) section.add(std::move(figures));
  }

  Fact fit_fact() const {
    const Bytes used = e_.memory.peak_allocated.value, capacity = e_.memory.capacity.value;
    Fact f;
    f.key = "memory.peak_allocated_bytes";
    f.more_keys = {"memory.capacity_bytes", "memory.headroom_bytes"};
    f.exact = exact(used.value());
    f.label = e_.fits ? "FITS" : "DOES NOT FIT";
    f.tone = e_.fits ? Tone::good : Tone::bad;
    f.value = fmt::format("{} of {} per device", format(used), format(capacity));
    const Bytes spare = e_.memory.headroom.value;
    if (spare.value() >= 0) f.more_keys.emplace_back("memory.headroom_bytes.share");
    f.note = spare.value() >= 0
                 ? fmt::format("{} ({}) to spare", format(spare), whole_percent(spare / capacity))
                 : fmt::format("{} too much", format(-spare));
    return f;
  }

  void time_facts(Facts& facts) const {
    for (std::size_t i = 0; i < e_.time.totals.size(); ++i) {
      const auto& [name, amount] = e_.time.totals[i];
      Fact f;
      f.label = words(headline_name(name));
      f.value = format(amount.value);
      f.exact = exact(amount.value.value());
      f.tone = i == 0 ? Tone::strong : Tone::plain;
      f.key = fmt::format("time.{}", name);
      if (!e_.fits) f.note = "if memory sufficed";
      else if (i == 0 && e_.time.high.value > e_.time.low.value) {
        f.note = fmt::format("90 % interval {} to {}", format(e_.time.low.value), format(e_.time.high.value));
        f.more_keys = {"time.low", "time.high"};
      }
      facts.items.push_back(std::move(f));
    }
  }

  void throughput_facts(Facts& facts) const {
    const Throughput& t = e_.throughput;
    if (t.tokens_per_second.value.value() > 0) {
      Fact f{"throughput", format(t.tokens_per_second.value)};
      f.key = "throughput.tokens_per_second";
      f.exact = exact(t.tokens_per_second.value.value());
      if (s_.devices > 1) {
        f.note = format(t.tokens_per_second_per_device.value) + " per device";
        f.more_keys = {"throughput.tokens_per_second_per_device"};
      }
      facts.items.push_back(std::move(f));
    }
    if (t.model_flops_utilization.value > 0)
      facts.items.push_back({"utilisation",
                             percent(t.model_flops_utilization.value) + " MFU",
                             fmt::format("{} per device, {} HFU", format(t.flops_per_device.value),
                                         percent(t.hardware_flops_utilization.value)),
                             Tone::plain,
                             "throughput.model_flops_utilization",
                             exact(t.model_flops_utilization.value),
                             {"throughput.flops_per_device", "throughput.hardware_flops_utilization"}});
  }

  Seconds headline() const {
    return e_.time.totals.empty() ? Seconds{0} : e_.time.totals.front().amount.value;
  }

  void time() {
    if (e_.time.parts.empty() || !(headline().value() > 0)) return;
    Section& section = r_.section(fmt::format("Time of one {}", headline_name(e_.time.totals.front().name)));
    Bars bars;
    for (const auto& [name, amount] : e_.time.parts) {
      const double fraction = share(amount.value.value(), headline().value());
      if (fraction < 0.0005) continue;
      bars.items.push_back({words(name), format(amount.value), fraction, percent(fraction), Tone::accent,
                            fmt::format("time.parts.{}", name), exact(amount.value.value()),
                            fmt::format("time.parts.{}.share", name)});
    }
    section.add(std::move(bars));
    if (e_.plan.pipeline > 1 && s_.training())
      section.add(
          Facts{{{"pipeline bubble", percent(e_.time.bubble_fraction.value), "of the step a stage waits",
                  Tone::plain, "time.bubble_fraction", exact(e_.time.bubble_fraction.value)}}});
  }

  void measured() {
    Table t = measured_table(s_.measured, e_);
    if (!t.rows.empty()) r_.section("Measured").add(std::move(t));
  }

  void limits() {
    if (e_.limits.empty()) return;
    static constexpr std::array<std::string_view, 6> names{
        "compute", "device memory bandwidth", "links inside a node", "network", "host", "waiting"};
    Bars bars;
    for (const Limit& l : e_.limits) {
      const double fraction = l.share_fraction.value;
      if (fraction < 0.0005) continue;
      const std::string key = fmt::format("limits.{}", name(l.resource));
      bars.items.push_back({std::string(names[static_cast<std::size_t>(l.resource)]), format(l.time.value),
                            fraction, percent(fraction), Tone::warning, key + ".seconds",
                            exact(l.time.value.value()), key + ".share"});
    }
    if (!bars.items.empty()) r_.section("What limits it").add(std::move(bars));
  }

  /// Only where a profile answers.
  void answers() {
    if (e_.answers.empty()) return;
    Table t;
    t.name = "answers";
    t.columns = {
        {"kernels", Align::left, true}, {"answered", Align::left, true}, {"time"}, {"share"}, {"90 %"}};
    for (std::size_t i = 0; i < e_.answers.size(); ++i) {
      const AnsweredTime& a = e_.answers[i];
      if (a.share.value < 0.0005) continue;
      const std::string key = fmt::format("answers.{}.", i);
      const double f = a.interval_fraction.value;
      const bool is_measured = a.source == AnswerSource::table || a.source == AnswerSource::curve;
      t.rows.push_back(
          {{a.model},
           {std::string(words(a.source)), is_measured ? Tone::plain : Tone::warning},
           {format(a.time.value), Tone::strong, exact(a.time.value.value()), key + "seconds"},
           {percent(a.share.value), Tone::plain, exact(a.share.value), key + "share"},
           {f > 0 ? "± " + percent(f) : "", Tone::plain, exact(f), f > 0 ? key + "interval_fraction" : ""}});
    }
    Section& section = r_.section("Who answers for the kernels");
    section.add(std::move(t));
    Facts joined;
    const std::string_view whole = headline_name(e_.time.totals.front().name);
    for (const auto& d : e_.time.deviations) {
      const std::string why = d.name == "stack" ? "by the stack's own error: host, gaps, composition"
                                                : fmt::format("of the {}, by the profile's intervals", whole);
      joined.items.push_back({std::string(d.name), "± " + percent(std::exp(1.645 * d.amount.value) - 1), why,
                              Tone::plain, fmt::format("time.deviations.{}", d.name), exact(d.amount.value)});
    }
    if (!joined.items.empty()) section.add(std::move(joined));
  }

  void help() {
    if (in_.advice.empty()) return;
    const bool has_loads = std::any_of(in_.advice.begin(), in_.advice.end(),
                                       [](const Advice& a) { return a.kind == AdviceKind::load; });
    const std::string_view unit =
        e_.time.totals.empty() ? "time" : headline_name(e_.time.totals.front().name);
    Table t;
    t.name = "advice";
    t.columns = {{"change", Align::left, true}, {std::string(unit)}};
    if (e_.fits) t.columns.push_back({"time"});
    if (e_.fits && has_loads) t.columns.push_back({"tokens/s"});
    if (!e_.fits) t.columns.push_back({"tokens/s"});
    t.columns.push_back({"peak"});
    for (std::size_t i = 0; i < in_.advice.size(); ++i)
      advice_rows(in_.advice[i], fmt::format("advice.{}.", i), has_loads, t);
    const bool can_run = verdict_ != Verdict::cannot_run;
    r_.section(e_.fits   ? "What would help"
               : can_run ? "What would make it fit"
                         : "What would make it run")
        .add(std::move(t));
  }

  static Cell change_cell(double fraction, bool less_is_better, std::string key) {
    const double change = fraction - 1;
    const Tone tone = std::abs(change) < 0.005         ? Tone::dim
                      : (change < 0) == less_is_better ? Tone::good
                                                       : Tone::warning;
    return {fmt::format("{:+.0f} %", 100 * change), tone, exact(change), std::move(key)};
  }

  /// What it is and what it gives, and below the settings to paste.
  void advice_rows(const Advice& a, const std::string& under, bool has_loads, Table& t) const {
    std::string label = a.change;
    if (a.kind == AdviceKind::machine) label += " (another machine)";
    if (a.kind == AdviceKind::numerics) label += " (changes results)";
    if (a.kind != AdviceKind::devices && a.devices != s_.devices)
      label += fmt::format(" ({} devices)", a.devices);
    std::vector<Cell> row{{label}, {format(a.time), Tone::strong, exact(a.time.value()), under + "seconds"}};
    if (e_.fits) row.push_back(change_cell(a.time_fraction, true, under + "time_fraction"));
    if (e_.fits && has_loads) row.push_back(change_cell(a.rate_fraction, false, under + "rate_fraction"));
    if (!e_.fits)
      row.push_back(
          {short_count(a.rate.value()), Tone::plain, exact(a.rate.value()), under + "tokens_per_second"});
    row.push_back({format(a.peak), Tone::plain, exact(a.peak.value()), under + "peak_allocated_bytes"});
    t.rows.push_back(std::move(row));
    std::string settings;
    for (const std::string& set : a.settings) settings += (settings.empty() ? "  --set " : " --set ") + set;
    t.rows.push_back({{settings, Tone::dim}});
  }

  void assumptions() {
    Bullets b;
    for (const std::string& warning : e_.warnings) b.items.push_back({warning, Tone::warning});
    for (const std::string& note : e_.notes) b.items.push_back({note});
    if (const std::string defaults = default_values(); !defaults.empty())
      b.items.push_back({"not stated, so assumed: " + defaults});
    if (const std::string inputs = input_counts(); e_.fits && !inputs.empty()) b.items.push_back({inputs});
    const bool is_open = verdict_ != Verdict::cannot_run && !in_.why.empty() && !e_.time.totals.empty();
    if (b.items.empty() && !is_open) return;
    Section& section = r_.section(b.items.empty() ? "" : "Assumptions");
    if (!b.items.empty()) section.add(std::move(b));
    if (!is_open) return;
    std::string command = in_.why;
    if (const std::size_t at = command.find("KEY"); at != std::string::npos)
      command.replace(at, 3, fmt::format("time.{}", e_.time.totals.front().name));
    section.add(Paragraph{"Why?  " + command, Tone::dim});
  }

  template <class T>
  void default_texts(const T& value, const std::string& path, std::initializer_list<std::string_view> fields,
                     std::string& out) const {
    const Node written = write_value(value);
    for (const std::string_view field : fields) {
      const auto it = s_.origins.find(fmt::format("{}.{}", path, field));
      const Node* n = written.find(field);
      if (it == s_.origins.end() || it->second.kind != Origin::Kind::default_value || !n || !n->is_scalar())
        continue;
      out += fmt::format("{}{} {}", out.empty() ? "" : ", ", words(field), n->text);
    }
  }

  std::string default_values() const {
    std::string out;
    if (const auto it = s_.origins.find("software"); it != s_.origins.end())
      out += "software " + s_.software_name +
             (it->second.citation.empty() ? "" : " (" + it->second.citation + ")");
    if (const auto it = s_.origins.find("devices");
        it != s_.origins.end() && it->second.kind == Origin::Kind::default_value)
      out += fmt::format("{}devices {}", out.empty() ? "" : ", ", s_.devices);
    if (const Training* t = s_.training())
      default_texts(*t, "training",
                    {"sequence_length", "micro_batch", "global_batch", "precision", "optimizer"}, out);
    if (const Inference* i = s_.inference()) {
      default_texts(*i, "inference", {"phase", "batch", "prompt_tokens", "weights", "kv_cache"}, out);
      if (i->phase == InferencePhase::request) default_texts(*i, "inference", {"output_tokens"}, out);
    }
    return out;
  }

  std::string input_counts() const {
    if (!in_.record || e_.time.totals.empty()) return {};
    const std::string_view key = e_.time.totals.front().name;
    const NodeId node = in_.record->find(fmt::format("time.{}", key));
    if (node == 0) return {};
    return fmt::format("the {} time rests on {}", headline_name(key), inputs_summary(*in_.record, node));
  }

  const PlanReportInput& in_;
  const Scenario& s_;
  const Estimate& e_;
  Verdict verdict_;
  Report r_;
};

}  // namespace

Report plan_report(const PlanReportInput& input) { return PlanReporter(input).run(); }

}  // namespace ridge
