#include "base/stable_hash.h"
#include "hardware/profile_record.h"

#include <fmt/format.h>

namespace ridge {
namespace {

std::uint64_t hash_of(const Node& n, std::uint64_t h) {
  constexpr std::string_view marks[] = {"\1", "\2", "\3", "\4"};
  h = fnv1a(marks[static_cast<std::size_t>(n.kind)], h);
  h = fnv1a(n.text, h);
  for (const auto& e : n.entries) h = hash_of(e.value, fnv1a("\6", fnv1a(e.key, h)));
  for (const Node& i : n.items) h = hash_of(i, h);
  return fnv1a("\5", h);
}

Node without_digest(Node profile) {
  std::erase_if(profile.entries, [](const Node::Entry& e) { return e.key == "digest"; });
  return profile;
}

/// Checks what ranges of single values cannot tell; reports at the node's place.
class Checker {
 public:
  Checker(const Node& tree, Diagnostics& d) : tree_(tree), diagnostics_(d) {}

  void check(const ProfileRecord& p) {
    for (std::size_t i = 0; i < p.kernels.size(); ++i) kernel(p.kernels[i], fmt::format("kernels.{}", i));
    for (std::size_t i = 0; i < p.curves.size(); ++i)
      if (const std::string problem = curve_problem(curve_of(p.curves[i])); !problem.empty())
        impossible(problem, fmt::format("curves.{}.sizes_in_bytes", i));
  }

 private:
  void impossible(std::string message, const std::string& key) {
    const Node* n = tree_.at(key);
    diagnostics_.error("impossible-profile", std::move(message), n ? n->span : tree_.span);
  }

  void kernel(const KernelRecord& k, const std::string& key) {
    // A pass has an axis of rows or not.
    const std::size_t most = table_axes(k.family).size(), least = k.family == "pointwise" ? 1 : most,
                      axes = k.residual.axes.size();
    if (!k.residual.values.empty() && (axes < least || axes > most))
      impossible(fmt::format("the table of {} has {} axes, not {}", k.family, axes, most), key + ".residual");
    if (const std::size_t n = k.schedule.values.size(); n != 0 && n != 4)
      impossible(fmt::format("a schedule of {} numbers, not four", n), key + ".schedule");
    const bool has_flops = k.family == "gemm" || k.family.starts_with("attention");
    if (has_flops && !(k.peak > FlopPerSecond{})) impossible("the peak is missing", key);
  }

  const Node& tree_;
  Diagnostics& diagnostics_;
};

void check_version(const ProfileRecord& p, const Node& tree, Diagnostics& diagnostics) {
  if (p.calibration == profile_version) return;
  diagnostics
      .error("profile-version",
             fmt::format("the profile has version {} of the format; this program reads {}", p.calibration,
                         profile_version),
             tree.find("calibration") ? tree.find("calibration")->span : tree.span)
      .suggestion = "fit its measurements again with this version's ridge-calibrate";
}

void check_digest(const ProfileRecord& p, const Node& tree, Diagnostics& diagnostics) {
  const Node* digest = tree.find("digest");
  if (!digest) {
    const Span end = tree.entries.empty() ? tree.span : tree.entries.back().value.span;
    diagnostics.error("cut-profile", "the profile ends without its digest: it was cut short", end)
        .suggestion = "fit the measurements again";
    return;
  }
  if (p.digest == profile_digest(tree)) return;
  diagnostics
      .error("edited-profile", "the profile was changed after it was made: its digest does not fit",
             digest->span)
      .suggestion =
      "fit the measurements again, or put the change into a hardware file that names the profile";
}

}  // namespace

std::string profile_digest(const Node& profile) {
  return fmt::format("{:016x}", hash_of(without_digest(profile), fnv1a("")));
}

std::optional<ProfileRecord> read_profile_record(const Node& tree, Diagnostics& diagnostics) {
  Diagnostics own;
  ReadContext context{.diagnostics = own, .path = {}};
  ProfileRecord record = read<ProfileRecord>(tree, context);
  if (!own.has_errors()) check_version(record, tree, own);
  if (!own.has_errors()) check_digest(record, tree, own);
  if (!own.has_errors()) Checker(tree, own).check(record);
  const bool is_good = !own.has_errors();
  diagnostics.append(std::move(own));
  return is_good ? std::optional(std::move(record)) : std::nullopt;
}

Node profile_node(const ProfileRecord& record) {
  Node tree = without_digest(write_value(record));
  Node digest = Node::scalar(profile_digest(tree));
  digest.quoted = true;
  tree.entries.push_back({"digest", {}, std::move(digest)});
  return tree;
}

TimeCurve curve_of(const CurveRecord& r) {
  TimeCurve c;
  for (const double s : r.sizes_in_bytes.values) c.sizes.emplace_back(s);
  for (const double t : r.times_in_seconds.values) c.times.emplace_back(t);
  return c;
}

std::vector<std::string> table_axes(std::string_view family) {
  if (family == "gemm") return {"m", "n", "k"};
  if (family == "attention_prefill" || family == "attention_backward")
    return {"heads_in_batch", "query_tokens", "keys_per_query", "group"};
  if (family == "attention_decode") return {"kv_heads_in_batch", "key_tokens", "group"};
  if (family == "attention_latent") return {"heads_in_batch", "key_tokens"};
  if (family == "pointwise") return {"bytes", "bytes_of_row"};
  return {"bytes"};
}

}  // namespace ridge
