// Every preset reads without a diagnostic, and every number equals the collected table.
#include "tests/hardware/preset.h"

#include <filesystem>
#include <gtest/gtest.h>

namespace ridge {
namespace {

const std::string presets = std::string(RIDGE_SOURCE_DIR) + "/presets";
const std::string conformance = std::string(RIDGE_SOURCE_DIR) + "/tests/conformance/";

std::vector<std::string> names(const std::string& kind) { return preset_library(presets).names(kind); }

TEST(HardwarePresets, SystemsAndDevicesReadWithoutDiagnostics) {
  for (const std::string kind : {"hardware", "devices"}) {
    EXPECT_GT(names(kind).size(), 20u);
    for (const auto& name : names(kind)) {
      const Loaded l = load_preset(kind, name);
      EXPECT_TRUE(l.diagnostics.empty()) << kind << '/' << name << '\n' << render(l.diagnostics);
    }
  }
}

TEST(HardwarePresets, LinksAndStorageReadWithoutDiagnostics) {
  const Library library = preset_library(presets);
  for (const auto& name : library.names("links")) {
    Diagnostics d;
    Node n = *library.find("links", name, d);
    resolve_sources(n, d);
    ReadContext c{.diagnostics = d, .path = "link"};
    const Link link = read<Link>(n, c);
    EXPECT_TRUE(d.empty()) << name << '\n' << render(d);
    EXPECT_TRUE(link.bandwidth.is_known()) << name;
    EXPECT_NE(link.kind, LinkKind::none) << name;
  }
  for (const auto& name : library.names("storage")) {
    Diagnostics d;
    Node n = *library.find("storage", name, d);
    resolve_sources(n, d);
    ReadContext c{.diagnostics = d, .path = "storage"};
    EXPECT_TRUE(read<Storage>(n, c).read_bandwidth.is_known()) << name;
    EXPECT_TRUE(d.empty()) << name << '\n' << render(d);
  }
}

TEST(HardwarePresets, EveryFigureHasASource) {
  for (const std::string kind : {"hardware", "devices"})
    for (const auto& name : names(kind))
      for (const auto& [key, origin] : load_preset(kind, name).origins)
        if (origin.kind == Origin::Kind::datasheet || origin.kind == Origin::Kind::measured ||
            origin.kind == Origin::Kind::fitted || origin.kind == Origin::Kind::assumed) {
          EXPECT_FALSE(origin.citation.empty()) << name << ' ' << key;
          EXPECT_NE(origin.citation, "given by the user") << name << ' ' << key;
          EXPECT_FALSE(origin.where.empty()) << name << ' ' << key;
        }
}

// One die at one power limit: H200 and H800 compute as fast as H100, and H200's faster memory never costs time.
TEST(HardwarePresets, OneDieComputesAlike) {
  Device h100 = load_preset("devices", "h100-sxm-80gb").cluster.device;
  for (const char* name : {"h200-sxm-141gb", "h800-sxm-80gb"}) {
    Device d = load_preset("devices", name).cluster.device;
    EXPECT_EQ(d.power.value, h100.power.value);
    EXPECT_EQ(d.achievable.sustained_fraction.value, h100.achievable.sustained_fraction.value);
    for (Precision p : {Precision::bf16, Precision::fp16, Precision::fp8}) {
      EXPECT_EQ(d.peaks[p].value, h100.peaks[p].value) << name;
      EXPECT_EQ(d.achievable.gemm[p].flop_fraction.value, h100.achievable.gemm[p].flop_fraction.value)
          << name;
      EXPECT_EQ(d.achievable.gemm[p].fixed_time.value, h100.achievable.gemm[p].fixed_time.value) << name;
    }
    EXPECT_EQ(d.achievable.attention.prefill.flop_fraction.value,
              h100.achievable.attention.prefill.flop_fraction.value);
  }
}

TEST(HardwarePresets, NoSourceIsUnused) {
  for (const std::string folder : {"hardware", "devices", "classes", "links", "storage"})
    for (const auto& name : names(folder)) {
      Diagnostics d;
      const auto source = read_source(presets + '/' + preset_path(folder, name), d);
      ASSERT_TRUE(source);
      const Node n = read_yaml(source, d);
      const Node* sources = n.find("sources");
      if (!sources) continue;
      for (const auto& e : sources->entries)
        EXPECT_NE(source->text.find(", " + e.key + "]"), std::string::npos)
            << folder << '/' << name << ": " << e.key;
    }
}

// --- tests/conformance/hardware.csv: the collected figures, each with its source -----------------

std::vector<Node> csv(const std::string& file) {
  Diagnostics d;
  const auto source = read_source(conformance + file, d);
  if (!source) return {};
  auto rows = read_csv(source, d);
  EXPECT_TRUE(d.empty()) << render(d);
  return rows;
}

std::string cell(const Node& row, const std::string& column) {
  const Node* n = row.find(column);
  return n ? n->text : std::string{};
}

class Row {
 public:
  Row(const Node& row, std::string name) : row_(row), name_(std::move(name)) {}

  template <class Q> void same(const std::string& column, const Sourced<Q>& figure, double unit) {
    const std::string text = cell(row_, column);
    if (text.empty()) return;
    ++checked;
    const auto value = parse_number(text);
    ASSERT_TRUE(value) << name_ << ' ' << column << " = " << text;
    EXPECT_DOUBLE_EQ(figure.value.value() / unit, *value) << name_ << ' ' << column;
  }
  void same(const std::string& column, std::int64_t count) {
    if (cell(row_, column).empty()) return;
    ++checked;
    EXPECT_EQ(std::to_string(count), cell(row_, column)) << name_ << ' ' << column;
  }
  template <class T> void peak(const std::string& column, const PerPrecision<T>& table, Precision p) {
    if (cell(row_, column).empty()) return;
    const T* figure = table.find(p);
    ASSERT_TRUE(figure) << name_ << " has no " << enum_name(p);
    same(column, *figure, 1e12);
  }
  int checked = 0;

 private:
  const Node& row_;
  std::string name_;
};

constexpr double GiB = 1024.0 * 1024 * 1024;

/// Where the table's compute columns live: which unit, and the format GeForce's "fp16" really is.
void same_peaks(Row& row, const Device& d, const std::string& name) {
  const bool is_geforce =
      name.starts_with("RTX-3090") || name.starts_with("RTX-4090") || name.starts_with("RTX-5090");
  const auto& bf16 = name == "EPYC-9654" ? d.vector_peaks : d.peaks;
  row.peak("fp64_tflops", d.vector_peaks, Precision::fp64);
  row.peak("fp64_matrix_tflops", d.peaks, Precision::fp64);
  row.peak("fp32_tflops", d.vector_peaks, Precision::fp32);
  row.peak("tf32_tflops", d.peaks, Precision::tf32);
  row.peak("fp16_tflops", d.kind == DeviceKind::soc ? d.vector_peaks : d.peaks,
           is_geforce ? Precision::fp16_acc16 : Precision::fp16);
  row.peak("bf16_tflops", bf16, Precision::bf16);
  row.peak("fp8_tflops", d.peaks, Precision::fp8);
  row.peak("int8_tops", name.starts_with("V100") ? d.vector_peaks : d.peaks, Precision::int8);
  row.peak("fp4_tflops", d.peaks, Precision::fp4);
}

int same_device(const Node& csv_row, const std::string& name, const Device& d) {
  Row row(csv_row, name);
  same_peaks(row, d, name);
  row.same("mem_GB", d.hbm.capacity, GiB);
  row.same("mem_bw_GBps", d.hbm.bandwidth, 1e9);
  row.same("l2_MB", d.l2.capacity, 1024 * 1024);
  row.same("smem_KB_per_sm", d.shared_memory.capacity, 1024);
  row.same("sm_or_cu", d.multiprocessors);
  row.same("boost_MHz", d.boost_clock, 1e6);
  row.same("tdp_W", d.power, 1);
  row.same("price_usd_h", d.price, 1.0 / 3600);
  EXPECT_EQ(d.hbm.type, cell(csv_row, "mem_type")) << name;
  if (name != "Grace-72c" && !cell(csv_row, "link_GBps_per_dir").empty()) {
    EXPECT_TRUE(d.interconnect) << name;
    if (d.interconnect) row.same("link_GBps_per_dir", d.interconnect->link.bandwidth, 1e9);
  }
  if (!name.starts_with("GH200")) row.same("pcie_GBps_per_dir", d.host_link.bandwidth, 1e9);  // C2C instead
  return row.checked;
}

int same_node(const Node& csv_row, const std::string& name, const Cluster& c) {
  Row row(csv_row, name);
  row.same("gpus_per_node", c.node.devices);
  row.same("cpu_mem_GB", c.node.host.memory.capacity, GiB);
  row.same("tdp_W", c.node.power, 1);
  row.same("link_GBps_per_dir", c.tiers.inner_to_outer.at(0).link.bandwidth, 1e9);
  if (!cell(csv_row, "nic_Gbps").empty()) {
    const Tier& network = c.tiers.inner_to_outer.at(1);
    row.same("nics_per_node", network.ports_per_node);
    row.same("nic_Gbps", network.link.bandwidth, 1e9 / 8);
  }
  if (const auto price = parse_number(cell(csv_row, "price_usd_h"))) {
    ++row.checked;
    EXPECT_NEAR(c.price.value.value() * 3600 * double(c.node.devices), *price, 1e-5 * *price) << name;
  }
  return row.checked;
}

TEST(HardwarePresets, EqualTheCollectedTable) {
  std::map<std::string, std::pair<std::string, std::string>> preset;
  for (const auto& row : csv("hardware_presets.csv"))
    preset[cell(row, "name")] = {cell(row, "kind"), cell(row, "preset")};
  int rows = 0, checked = 0;
  for (const auto& row : csv("hardware.csv")) {
    const std::string name = cell(row, "name");
    ASSERT_TRUE(preset.contains(name)) << name;
    const auto& [kind, file] = preset[name];
    ++rows;
    if (kind == "storage") continue;  // sizes in words
    const Loaded l = load_preset(kind, file);
    checked += kind == "devices" ? same_device(row, name, l.cluster.device) : same_node(row, name, l.cluster);
  }
  EXPECT_EQ(rows, 89);
  EXPECT_GT(checked, 800);
}

// --- the names that measurement tables use --------------------------------------------------------

TEST(HardwarePresets, MeasuredSystemsExist) {
  for (const std::string name :
       {"a40", "dgx-a100-40g", "dgx-a100-80g", "dgx-b200", "dgx-b300", "dgx-h100", "gb200-nvl72",
        "gb300-nvl72", "h100-96g-hbm2e-500w", "hgx-h200", "l40s", "m1-max-32", "m2-ultra-76", "m3-max-40",
        "rtx-3060", "rtx-3090", "rtx-4090", "rtx-6000-ada", "rtx-a6000"}) {
    const Loaded l = load_preset("hardware", name);
    EXPECT_TRUE(l.diagnostics.empty()) << name << render(l.diagnostics);
    EXPECT_TRUE(matrix_execution(l.cluster.device, Precision::fp16)) << name;
  }
  EXPECT_EQ(load_preset("devices", "a100-pcie-80gb").cluster.device.aliases.front(), "a100-pcie-80g");
  EXPECT_EQ(load_preset("devices", "h100-pcie-80gb").cluster.device.aliases.front(), "h100-pcie");
}

TEST(HardwarePresets, NoAliasNamesTwoThings) {
  std::map<std::string, std::string> owner;
  for (const std::string kind : {"hardware", "devices"})
    for (const auto& name : names(kind)) {
      const Cluster c = load_preset(kind, name).cluster;
      for (const auto& alias : kind == "hardware" ? c.aliases : c.device.aliases) {
        EXPECT_TRUE(owner.emplace(alias, name).second) << alias << ": " << name << " and " << owner[alias];
        EXPECT_FALSE(std::filesystem::exists(presets + '/' + preset_path(kind, alias))) << alias;
      }
    }
}

}  // namespace
}  // namespace ridge
