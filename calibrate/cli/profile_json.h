#pragma once
/// A profile as `show --json` and `fit --json` print it.

#include "calibrate/io/profile.h"

#include <nlohmann/json.hpp>

namespace ridge::calibrate {

/// device, base, kind, source, facts, skipped, models[], figures[], counted[], cluster
nlohmann::json profile_json(const Profile&);

}  // namespace ridge::calibrate
