#include "calibrate/io/profile.h"

#include "base/yaml/read_document.h"
#include "calibrate/io/profile_schema.h"

#include <algorithm>
#include <fmt/format.h>

namespace ridge {
namespace {

/// Of the tree without its digest, so that comments and line breaks do not count and values do.
std::string digest_of(Node tree) {
  std::erase_if(tree.entries, [](const Node::Entry& e) { return e.key == "digest"; });
  return fmt::format("{:016x}", stable_hash(write_yaml(tree)));
}

/// Checks what ranges of single values cannot tell; reports at the node's place.
class ProfileChecker {
 public:
  ProfileChecker(const Node& tree, Diagnostics& d) : tree_(tree), diagnostics_(d) {}

  void check(const Profile& p) {
    for (std::size_t i = 0; i < p.models.kernels.size(); ++i)
      kernel(p.models.kernels[i], fmt::format("kernels.{}", i));
    for (std::size_t i = 0; i < p.models.curves.size(); ++i)
      curve(p.models.curves[i], fmt::format("curves.{}", i));
  }

 private:
  void impossible(std::string message, const std::string& key) {
    const Node* n = tree_.at(key);
    diagnostics_.error("impossible-profile", std::move(message), n ? n->span : tree_.span);
  }

  void kernel(const KernelModel& m, const std::string& key) {
    std::size_t cells = 1;
    for (const TableAxis& a : m.residual.axes) {
      cells *= a.knots.size();
      if (a.knots.empty() || std::ranges::adjacent_find(a.knots, std::greater_equal{}) != a.knots.end())
        impossible(fmt::format("the knots of '{}' do not ascend", a.name), key + ".residual");
    }
    const bool has_table = !m.residual.axes.empty() || !m.residual.values.empty();
    if (has_table && cells != m.residual.values.size())
      impossible(fmt::format("a table of {} cells has {} values", cells, m.residual.values.size()),
                 key + ".residual");
    else if (has_table && m.residual.axes.size() != table_axes(m.family).size())
      impossible(fmt::format("the table of {} has {} axes", m.family, m.residual.axes.size()),
                 key + ".residual");
  }

  void curve(const CurveModel& m, const std::string& key) {
    const TimeCurve& c = m.curve;
    if (c.sizes.empty() || c.sizes.size() != c.times.size())
      return impossible(fmt::format("{} sizes and {} times", c.sizes.size(), c.times.size()), key);
    if (std::ranges::adjacent_find(c.sizes, std::greater_equal{}) != c.sizes.end())
      impossible("the sizes do not ascend", key + ".sizes_in_bytes");
    if (!std::ranges::is_sorted(c.times))
      impossible("a larger size takes less time", key + ".times_in_seconds");
  }

  const Node& tree_;
  Diagnostics& diagnostics_;
};

void put(Node& preset, std::string_view key, Node value, const char* kind) {
  Node figure;
  figure.kind = Node::Kind::sequence;
  figure.items = {std::move(value), Node::scalar(kind), Node::scalar("calibration")};
  set(preset, fmt::format("device.achievable.{}", key), std::move(figure), {});
}

void put_law(Node& preset, const std::string& key, const KernelModel& m, bool has_flops) {
  put(preset, key + ".fixed_time", write_value(m.law.fixed_time), "fitted");
  if (has_flops) put(preset, key + ".flop_fraction", write_value(m.law.flop_fraction), "fitted");
  put(preset, key + ".bandwidth_fraction", write_value(m.law.bandwidth_fraction), "fitted");
  if (has_flops) put(preset, key + ".exponent", write_value(std::clamp(m.law.exponent, 1.0, 16.0)), "fitted");
}

}  // namespace

std::string profile_text(const Profile& profile) {
  Node tree = write_value(record_of(profile));
  std::erase_if(tree.entries, [](const Node::Entry& e) { return e.key == "digest"; });
  // Through text once, so that the digest is of what a reader will see.
  Diagnostics ignored;
  const Node seen = read_yaml(std::make_shared<const Source>(Source{"profile", write_yaml(tree)}), ignored);
  Node digest = Node::scalar(digest_of(seen));
  digest.quoted = true;
  tree.entries.push_back({"digest", {}, std::move(digest)});
  return write_yaml(tree);
}

std::optional<Profile> read_profile(const SourcePtr& source, Diagnostics& diagnostics) {
  Diagnostics own;
  const Node tree = read_yaml(source, own);
  ReadContext context{.diagnostics = own, .path = {}};
  std::optional<Profile> profile;
  if (!own.has_errors()) {
    const ProfileRecord record = read<ProfileRecord>(tree, context);
    profile = profile_of(record);
    if (!own.has_errors() && record.digest != digest_of(tree)) {
      const Node* digest = tree.find("digest");
      own.error("edited-profile", "the profile was changed after it was made: its digest does not fit",
                digest ? digest->span : tree.span)
          .suggestion = "fit the measurements again, or put the change into a hardware file that extends it";
    }
    if (!own.has_errors()) ProfileChecker(tree, own).check(*profile);
  }
  const bool is_good = !own.has_errors();
  diagnostics.append(std::move(own));
  return is_good ? std::move(profile) : std::nullopt;
}

bool check_device(const Profile& p, std::string_view device, Diagnostics& diagnostics) {
  if (p.device == device) return true;
  diagnostics.error("other-device",
                    fmt::format("the profile was measured on '{}', not on '{}'", p.device, device));
  return false;
}

std::string achievable_preset(const Profile& p, const std::string& name, const std::string& citation,
                              const std::string& date) {
  Node preset = Node::map();
  set(preset, "extends", Node::scalar(p.base), {});
  set(preset, "name", Node::scalar(name), {});
  for (const KernelModel& m : p.models.kernels) {
    if (!m.objections.empty()) continue;
    if (m.family == "gemm") put_law(preset, "gemm." + m.variant, m, true);
    if (m.family == "attention_decode" && m.variant == "bf16-d128") {
      put_law(preset, "attention.decode", m, false);
      put(preset, "attention.decode_per_head", write_value(m.law.per_unit), "fitted");
    }
    if (m.family == "pointwise" && m.variant == "add") put_law(preset, "pointwise", m, false);
  }
  for (const MeasuredFigure& f : p.models.figures)
    if (f.family == "launch" && (f.variant == "eager" || f.variant == "graph_node"))
      put(preset, "launch." + f.variant, write_value(f.time), "measured");
  Node source = Node::map();
  Node text = Node::scalar(citation);
  text.quoted = true;
  source.entries.push_back({"citation", {}, std::move(text)});
  source.entries.push_back({"date", {}, Node::scalar(date)});
  set(preset, "sources.calibration", std::move(source), {});
  return write_yaml(preset);
}

}  // namespace ridge
