#include "base/chart_svg.h"

#include "base/quantity_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <optional>

namespace ridge {
namespace {

constexpr double width = 720, left = 92, right = 24, top = 68, gap = 34, bottom = 62;
constexpr double tall = 330, low = 150;  // first and further panels
// Colours that stay apart for colour-blind readers: Okabe and Ito 2008.
constexpr std::array palette{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#555555"};
constexpr const char* font = "font-family=\"Helvetica, Arial, sans-serif\"";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '&') out += "&amp;";
    else if (static_cast<unsigned char>(c) >= 0x20) out += c;
  }
  return out;
}

const char* colour_of(const ChartSeries& s) {
  return palette[static_cast<std::size_t>(std::max(s.colour, 0)) % palette.size()];
}

/// From values to positions along one axis.
struct Scale {
  double from = 0, to = 1, start = 0, end = 1;
  bool is_logarithmic = false;

  std::optional<double> at(double v) const {
    if (!std::isfinite(v) || (is_logarithmic && v <= 0)) return std::nullopt;
    return start + (end - start) * ((is_logarithmic ? std::log10(v) : v) - from) / (to - from);
  }
};

Scale scale_of(std::span<const double> values, const ChartAxis& axis, double start, double end) {
  Scale s{.start = start, .end = end, .is_logarithmic = axis.is_logarithmic};
  double least = std::numeric_limits<double>::infinity(), most = -least;
  for (const double v : values) {
    if (!std::isfinite(v) || (axis.is_logarithmic && v <= 0)) continue;
    const double x = axis.is_logarithmic ? std::log10(v) : v;
    least = std::min(least, x), most = std::max(most, x);
  }
  if (!(least <= most)) least = 0, most = 1;
  const double room = std::max(0.04 * (most - least), most == least ? 0.5 : 0);
  s.from = least - room, s.to = most + room;
  return s;
}

/// Decades, or steps of 1, 2, 5 where fewer than two decades show; a linear axis always the latter.
std::vector<double> ticks(const Scale& s) {
  std::vector<double> out;
  if (s.is_logarithmic) {
    const double span = s.to - s.from;
    const int step = std::max(1, static_cast<int>(std::ceil(span / 8)));
    for (int e = static_cast<int>(std::ceil(s.from)); e <= s.to; e += step) {
      out.push_back(std::pow(10.0, e));
      for (const double m : {2.0, 5.0})
        if (span < 2.2 && e + std::log10(m) <= s.to) out.push_back(m * std::pow(10.0, e));
    }
    return out;
  }
  const double raw = (s.to - s.from) / 5, power = std::pow(10.0, std::floor(std::log10(raw)));
  const double step = power * (raw / power < 2 ? 2 : raw / power < 5 ? 5 : 10);
  for (double v = std::ceil(s.from / step) * step; v <= s.to; v += step) out.push_back(v);
  return out;
}

/// "10 us", "64 MB", "20 %": with the unit's own prefix, so that no axis counts in powers of ten.
std::string tick_text(double v, const std::string& unit) {
  if (unit.empty() || unit == "%")
    return fmt::format("{:g}{}", std::abs(v) < 1e-12 ? 0 : v, unit.empty() ? "" : " %");
  constexpr std::pair<double, std::string_view> prefixes[] = {
      {1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}, {1e-3, "m"}, {1e-6, "u"}, {1e-9, "n"}};
  for (const auto& [factor, prefix] : prefixes)
    if (v >= factor * 0.999) return fmt::format("{:g} {}{}", v / factor, prefix, unit);
  return fmt::format("{:g} {}", v, unit);
}

class Drawing {
 public:
  explicit Drawing(std::span<const Chart> panels) : panels_(panels) {}

  std::string text() {
    const double height = top + bottom + tall + static_cast<double>(panels_.size() - 1) * (low + gap);
    out_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\">\n"
        "<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n",
        width, height);
    label(left, 22, panels_[0].title, 16, "start", "#111111");
    const std::string& note = panels_[0].note;  // a line of its own for what follows the first semicolon
    const std::size_t cut = std::min(note.find("; "), note.size());
    label(left, 41, note.substr(0, cut), 11, "start", "#555555");
    label(left, 56, cut < note.size() ? note.substr(cut + 2) : "", 11, "start", "#555555");
    double y = top;
    for (std::size_t i = 0; i < panels_.size(); ++i) {
      const double h = i == 0 ? tall : low;
      panel(panels_[i], y, h, i + 1 == panels_.size());
      y += h + gap;
    }
    return out_ + "</svg>\n";
  }

 private:
  void label(double x, double y, std::string_view text, int size, const char* anchor, const char* colour,
             const char* more = "") {
    if (text.empty()) return;
    out_ += fmt::format(
        "<text x=\"{:.1f}\" y=\"{:.1f}\" {} font-size=\"{}\" text-anchor=\"{}\" fill=\"{}\" {}>{}"
        "</text>\n",
        x, y, font, size, anchor, colour, more, escaped(text));
  }

  void line(double x1, double y1, double x2, double y2, const char* colour) {
    out_ += fmt::format(
        "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\" stroke-width=\"1\"/>\n",
        x1, y1, x2, y2, colour);
  }

  /// The range of the first panel's x values holds for all, so that panels stand in line.
  Scale x_scale() const {
    std::vector<double> all;
    for (const Chart& c : panels_)
      for (const ChartSeries& s : c.series) all.insert(all.end(), s.x.begin(), s.x.end());
    return scale_of(all, panels_[0].x, left, width - right);
  }

  void panel(const Chart& c, double y, double h, bool is_last) {
    std::vector<double> values;
    for (const ChartSeries& s : c.series) {
      values.insert(values.end(), s.y.begin(), s.y.end());
      values.insert(values.end(), s.high.begin(), s.high.end());
    }
    const Scale xs = x_scale(), ys = scale_of(values, c.y, y + h, y);
    grid(c, xs, ys, y, h, is_last);
    for (const ChartSeries& s : c.series) draw(s, xs, ys);
    out_ +=
        fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"#333333\"/>\n",
                    left, y, width - left - right, h);
    legend(c, y);
  }

  void grid(const Chart& c, const Scale& xs, const Scale& ys, double y, double h, bool is_last) {
    for (const double v : ticks(xs)) {
      const double x = *xs.at(v);
      line(x, y, x, y + h, "#e4e4e4");
      if (is_last) label(x, y + h + 17, tick_text(v, c.x.unit), 11, "middle", "#333333");
    }
    for (const double v : ticks(ys)) {
      line(left, *ys.at(v), width - right, *ys.at(v), "#e4e4e4");
      label(left - 7, *ys.at(v) + 4, tick_text(v, c.y.unit), 11, "end", "#333333");
    }
    if (is_last) label((left + width - right) / 2, y + h + 42, c.x.label, 12, "middle", "#111111");
    const double middle = y + h / 2;
    label(18, middle, c.y.label, 12, "middle", "#111111",
          fmt::format("transform=\"rotate(-90 18 {:.1f})\"", middle).c_str());
  }

  void legend(const Chart& c, double y) {
    double row = y + 16;
    std::size_t rows = 0, longest = 0;
    for (const ChartSeries& s : c.series)
      if (!s.name.empty()) ++rows, longest = std::max(longest, s.name.size());
    if (rows > 0)
      out_ += fmt::format(
          "<rect x=\"{}\" y=\"{:.1f}\" width=\"{:.0f}\" height=\"{}\" fill=\"white\" "
          "fill-opacity=\"0.85\"/>\n",
          left + 3, y + 3, 36 + 5.6 * static_cast<double>(longest), 16 * rows + 4);
    for (const ChartSeries& s : c.series) {
      if (s.name.empty()) continue;
      const char* colour = colour_of(s);
      if (s.mark == ChartMark::points)
        out_ += fmt::format("<circle cx=\"{}\" cy=\"{:.1f}\" r=\"3.5\" fill=\"{}\"/>\n", left + 14, row - 4,
                            colour);
      else
        out_ += fmt::format(
            "<rect x=\"{}\" y=\"{:.1f}\" width=\"16\" height=\"{}\" fill=\"{}\" fill-opacity=\"{}\"/>\n",
            left + 6, row - (s.mark == ChartMark::line ? 5 : 9), s.mark == ChartMark::line ? 2 : 10, colour,
            s.mark == ChartMark::line ? 1.0 : 0.25);
      label(left + 28, row, s.name, 11, "start", "#222222");
      row += 16;
    }
  }

  std::string path(std::span<const double> x, std::span<const double> y, const Scale& xs, const Scale& ys,
                   bool is_reversed, bool is_continued) const {
    std::string out;
    for (std::size_t k = 0; k < std::min(x.size(), y.size()); ++k) {
      const std::size_t i = is_reversed ? std::min(x.size(), y.size()) - 1 - k : k;
      const auto px = xs.at(x[i]), py = ys.at(y[i]);
      if (!px || !py) continue;
      out += fmt::format("{}{:.1f} {:.1f} ", out.empty() && !is_continued ? "M" : "L", *px, *py);
    }
    return out;
  }

  void draw(const ChartSeries& s, const Scale& xs, const Scale& ys) {
    const char* colour = colour_of(s);
    if (s.mark == ChartMark::band) {
      const std::string lower = path(s.x, s.y, xs, ys, false, false);
      if (!lower.empty())
        out_ += fmt::format("<path d=\"{}{}Z\" fill=\"{}\" fill-opacity=\"0.18\"/>\n", lower,
                            path(s.x, s.high, xs, ys, true, true), colour);
    } else if (s.mark == ChartMark::line) {
      if (const std::string d = path(s.x, s.y, xs, ys, false, false); !d.empty())
        out_ += fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.6\"/>\n", d, colour);
    } else {
      for (std::size_t i = 0; i < std::min(s.x.size(), s.y.size()); ++i)
        if (const auto px = xs.at(s.x[i]), py = ys.at(s.y[i]); px && py)
          out_ += fmt::format(
              "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.6\" fill=\"{}\" fill-opacity=\"0.75\"/>\n", *px, *py,
              colour);
    }
  }

  std::span<const Chart> panels_;
  std::string out_;
};

}  // namespace

std::string chart_svg(std::span<const Chart> panels) {
  return panels.empty() ? std::string() : Drawing(panels).text();
}

}  // namespace ridge
