#pragma once
/// What ridge-calibrate makes of measurements, as a file and back (hardware/profile_record.h has the format),
/// and a hardware preset that uses it.
///
/// Errors  a cut or edited file, another version, impossible values: refused with line and reason; a profile
///         of another device is refused by check_device().

#include "base/document.h"
#include "calibrate/fit/cluster.h"
#include "calibrate/fit/model.h"
#include "calibrate/fit/observation.h"
#include "hardware/profile_record.h"

#include <map>
#include <optional>
#include <string>

namespace ridge {

struct Profile {
  std::string device, base;
  std::string kind = "measured";  ///< or "imported", from other people's tables
  std::string source;             ///< of imported ones
  std::map<std::string, std::string> facts;
  Models models;
  std::vector<TracedFamily> traces;     ///< event times against the device's own record
  std::vector<CountedKernel> counters;  ///< our FLOPs and bytes against the counted ones
  ClusterFindings cluster;              ///< empty for one device
};

ProfileRecord record_of(const Profile&);
Profile profile_of(const ProfileRecord&);

std::string profile_text(const Profile&);

/// Empty when the text is no usable profile; the diagnostics say why, at the lines.
std::optional<Profile> read_profile(const SourcePtr&, Diagnostics&);

/// True when the profile was made on `device`; else an error is added.
bool check_device(const Profile&, std::string_view device, Diagnostics&);

/// A hardware preset that extends the profile's base and names the profile (a preset's name or a path).
std::string calibrated_preset(const Profile&, const std::string& name, const std::string& profile);

}  // namespace ridge
