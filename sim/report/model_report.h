#pragma once
/// What `ridge model` shows: counts, FLOPs, cache and weight bytes of one architecture.

#include "model/storage_format.h"
#include "sim/report/report.h"

#include <string>

namespace ridge {

struct ModelReportInput {
  const Architecture& architecture;
  const StorageFormats& formats;
  bool with_tensors = false;
};

Report model_report(const ModelReportInput&);
/// {"name", "parameters": {"total", "active", "non_embedding"}, "kv_cache": {"bytes_per_token", ...},
///  "weights": {"bf16": {"bytes"}, ...}, "flops": {"forward_per_token", ...}, "layers", "tensors"}
/// kv_cache.bytes_per_token is what a further token adds inside of all windows; bytes_per_sequence_at is
/// counted as plans do: windows cut, recurrent state in.
std::string model_json(const ModelReportInput&);

}  // namespace ridge
