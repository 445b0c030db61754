#pragma once
/// Origins of the values that no file stated: every field of a schema that was not read has its default,
/// and says so, so that an explanation never ends in a number from nowhere.

#include "base/schema.h"

#include <string>
#include <vector>

namespace ridge {

/// Adds `default_value` for each field below `path` that has no origin yet; lists and maps, whose keys
/// only files know, are left out.
void record_defaults(const std::vector<FieldInfo>& fields, const std::string& path, Origins&);

template <HasSchema T> void record_defaults(const std::string& path, Origins& origins) {
  record_defaults(children_of(static_cast<const T*>(nullptr)), path, origins);
}

}  // namespace ridge
