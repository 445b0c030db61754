#pragma once
/// Inside of a collective's time: the way NCCL would run it, and the record of why that takes as long as it
/// does.  Internal to collective.h.

#include "sim/collective.h"

namespace ridge::detail {

enum class Protocol { ll, ll128, simple };

/// One way to run a collective: its two terms, and which tier limits it.
struct Choice {
  enum class Algorithm { ring, tree, nvls } algorithm = Algorithm::ring;
  Protocol protocol = Protocol::simple;
  Seconds latency{0}, time{0};
  std::size_t limiting = 0;
  double fraction = 1, factor = 1, volume = 1;
};

/// Steps over tier i: members joined there, less those an outer tier joins.
double ring_steps(CollectiveKind, const GroupLink&, std::size_t i);
double tree_steps(const GroupLink&, std::size_t i);

/// A link's own time of a protocol's step, else `otherwise`.
Seconds pick(const ProtocolTimes&, Protocol, Seconds otherwise);

/// The fraction of a link's bandwidth that a collective reaches, and the key that states it.
struct LinkFraction {
  double value = 1;
  std::string_view key;  ///< below the link: "collective.ring_fraction", "achievable"
};
LinkFraction link_fraction(CollectiveKind, Choice::Algorithm, const Link&);

/// l + v S / B, opened to the steps, the limiting tier and its figures.
Traced<Seconds> recorded(const Collective&, const Choice&, const GroupLink&, Explain*);

}  // namespace ridge::detail
