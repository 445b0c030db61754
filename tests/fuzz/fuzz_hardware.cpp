// Any bytes are read as a hardware file without a crash; a cluster without errors answers every question
// with finite numbers, and is written and read back the same.
#include "base/yaml/read_document.h"
#include "hardware/library.h"
#include "hardware/summary.h"
#include "hardware/topology.h"
#include "tests/fuzz/fuzz.h"

#include <cmath>
#include <map>

namespace {

using namespace ridge;

/// What a file may name.
const std::map<std::string, std::string, std::less<>> documents = {
    {"devices/h100",
     "{extends: hopper, name: H100, peaks: {bf16: [989.4 TFLOP/s, datasheet, a]}, hbm: {capacity: 80 GiB, "
     "bandwidth: "
     "[3.35 TB/s, datasheet, a]}, host_link: pcie5, interconnect: {devices: 8, link: nvlink4}, sources: {a: "
     "{citation: "
     "b}}}"},
    {"classes/hopper", "{vendor: NVIDIA, achievable: {gemm: {bf16: {flop_fraction: 0.8, exponent: 4}}}}"},
    {"links/nvlink4", "{kind: nvlink, bandwidth: 450 GB/s, latency: 5 us}"},
    {"links/pcie5", "{kind: pcie, bandwidth: 63 GB/s}"},
    {"hardware/dgx",
     "{device: h100, node: {devices: 8}, tiers: {nvlink: {devices: 8, link: nvlink4}, network: "
     "{ports_per_node: 8, link: pcie5}}}"},
    {"hardware/circle", "{extends: circle}"},
    {"storage/nvme", "{drives: 1, read_bandwidth: 7 GB/s}"},
};

std::optional<Node> find(std::string_view kind, std::string_view name, Diagnostics& d) {
  const auto it = documents.find(std::string(kind) + '/' + std::string(name));
  if (it == documents.end()) return std::nullopt;
  return read_yaml(std::make_shared<const Source>(Source{it->first, it->second}), d);
}

const Library library{find, [](std::string_view) {
                        return std::vector<std::string>{"h100", "nvlink4", "dgx"};
                      }};

void check_answers(const Cluster& c) {
  for (const Ridge& r : ridge_points(c))
    FUZZ_CHECK(std::isfinite(r.intensity.value()) && r.intensity > FlopPerByte{});
  for (std::int64_t ranks : {1, 2, 7, 8, 64, 100'000})
    for (std::int64_t stride : {1, 3, 8, 4096}) {
      const GroupLink g = group_link(c, ranks, stride);
      FUZZ_CHECK(g.nodes >= 1 && g.ranks_per_node >= 1 && g.nodes * g.ranks_per_node >= ranks);
      for (const GroupTier& t : g.tiers())
        FUZZ_CHECK(t.fan >= 2 && std::isfinite(t.bandwidth.value()) && t.bandwidth > BytesPerSecond{});
      tier_between(c, stride);
    }
  for (const auto& [p, name] : EnumNames<Precision>::names)
    if (const auto e = matrix_execution(c.device, p)) FUZZ_CHECK(e->peak > FlopPerSecond{});
}

Cluster read_checked(const Node& document, const Node& overrides, Diagnostics& d, Origins* origins) {
  ReadContext c{.diagnostics = d, .origins = origins, .path = "hardware"};
  Cluster cluster = read_cluster(document, library, c, overrides);
  fuzz::check(d);
  return cluster;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Diagnostics syntax;
  const Node document = read_yaml(fuzz::source(data, size), syntax);
  if (syntax.has_errors()) return 0;
  Diagnostics over;
  read_checked(*find("hardware", "dgx", over), document, over, nullptr);
  Diagnostics d;
  Origins origins;
  const Cluster cluster = read_checked(document, {}, d, &origins);
  if (d.has_errors()) return 0;
  ++fuzz::accepted;
  check_answers(cluster);
  for (const SummaryRow& row : summarize(cluster, &origins).rows) FUZZ_CHECK(std::isfinite(row.value));
  const std::string written = write_yaml(write_value(cluster));
  Diagnostics again;
  const Node back = read_yaml(std::make_shared<const Source>(Source{"written", written}), again);
  const Cluster second = read_checked(back, {}, again, nullptr);
  FUZZ_CHECK(!again.has_errors());
  FUZZ_CHECK(write_yaml(write_value(second)) == written);
  return 0;
}
