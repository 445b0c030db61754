#include "hardware/library.h"

#include "hardware/profile.h"

#include <algorithm>
#include <fmt/format.h>

namespace ridge {
namespace {

constexpr std::size_t max_depth = 16;

/// Keys of a document kind under which another document may be named.
struct Reference {
  std::string_view in, key, kind;
};
constexpr Reference references[] = {
    {"hardware", "device", "devices"},
    {"node", "storage", "storage"},
    {"devices", "host_link", "links"},
    {"tier", "link", "links"},
};

bool extends(const Node& n) { return n.is_map() && n.find("extends"); }

/// Like merge(), but a map that extends something replaces what lies under it.
void overlay(Node& under, const Node& over) {
  if (!under.is_map() || !over.is_map() || extends(over)) {
    under = over;
    return;
  }
  for (const auto& e : over.entries) {
    if (Node* below = under.find(e.key)) overlay(*below, e.value);
    else under.entries.push_back(e);
  }
}

bool describes_device(const Node& n) {
  return n.is_map() && !n.find("device") && !n.find("node") && !n.find("tiers") &&
         (n.find("peaks") || n.find("vector_peaks") || n.find("hbm") || n.find("memory"));
}

class Expander {
 public:
  Expander(const Library& library, Diagnostics& d) : library_(library), diagnostics_(d) {}

  void hardware(Node& n) {
    if (describes_device(n)) wrap(n);
    extend(n, "hardware");
    if (!n.is_map()) return;
    nested(n, "hardware");
    if (Node* node = n.find("node")) nested(*node, "node");
    if (Node* tiers = n.find("tiers"))
      for (auto& e : tiers->entries) nested(e.value, "tier");
    default_tiers(n);
  }

 private:
  void wrap(Node& n) {
    Node device = std::move(n);
    n = Node::map(device.span);
    if (const Node* name = device.find("name")) n.entries.push_back({"name", name->span, *name});
    n.entries.push_back({"device", device.span, std::move(device)});
  }

  void device(Node& n) {
    extend(n, "devices");
    nested(n, "devices");
    if (Node* joined = n.find("interconnect")) nested(*joined, "tier");
  }

  void document(Node& n, std::string_view kind) {
    if (kind == "devices") return device(n);
    if (kind == "hardware") return hardware(n);
    extend(n, kind);
  }

  void nested(Node& n, std::string_view in) {
    for (const auto& r : references)
      if (r.in == in)
        if (Node* value = n.find(r.key)) reference(*value, r.kind);
  }

  void reference(Node& n, std::string_view kind) {
    if (n.is_scalar()) {
      if (auto found = load(kind, n)) n = std::move(*found);
      else n = Node::map(n.span);
    } else if (n.is_map()) {
      document(n, kind);
    }
  }

  void extend(Node& n, std::string_view kind) {
    if (!extends(n)) return;
    const Node base_name = *n.find("extends");
    std::erase_if(n.entries, [](const Node::Entry& e) { return e.key == "extends"; });
    if (!base_name.is_scalar()) {
      diagnostics_.error("bad-extends", "'extends' is the name of one preset", base_name.span);
      return;
    }
    auto base = load(kind, base_name);
    if (!base) return;
    base->span = n.span;
    std::erase_if(base->entries, [](const Node::Entry& e) { return e.key == "aliases"; });
    overlay(*base, n);
    n = std::move(*base);
  }

  /// The named document, expanded; reports what is missing and circles.
  std::optional<Node> load(std::string_view kind, const Node& from) {
    const std::string key = fmt::format("{}/{}", kind, from.text);
    if (std::ranges::find(open_, key) != open_.end() || open_.size() >= max_depth) {
      diagnostics_.error("circular-reference", fmt::format("'{}' refers to itself", from.text), from.span);
      return std::nullopt;
    }
    auto found = library_.find(kind, from.text, diagnostics_);
    if (!found && kind == "devices") found = library_.find("classes", from.text, diagnostics_);
    if (!found) {
      report_missing(kind, from);
      return std::nullopt;
    }
    open_.push_back(key);
    resolve_sources(*found, diagnostics_);
    document(*found, kind);
    open_.pop_back();
    return found;
  }

  void report_missing(std::string_view kind, const Node& from) {
    auto names = library_.names ? library_.names(kind) : std::vector<std::string>{};
    auto& d = diagnostics_.error("unknown-preset",
                                 fmt::format("no preset '{}' among the {}", from.text, kind), from.span);
    d.suggestion = nearest(from.text, names);
    constexpr std::size_t listed = 12;
    if (names.size() <= listed) d.expected = std::move(names);
  }

  /// A cluster without tiers is joined by what its device brings, and accelerator cards by their host.
  void default_tiers(Node& n) {
    const Node* device = n.find("device");
    if (!device || !device->is_map()) return;
    const Node* own = device->find("interconnect");
    const Node* own_size = own ? own->find("devices") : nullptr;
    const bool is_card = !own_size || (own_size->text.size() == 1 && own_size->text < "8");
    const Node* kind = device->find("kind");
    const bool is_alone = kind && (kind->text == "soc" || kind->text == "cpu");
    const std::string size = is_alone ? "1" : is_card ? "8" : own_size->text;
    const Span span = device->span;
    const Node* node = n.find("node");
    const Node* given = node ? node->find("devices") : nullptr;
    const std::string node_size = given ? given->text : size;
    if (!n.find("tiers"))
      n.entries.push_back({"tiers", span, own_tiers(*device, own, is_card && !is_alone, node_size)});
    if (!given) set(n, "node.devices", Node::scalar(size, span), span);
  }

  static Node own_tiers(const Node& device, const Node* own, bool is_card, const std::string& node_size) {
    Node tiers = Node::map(device.span);
    if (own && own->is_map()) tiers.entries.push_back({"interconnect", own->span, *own});
    const Node* bus = device.find("host_link");
    if (!is_card || !bus || !bus->is_map()) return tiers;
    Node pcie = Node::map(bus->span);
    pcie.entries.push_back({"devices", bus->span, Node::scalar(node_size, bus->span)});
    pcie.entries.push_back({"topology", bus->span, Node::scalar("shared_bus", bus->span)});
    pcie.entries.push_back({"link", bus->span, *bus});
    tiers.entries.push_back({"pcie", bus->span, std::move(pcie)});
    return tiers;
  }

  const Library& library_;
  Diagnostics& diagnostics_;
  std::vector<std::string> open_;
};

}  // namespace

Node expand_cluster(Node document, const Library& library, Diagnostics& diagnostics) {
  resolve_sources(document, diagnostics);
  Expander(library, diagnostics).hardware(document);
  return document;
}

Cluster read_expanded_cluster(const Node& expanded, ReadContext& c) { return read<Cluster>(expanded, c); }

namespace {

/// A stated capacity makes the preset's `usable`, which belonged to another capacity, untrue.
void drop_stale_usable(Node& expanded, const Node& over) {
  if (!over.at("device.hbm.capacity") || over.at("device.hbm.usable")) return;
  Node* device = expanded.find("device");
  Node* hbm = device ? device->find("hbm") : nullptr;
  if (!hbm) return;
  std::erase_if(hbm->entries, [](const Node::Entry& e) { return e.key == "usable"; });
}

/// Relative to the file that names it, as every path in a file is.
std::string beside(const Node& path) {
  if (path.text.starts_with('/') || !path.span.source) return path.text;
  const std::string& from = path.span.source->name;
  const auto slash = from.rfind('/');
  return slash == std::string::npos || from.starts_with("--") ? path.text
                                                              : from.substr(0, slash + 1) + path.text;
}

bool is_path(std::string_view text) {
  return text.find('/') != std::string_view::npos || text.ends_with(".yaml");
}

/// `device` is the preset's own, without what-if overrides: those do not make the profile another device's.
void use_profile(const Node& name, const Library& library, const Device& device, Cluster& cluster,
                 const Node& overrides, ReadContext& c) {
  const std::string wanted = is_path(name.text) ? beside(name) : name.text;
  const auto tree = library.find("profiles", wanted, c.diagnostics);
  if (!tree && c.diagnostics.has_errors()) return;  // the file is there, and why it cannot be read was said
  if (!tree) {
    auto& d = c.diagnostics.error("unknown-profile", fmt::format("no profile '{}'", name.text), name.span);
    if (library.names) d.suggestion = nearest(name.text, library.names("profiles"));
    return;
  }
  const auto record = read_profile_record(*tree, c.diagnostics);
  if (!record || !check_profile_device(*record, device, name.span, c.diagnostics)) return;
  apply_profile({name.text, &*record, &*tree}, cluster, overrides, c.origins);
}

Device device_without_overrides(const Node& expanded) {
  Diagnostics heard;  // what is wrong with it was said when it was read with them
  ReadContext context{heard};
  return read_expanded_cluster(expanded, context).device;
}

}  // namespace

Cluster read_cluster(Node document, const Library& library, ReadContext& c, const Node& overrides) {
  Node expanded = expand_cluster(std::move(document), library, c.diagnostics);
  const Node plain = expanded;
  if (overrides.is_map()) {
    Node over = overrides;
    resolve_sources(over, c.diagnostics);
    drop_stale_usable(expanded, over);
    overlay(expanded, over);
    Expander(library, c.diagnostics).hardware(expanded);
  }
  Cluster cluster = read_expanded_cluster(expanded, c);
  check_cluster(cluster, expanded, c.diagnostics);
  const Node* profile = expanded.is_map() ? expanded.find("profile") : nullptr;
  if (profile && profile->is_scalar() && !profile->text.empty() && !c.diagnostics.has_errors())
    use_profile(*profile, library, overrides.is_map() ? device_without_overrides(plain) : cluster.device,
                cluster, overrides.is_map() ? overrides : Node::map(), c);
  return cluster;
}

}  // namespace ridge
