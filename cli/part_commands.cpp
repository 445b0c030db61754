#include "cli/session.h"
#include "sim/report/hardware_report.h"
#include "sim/report/model_report.h"

#include <ostream>

namespace ridge {

int model_command(Session& s) {
  const std::optional<Node> part = part_argument(s, "model", s.arguments.positional[0]);
  if (!part) return 2;
  Diagnostics diagnostics;
  Architecture architecture = s.reader.model(*part, nullptr, diagnostics);
  const StorageFormats& formats = s.reader.formats(diagnostics);
  if (report_problems(s, diagnostics)) return 2;
  const ModelReportInput input{architecture, formats, s.arguments.tensors};
  if (s.arguments.format == OutputFormat::json) s.out << model_json(input);
  else print_report(s, model_report(input));
  return 0;
}

int hardware_command(Session& s) {
  const std::optional<Node> part = part_argument(s, "hardware", s.arguments.positional[0]);
  if (!part) return 2;
  Diagnostics diagnostics;
  Origins origins;
  const Cluster cluster = s.reader.cluster(*part, &origins, diagnostics);
  if (report_problems(s, diagnostics)) return 2;
  const HardwareSummary summary = summarize(cluster, &origins);
  if (s.arguments.format == OutputFormat::json) s.out << hardware_json(summary);
  else print_report(s, hardware_report(summary));
  return 0;
}

}  // namespace ridge
