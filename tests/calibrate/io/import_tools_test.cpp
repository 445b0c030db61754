// Output of NVIDIA's tools as measurements.  The samples follow the formats in the header's source.
#include "calibrate/io/import_tools.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ridge {
namespace {

using testing::HasSubstr;

MeasuredRun imported(const std::string& name, const std::string& text, Diagnostics& d) {
  return import_tool_output(std::make_shared<const Source>(Source{name, text}), d);
}

const std::string nccl =
    R"(# nThread 1 nGpus 2 minBytes 8 maxBytes 1048576 step: 2(factor) validation: 1 graph: 1
#
# Using devices
#  Rank  0 Group  0 Pid   6899 on host-a device  0 [0000:04:00] NVIDIA H100 80GB HBM3
#  Rank  1 Group  0 Pid   6899 on host-a device  1 [0000:05:00] NVIDIA H100 80GB HBM3
#                                                   out-of-place                       in-place
#       size         count      type   redop    root     time   algbw   busbw #wrong     time   algbw   busbw #wrong
#        (B)    (elements)                               (us)  (GB/s)  (GB/s)            (us)  (GB/s)  (GB/s)
           8             2     float     sum      -1    15.00    0.00    0.00      0    14.10    0.00    0.00      0
     1048576        262144      half     sum      -1    25.50   41.12   41.12      0    25.10    41.7    41.7    N/A
# Avg bus bandwidth    : 10.0
)";

TEST(ImportNccl, ReadsTheTextTable) {
  Diagnostics d;
  const MeasuredRun run = imported("logs/all_reduce.txt", nccl, d);
  ASSERT_TRUE(d.empty()) << render(d);
  ASSERT_EQ(run.points.size(), 2u);
  EXPECT_EQ(run.points[0].family, "all_reduce");
  EXPECT_EQ(run.points[0].variant, "2 devices, fp32, graph");
  EXPECT_EQ(run.points[1].variant, "2 devices, fp16, graph");
  EXPECT_EQ(run.points[1].size("bytes"), 1048576);
  EXPECT_NEAR(run.points[1].time.value(), 25.5e-6, 1e-12);
  EXPECT_EQ(run.points[1].device, "NVIDIA H100 80GB HBM3");
}

std::string without_ranks(std::string text) {
  for (std::size_t at; (at = text.find("#  Rank")) != text.npos;)
    text.erase(at, text.find('\n', at) + 1 - at);
  return text;
}

// Logs are often cut to the table and its header.
TEST(ImportNccl, TakesTheNumberOfDevicesFromTheHeaderOrAsks) {
  Diagnostics d;
  const MeasuredRun run = imported("all_reduce.txt", without_ranks(nccl), d);
  ASSERT_TRUE(d.empty()) << render(d);
  EXPECT_EQ(run.points.at(0).variant, "2 devices, fp32, graph");
  std::string many = without_ranks(nccl);  // of one process of several
  many.replace(many.find("nGpus 2"), 7, "nGpus 1");
  Diagnostics unknown;
  imported("all_reduce.txt", many, unknown);
  ASSERT_TRUE(unknown.has_errors());
  EXPECT_EQ(unknown.items()[0].code, "unknown-ranks");
  Diagnostics told;
  const auto source = std::make_shared<const Source>(Source{"all_reduce.txt", many});
  EXPECT_EQ(import_tool_output(source, told, 16).points.at(0).variant, "16 devices, fp32, graph");
  EXPECT_TRUE(told.empty()) << render(told);
  // Ranks that are listed are those that were there.
  const auto listed = std::make_shared<const Source>(Source{"all_reduce.txt", nccl});
  EXPECT_EQ(import_tool_output(listed, told, 16).points.at(0).variant, "2 devices, fp32, graph");
}

TEST(ImportNccl, ReadsTheJsonReport) {
  const std::string text = R"({"version": "2.17", "args": ["build/all_gather_perf", "-g", "2"],
    "config": {"graph": 0, "devices": [{"rank": 0, "hostname": "a", "device_info": "NVIDIA A100-SXM4-80GB"},
                                       {"rank": 1, "hostname": "b", "device_info": "NVIDIA A100-SXM4-80GB"}]},
    "results": [{"size": 1024, "count": 256, "type": "bfloat16", "redop": "none", "root": "-1",
                 "out_of_place": {"time": 12.5, "alg_bw": 0.1, "bus_bw": 0.1, "nwrong": 0}},
                {"size": 2048, "type": "bfloat16", "out_of_place": null, "in_place": {"time": 13.0}}]})";
  Diagnostics d;
  ASSERT_TRUE(is_tool_output(text));
  const MeasuredRun run = imported("report.json", text, d);
  ASSERT_TRUE(d.empty()) << render(d);
  ASSERT_EQ(run.points.size(), 2u);
  EXPECT_EQ(run.points[0].family, "all_gather");
  EXPECT_EQ(run.points[0].variant, "2 devices, bf16, 2 nodes, eager");
  EXPECT_NEAR(run.points[1].time.value(), 13e-6, 1e-12);
}

TEST(ImportNccl, AsksForTheCollective) {
  Diagnostics d;
  imported("output.txt", nccl, d);
  ASSERT_TRUE(d.has_errors());
  EXPECT_EQ(d.items()[0].code, "unknown-collective");
}

// 512 MiB at the median of 26.0 and 25.0 GB/s.
TEST(ImportBandwidth, ReadsTheTextMatrices) {
  const std::string text = R"(nvbandwidth Version: v0.4
Device 0: NVIDIA A30 (00000000:18:00)

Running host_to_device_memcpy_ce.
memcpy CE CPU(row) -> GPU(column) bandwidth (GB/s)
           0         1
 0     26.00     25.00

SUM host_to_device_memcpy_ce 51.00

Running device_local_copy.
 0     400.00
)";
  Diagnostics d;
  const MeasuredRun run = imported("bandwidth.txt", text, d);
  ASSERT_TRUE(d.empty()) << render(d);
  ASSERT_EQ(run.points.size(), 1u);
  EXPECT_EQ(run.points[0].family, "copy_host_to_device");
  EXPECT_NEAR(run.points[0].time.value(), 536870912.0 / 25.5e9, 1e-9);
  EXPECT_EQ(run.points[0].device, "NVIDIA A30");
  EXPECT_THAT(run.skipped, testing::Contains(HasSubstr("device_local_copy")));
}

TEST(ImportBandwidth, ReadsTheJsonReport) {
  const std::string text = R"({"nvbandwidth": {"Driver Version": "580.1", "bufferSize": 64, "testcases": [
    {"name": "device_to_device_memcpy_write_ce", "status": "Passed",
     "bandwidth_matrix": [["N/A", "390.0"], ["391.0", "N/A"]]}]}})";
  Diagnostics d;
  const MeasuredRun run = imported("bandwidth.json", text, d);
  ASSERT_TRUE(d.empty()) << render(d);
  ASSERT_EQ(run.points.size(), 1u);
  EXPECT_EQ(run.points[0].family, "peer_copy");
  EXPECT_NEAR(run.points[0].time.value(), 64 * 1048576.0 / 390.5e9, 1e-9);
  EXPECT_EQ(run.facts.at("driver"), "580.1");
}

TEST(ImportTools, RefuseWhatHoldsNothing) {
  for (const char* text :
       {"{\"nvbandwidth\": {\"testcases\": 3}}", "{\"nvbandwidth\"", "nvbandwidth", "{}"}) {
    Diagnostics d;
    imported("x", text, d);
    EXPECT_TRUE(d.has_errors()) << text;
  }
}

}  // namespace
}  // namespace ridge
