#pragma once
/// How the work is split over devices, and every reason it cannot be.
///
/// A plan gives each device a coordinate in the grid data x pipeline x context x tensor
/// (devices = product).  Expert parallelism re-divides the data x context x tensor plane for the
/// expert weights.  Ranks are laid out tensor fastest, then context, data, pipeline, as Megatron
/// does, so that the chattiest group has the shortest links.

#include "base/schema.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ridge {

enum class ScheduleKind { gpipe, one_f_one_b, interleaved, zb_h1, zb_h2, zbv, dualpipe };
enum class Offload { none, optimizer, optimizer_parameters };

struct ParallelPlan {
  std::int64_t data = 0;  ///< data-parallel replicas; 0: derived from the number of devices
  std::int64_t tensor = 1;
  bool sequence = false;  ///< sequence parallelism of the parts tensor parallelism leaves whole
  std::int64_t pipeline = 1;
  std::int64_t virtual_stages = 1;  ///< model chunks per stage
  ScheduleKind schedule = ScheduleKind::one_f_one_b;
  std::int64_t context = 1;
  std::int64_t expert = 1;
  std::int64_t expert_tensor = 0;  ///< 0: derived (see prepare.h)
  std::int64_t zero = 0;           ///< 0 none, 1 optimizer states, 2 + gradients, 3 + weights
  Offload offload = Offload::none;

  /// Whether the dense weights lie on more than one data- or context-parallel rank.
  bool has_replicas() const { return data > 1 || context > 1; }
};

/// Why a plan cannot run: the value, the constraint it breaks, what would satisfy it.
struct Violation {
  std::string code;     ///< stable: "heads-by-tensor", "out-of-memory"
  std::string problem;  ///< "64 heads cannot be divided over 6 tensor-parallel ranks"
  std::string remedy;   ///< "set parallel.tensor to 1, 2, 4, 8, ..."
};

template <> struct EnumNames<ScheduleKind> {
  static constexpr std::pair<ScheduleKind, std::string_view> names[] = {
      {ScheduleKind::one_f_one_b, "1f1b"},
      {ScheduleKind::gpipe, "gpipe"},
      {ScheduleKind::interleaved, "interleaved-1f1b"},
      {ScheduleKind::zb_h1, "zb-h1"},
      {ScheduleKind::zb_h2, "zb-h2"},
      {ScheduleKind::zbv, "zbv"},
      {ScheduleKind::dualpipe, "dualpipe"}};
};
template <> struct EnumNames<Offload> {
  static constexpr std::pair<Offload, std::string_view> names[] = {
      {Offload::none, "none"},
      {Offload::optimizer, "optimizer"},
      {Offload::optimizer_parameters, "optimizer+parameters"}};
};
template <> struct SchemaOf<ParallelPlan> { static const Schema<ParallelPlan>& get(); };

}  // namespace ridge
