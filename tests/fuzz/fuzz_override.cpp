// Lines of assignments on one tree: each is applied or reported, never both.
#include "base/yaml/read_document.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string all = ridge::fuzz::text(data, size);
  ridge::Node root;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = std::min(all.find('\n', at), all.size());
    ridge::Diagnostics diagnostics;
    const bool applied = ridge::apply_override(root, std::string_view(all).substr(at, end - at), diagnostics);
    ridge::fuzz::check(diagnostics);
    FUZZ_CHECK(applied == diagnostics.empty());
    FUZZ_CHECK(!applied || root.is_map());
    at = end + 1;
  }
  ridge::fuzz::accepted += !root.is_null();
  const std::string written = ridge::write_yaml(root);
  ridge::Diagnostics again;
  ridge::read_yaml(std::make_shared<const ridge::Source>(ridge::Source{"written", written}), again);
  FUZZ_CHECK(!again.has_errors());
  return 0;
}
