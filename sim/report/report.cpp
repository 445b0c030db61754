#include "sim/report/report.h"

namespace ridge {
namespace {

class Keys {
 public:
  void add(const Fact& f) {
    keep(f.key);
    for (const std::string& key : f.more_keys) keep(key);
  }
  void add(const Bar& b) {
    keep(b.key);
    keep(b.share_key);
  }
  void add(const Cell& c) { keep(c.key); }
  std::vector<std::string> take() { return std::move(keys_); }

 private:
  void keep(const std::string& key) {
    if (!key.empty()) keys_.push_back(key);
  }
  std::vector<std::string> keys_;
};

}  // namespace

std::vector<std::string> explainable_keys(const Report& report) {
  Keys keys;
  for (const Section& s : report.sections)
    for (const Block& b : s.blocks) {
      if (const auto* facts = std::get_if<Facts>(&b))
        for (const Fact& f : facts->items) keys.add(f);
      if (const auto* bars = std::get_if<Bars>(&b))
        for (const Bar& bar : bars->items) keys.add(bar);
      if (const auto* table = std::get_if<Table>(&b))
        for (const auto& row : table->rows)
          for (const Cell& cell : row) keys.add(cell);
    }
  return keys.take();
}

}  // namespace ridge
