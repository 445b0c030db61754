#include "base/explain.h"

namespace ridge {

std::string_view name(Origin::Kind k) {
  switch (k) {
    case Origin::Kind::scenario: return "scenario";
    case Origin::Kind::preset: return "preset";
    case Origin::Kind::command_line: return "command line";
    case Origin::Kind::default_value: return "default";
    case Origin::Kind::datasheet: return "datasheet";
    case Origin::Kind::measured: return "measured";
    case Origin::Kind::fitted: return "fitted";
    case Origin::Kind::assumed: return "assumed";
    case Origin::Kind::documented: return "documented";
    case Origin::Kind::definition: return "definition";
  }
  return "?";
}

NodeId Explain::input(std::string_view key, double value, Dim dim, const Origin& fallback) {
  const auto known = inputs_.find(key);
  if (known != inputs_.end()) {
    const Record& r = records_[known->second];
    if (r.value == value && r.dim == dim) return known->second;
  }
  Record r;
  r.key = key;
  r.value = value;
  r.dim = dim;
  r.origin = fallback;
  if (origins_)
    if (auto it = origins_->find(key); it != origins_->end()) r.origin = it->second;
  const auto id = static_cast<NodeId>(records_.size());
  records_.push_back(std::move(r));
  if (known == inputs_.end()) inputs_.emplace(key, id);
  return id;
}

NodeId Explain::note(const Formula& formula, double value, Dim dim, std::span<const Term> terms) {
  Record r;
  r.formula = &formula;
  r.value = value;
  r.dim = dim;
  r.first_edge = static_cast<std::uint32_t>(edges_.size());
  r.edge_count = static_cast<std::uint32_t>(terms.size());
  for (auto& t : terms) edges_.push_back({t.symbol, t.node});
  records_.push_back(std::move(r));
  return static_cast<NodeId>(records_.size() - 1);
}

void Explain::define(std::string_view key, NodeId node) {
  if (node == 0 || node >= records_.size()) return;
  inputs_.insert_or_assign(std::string(key), node);
}

void Explain::label(std::string_view key, NodeId node) {
  if (node == 0 || node >= records_.size()) return;
  labels_.insert_or_assign(std::string(key), node);
  if (records_[node].key.empty()) records_[node].key = key;
}

Origin Explain::origin_of(std::string_view key, Origin fallback) const {
  if (!origins_) return fallback;
  const auto found = origins_->find(key);
  return found == origins_->end() ? fallback : found->second;
}

NodeId Explain::find(std::string_view key) const {
  if (auto it = labels_.find(key); it != labels_.end()) return it->second;
  if (auto it = inputs_.find(key); it != inputs_.end()) return it->second;
  return 0;
}

std::span<const Explain::Edge> Explain::edges(NodeId id) const {
  const Record& r = records_[id];
  return {edges_.data() + r.first_edge, r.edge_count};
}

}  // namespace ridge
