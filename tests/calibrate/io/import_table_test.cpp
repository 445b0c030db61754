#include "calibrate/io/import_table.h"

#include "base/yaml/read_document.h"
#include "hardware/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ridge {
namespace {

ImportedTable import(std::string text) {
  Diagnostics d;
  auto table = import_table(std::make_shared<const Source>(Source{"t.csv", std::move(text)}), d);
  EXPECT_TRUE(d.empty()) << render(d);
  return table;
}

const std::string kernel_header =
    "kind,op,gpu,num_gpus,dtype,m,n,k,batch,seqlen_q,seqlen_kv,heads,kv_heads,head_dim,causal,size_bytes,"
    "latency_us,library\n";

TEST(ImportTable, KernelRows) {
  const ImportedTable t = import(
      kernel_header +
      "gemm,gemm,H100-SXM-80GB,1,bfloat16,128,4096,1024,,,,,,,,,12.5,TRTLLM 1.0 / torch\n"
      "gemm,gemm,A100-SXM-80GB,1,int4_wo,1,4096,4096,,,,,,,,,7,TRTLLM 1.0 / x\n"
      "attention,decode attention,A100-SXM-80GB,1,bfloat16 / kv fp8,,,,4,1,1000,64,8,128,yes,,30,VLLM 0.14 / "
      "fa\n"
      "attention,prefill attention,A100-SXM-80GB,1,bfloat16 / kv bfloat16,,,,2,512,512,64,8,128,yes,,90,VLLM "
      "0.14 / fa\n"
      "collective,alltoall,A100-SXM-80GB,4,fp16,,,,,,,,,,,65536,20,NCCL 2.27 (nccl-tests out-of-place)\n"
      "gemm,moe_layer,A100-SXM-80GB,1,bfloat16,1,1,1,,,,,,,,,9,x\n");
  ASSERT_EQ(t.points.size(), 5u);
  EXPECT_EQ(t.points[0].device, "H100-SXM-80GB");
  EXPECT_DOUBLE_EQ(t.points[0].time.value(), 12.5e-6);
  EXPECT_EQ(t.points[0].size("n"), 4096);
  EXPECT_EQ(t.points[1].variant, "int4-weights");
  EXPECT_EQ(t.points[1].size("weight_bytes"), 0.5);
  EXPECT_EQ(t.points[2].family, "attention_decode");
  EXPECT_EQ(t.points[2].variant, "bf16-cache-fp8-d128, VLLM 0.14");
  EXPECT_EQ(t.points[2].size("cache_bytes"), 1);
  EXPECT_EQ(t.points[3].family, "attention_prefill");
  EXPECT_EQ(t.points[3].size("causal"), 1);
  EXPECT_EQ(t.points[4].family, "all_to_all");
  EXPECT_EQ(t.points[4].variant, "4 devices, fp16");
  EXPECT_THAT(t.left_out, testing::ElementsAre(testing::Pair("gemm moe_layer of A100-SXM-80GB", 1)));
}

TEST(ImportTable, OperatorRows) {
  const ImportedTable t = import(
      "hardware,devices,operator.kind,operator.direction,operator.bytes,operator.rows,operator.hidden,"
      "operator.dtype,operator.collective,operator.launch,measured.seconds\n"
      "hgx-h200,1,copy,device_to_device,4096,,,,,,1e-6\n"
      "hgx-h200,1,copy,host_to_device,4096,,,,,,4e-6\n"
      "hgx-h200,1,rmsnorm,,,128,2048,bf16,,,2e-6\n"
      "hgx-h200,4,collective,,65536,,,,all_reduce,graph,1.5e-5\n");
  ASSERT_EQ(t.points.size(), 4u);
  EXPECT_EQ(t.points[0].family, "pointwise");
  EXPECT_EQ(t.points[0].size("bytes"), 8192);  // read once, written once
  EXPECT_EQ(t.points[1].family, "copy_host_to_device");
  EXPECT_EQ(t.points[2].size("bytes"), 2.0 * 2 * 128 * 2048);
  EXPECT_EQ(t.points[3].variant, "4 devices, bf16, graph");
}

TEST(ImportTable, OperatorsOfLibrariesAndStreams) {
  const ImportedTable t = import(
      "hardware,devices,operator.kind,operator.bytes,operator.dtype,operator.implementation,operator.phase,"
      "operator.batch,operator.heads,operator.head_dim,operator.sequence,operator.collective,operator.launch,"
      "operator.optimizer,operator.parameters,measured.seconds\n"
      "hgx-h200,1,attention,,bf16,cudnn,backward,2,32,128,4096,,,,,1e-3\n"
      "hgx-h200,4,collective,1024,,,,,,,,all_reduce,stream,,,1e-5\n"
      "hgx-h200,1,optimizer,,fp32,,,,,,,,,adamw,1000,1e-5\n");
  ASSERT_EQ(t.points.size(), 3u);
  EXPECT_EQ(t.points[0].family, "attention_backward");
  EXPECT_EQ(t.points[0].variant, "bf16-d128-cudnn");
  EXPECT_EQ(t.points[1].variant, "4 devices, bf16, eager");
  EXPECT_EQ(t.points[2].family, "pointwise");
  EXPECT_EQ(t.points[2].size("bytes"), 28000);
}

TEST(DevicePresetName, OfNamesInTables) {
  EXPECT_EQ(device_preset_name("H200-SXM-141GB"), "h200-sxm-141gb");
  EXPECT_EQ(device_preset_name("L40S-48GB"), "l40s");
  EXPECT_EQ(device_preset_name("NVIDIA H200"), "h200-sxm-141gb");
}

TEST(PeakPrecision, IsWhatTheProductRunsAt) {
  EXPECT_EQ(peak_precision("bf16"), "bf16");
  EXPECT_EQ(peak_precision("fp8-block"), "fp8");
  EXPECT_EQ(peak_precision("int4-weights"), "bf16");
  EXPECT_EQ(peak_precision("nvfp4"), "fp4");
  EXPECT_EQ(peak_precision("bf16-d128, VLLM 0.14"), "bf16");
}

}  // namespace
}  // namespace ridge
