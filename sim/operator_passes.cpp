#include "sim/operator_passes.h"

#include "sim/program.h"

namespace ridge {
namespace {

constexpr Formula width_bytes{"operator.width_bytes", "bytes of a token of one width", "w * (n * a + x)",
                              "definition", "n numbers of the operator's type and x fixed bytes for each"};
constexpr Formula token_bytes{"operator.token_bytes", "bytes of a token that a pass moves", "sum(...)",
                              "definition"};
constexpr Formula pass_bytes{"operator.pass_bytes", "bytes a pass moves", "t * b", "definition"};

class PassCounter {
 public:
  PassCounter(const Scenario& s, const ExpertWidths& w, Traced<BytesPerElement> a, Explain* ex)
      : s_(s), widths_(w), activation_(a), ex_(ex) {}

  Traced<double> number(const Pass& pass, const std::string& key, double value) const {
    if (!ex_) return {value, 0};
    const Origin stack{Origin::Kind::preset, {}, "software stack " + s_.software.name, {}};
    return {value, ex_->input(key, value, Dim{}, ex_->origin_of(pass.key + ".name", stack))};
  }

  Traced<BytesPerToken> bytes(const Pass& pass, const std::string& key) const {
    const std::pair<Width, Traced<double>> all[] = {{Width::hidden, widths_.hidden},
                                                    {Width::whole, widths_.hidden},
                                                    {Width::ffn, widths_.ffn},
                                                    {Width::expert_hidden, widths_.expert_hidden},
                                                    {Width::experts, widths_.experts}};
    BytesPerToken sum{0};
    std::vector<Term> terms;
    for (const auto& [width, w] : all) {
      const auto i = static_cast<std::size_t>(width);
      const double n = pass.read.activation_elements[i] + pass.write.activation_elements[i],
                   x = pass.read.fixed_bytes[i] + pass.write.fixed_bytes[i];
      if (n == 0 && x == 0) continue;
      const BytesPerToken one{w.value * (n * activation_.value.value() + x)};
      sum = sum + one;
      if (!ex_) continue;
      const std::string of = key + '.' + std::string(enum_name(width));
      terms.emplace_back(enum_name(width), note(ex_, width_bytes, one,
                                                {{"w", w},
                                                 {"n", number(pass, of + ".elements", n)},
                                                 {"a", activation_},
                                                 {"x", number(pass, of + ".fixed", x)}}));
    }
    if (!ex_) return {sum, 0};
    if (terms.empty()) return constant(ex_, "nothing moved", sum, "definition");
    return {sum, ex_->note(token_bytes, sum.value(), BytesPerToken::dim, terms)};
  }

 private:
  const Scenario& s_;
  const ExpertWidths& widths_;
  Traced<BytesPerElement> activation_;
  Explain* ex_;
};

}  // namespace

std::vector<PassCost> expert_passes(const Scenario& s, Slot slot, const ExpertWidths& widths,
                                    Traced<double> tokens, Traced<BytesPerElement> activation,
                                    const Rates& rates, Explain* ex) {
  std::vector<PassCost> out;
  const auto found = s.software.slots.find(std::string(enum_name(slot)));
  if (found == s.software.slots.end()) return out;
  Architecture gated;
  gated.activation = Activation::swiglu;
  const LayerKind experts{.feed_forward = FeedForward::experts};
  const PassCounter counter(s, widths, activation, ex);
  std::size_t place = 0;
  for (const Pass& written : found->second) {
    const std::string key = "software.slots." + found->first + '.' + std::to_string(place++);
    if (!holds(written.when, gated, experts, s.precision)) continue;
    Pass pass = written;
    pass.key = key;
    const auto b = counter.bytes(pass, key);
    const auto bytes = note(ex, pass_bytes, Bytes{tokens.value * b.value.value()}, {{"t", tokens}, {"b", b}});
    const Traced<double> efficiency = pass.efficiency == 1
                                          ? Traced<double>{1.0, 0}
                                          : counter.number(pass, key + ".efficiency", pass.efficiency);
    out.push_back(
        {written.name, pass.kernels,
         pass_cost(counter.number(pass, key + ".kernels", pass.kernels), bytes, rates, ex, efficiency)});
  }
  return out;
}

}  // namespace ridge
