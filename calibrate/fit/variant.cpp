#include "calibrate/fit/variant.h"

#include <algorithm>
#include <charconv>

namespace ridge {
namespace {

struct Type {
  std::string_view name;
  double bytes;
};
// Block-scaled types of the Open Compute Project have a byte for 32 elements, nvfp4 one for 16.
constexpr Type types[] = {{"fp64", 8},
                          {"fp32", 4},
                          {"tf32", 4},
                          {"fp8", 1},
                          {"int8", 1},
                          {"mxfp8", 1 + 1.0 / 32},
                          {"fp6", 0.75},
                          {"mxfp6", 0.75 + 1.0 / 32},
                          {"fp4", 0.5},
                          {"int4", 0.5},
                          {"mxfp4", 0.5 + 1.0 / 32},
                          {"nvfp4", 0.5 + 1.0 / 16}};

double bytes_of(std::string_view text) {
  const std::string_view name = text.substr(0, text.find_first_of("-, "));
  const auto* t = std::ranges::find(types, name, &Type::name);
  return t == std::end(types) ? 2 : t->bytes;
}

}  // namespace

VariantWidths variant_widths(std::string_view variant) {
  constexpr std::string_view cache = "-cache-";
  constexpr double scale_of_group = 2.0 / 128;
  const double width = bytes_of(variant);
  if (variant.ends_with("-weights")) return {2, width < 1 ? width + scale_of_group : width, 2, 2};
  const auto at = variant.find(cache);
  return {width, width, std::max(width, 2.0),
          at == variant.npos ? width : bytes_of(variant.substr(at + cache.size()))};
}

int variant_head_dim(std::string_view variant) {
  for (std::size_t at = variant.find("-d"); at != variant.npos; at = variant.find("-d", at + 1)) {
    int size = 0;
    const char* end = variant.data() + variant.size();
    const auto [behind, problem] = std::from_chars(variant.data() + at + 2, end, size);
    if (problem == std::errc() && size > 0 && (behind == end || *behind == '-' || *behind == ','))
      return size;
  }
  return 0;
}

}  // namespace ridge
