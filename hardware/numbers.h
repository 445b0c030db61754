#pragma once
/// Many plain numbers as text: "0.01, -0.02" on one line, or a list of such lines.  A table of 800
/// values is then a screenful, not 800 lines.

#include "base/schema.h"

#include <vector>

namespace ridge {

struct Numbers {
  std::vector<double> values;
};
void read_value(const Node&, Numbers&, ReadContext&, Range = {});
Node write_value(const Numbers&);
std::string type_text(const Numbers*);

}  // namespace ridge
