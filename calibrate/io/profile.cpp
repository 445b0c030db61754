#include "calibrate/io/profile.h"

#include "base/yaml/read_document.h"

#include <fmt/format.h>

namespace ridge {

std::string profile_text(const Profile& profile) {
  // Through text once, so that the digest is of what a reader will see.
  Diagnostics ignored;
  Node tree = read_yaml(
      std::make_shared<const Source>(Source{"profile", write_yaml(profile_node(record_of(profile)))}),
      ignored);
  if (Node* digest = tree.find("digest")) *digest = Node::scalar(profile_digest(tree));
  if (Node* digest = tree.find("digest")) digest->quoted = true;
  return write_yaml(tree);
}

std::optional<Profile> read_profile(const SourcePtr& source, Diagnostics& diagnostics) {
  Diagnostics own;
  const Node tree = read_yaml(source, own);
  std::optional<ProfileRecord> record;
  if (!own.has_errors()) record = read_profile_record(tree, own);
  diagnostics.append(std::move(own));
  return record ? std::optional(profile_of(*record)) : std::nullopt;
}

bool check_device(const Profile& p, std::string_view device, Diagnostics& diagnostics) {
  if (p.device == device) return true;
  diagnostics.error("other-device",
                    fmt::format("the profile was measured on '{}', not on '{}'", p.device, device));
  return false;
}

std::string calibrated_preset(const Profile& p, const std::string& name, const std::string& profile) {
  Node preset = Node::map();
  set(preset, "extends", Node::scalar(p.base), {});
  set(preset, "name", Node::scalar(name), {});
  set(preset, "profile", Node::scalar(profile), {});
  return write_yaml(preset);
}

}  // namespace ridge
