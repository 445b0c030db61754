// Uses the foundation only, so nothing else of the project is built.
#include "base/quantity_text.h"

int main() {
  const auto bandwidth = ridge::parse_quantity<ridge::BytesPerSecond>("3.35 TB/s");
  if (!bandwidth) return 1;
  const ridge::Seconds time = ridge::Bytes{6.7e12} / *bandwidth;
  return nearly_equal(time, ridge::Seconds{2}) ? 0 : 1;
}
