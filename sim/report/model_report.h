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
std::string model_json(const ModelReportInput&);

}  // namespace ridge
