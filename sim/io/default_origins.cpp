#include "sim/io/default_origins.h"

namespace ridge {

void record_defaults(const std::vector<FieldInfo>& fields, const std::string& path, Origins& origins) {
  for (const FieldInfo& f : fields) {
    const std::string key = path + '.' + f.name;
    if (f.type.starts_with("list of") || f.type.starts_with("map of")) continue;
    if (f.children.empty()) origins.try_emplace(key, Origin{Origin::Kind::default_value, {}, {}, {}});
    else record_defaults(f.children, key, origins);
  }
}

}  // namespace ridge
