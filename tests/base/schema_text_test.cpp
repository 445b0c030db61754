#include "base/schema_text.h"

#include "tests/base/sample_device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ridge {
namespace {

using testing::HasSubstr;
using namespace test;

TEST(SchemaText, DescribesTypesRangesAndDefaults) {
  std::string text;
  for (const FieldInfo& f : schema_info<Device>().fields) {
    text += constraints_text(f) + '\n';
    for (const FieldInfo& child : f.children) text += constraints_text(child) + '\n';
  }
  EXPECT_THAT(text, HasSubstr("text, required"));
  EXPECT_THAT(text, HasSubstr("count, at least 1, at most 1024, default 1"));
  EXPECT_THAT(text, HasSubstr("red | green, default green"));
  EXPECT_THAT(text, HasSubstr("number, at least 0, at most 1, default 0.9"));
  EXPECT_THAT(text, HasSubstr("greater than 0, default 85899345920 B, also 'size'"));
  EXPECT_THAT(text, HasSubstr("list of memory"));
  EXPECT_THAT(text, HasSubstr("list of count"));
}

TEST(SchemaText, ListsDottedKeys) {
  const auto keys = dotted_keys(schema_info<Device>().fields);
  EXPECT_THAT(keys, testing::IsSupersetOf({"name", "memory", "memory.capacity", "levels.bandwidth"}));
}

TEST(SchemaText, ExportsAJsonSchema) {
  const Node n = json_schema(schema_info<Device>());
  EXPECT_EQ(n.at("title")->text, "device");
  EXPECT_EQ(n.at("properties.memory.properties.capacity.type")->text, "string");
  EXPECT_EQ(n.at("properties.cores.maximum")->text, "1024");
  EXPECT_EQ(n.at("properties.colour.enum.1")->text, "green");
  EXPECT_EQ(n.at("properties.levels.items.type")->text, "object");
  EXPECT_EQ(n.at("properties.peaks.additionalProperties.type")->text, "string");
  EXPECT_EQ(n.at("required.0")->text, "name");
  EXPECT_EQ(n.at("additionalProperties")->text, "false");
}

}  // namespace
}  // namespace ridge
