#pragma once
/// A small device with every type of member, for the tests of schemas.

#include "base/literals.h"
#include "base/schema.h"

namespace ridge {
namespace test {

enum class Colour { red, green };

struct Memory {
  Bytes capacity = 80_GiB;
  BytesPerSecond bandwidth = 3.35_TBps;
  double efficiency_fraction = 0.9;
};

struct Device {
  std::string name;
  std::int64_t cores = 1;
  bool tied = false;
  Colour colour = Colour::green;
  Memory memory;
  std::optional<Seconds> latency;
  std::optional<std::vector<std::int64_t>> shape;
  std::vector<Memory> levels;
  std::map<std::string, FlopPerSecond> peaks;
};

}  // namespace test

template <> struct EnumNames<test::Colour> {
  static constexpr std::pair<test::Colour, std::string_view> names[] = {{test::Colour::red, "red"},
                                                                        {test::Colour::green, "green"}};
};
template <> struct SchemaOf<test::Memory> {
  static const Schema<test::Memory>& get() {
    static const Schema<test::Memory> s{
        "memory",
        "One memory level",
        {
            field("capacity", &test::Memory::capacity, "size").positive().alias("size"),
            field("bandwidth", &test::Memory::bandwidth, "peak, one direction").positive(),
            field("efficiency_fraction", &test::Memory::efficiency_fraction, "achieved share").fraction(),
        }};
    return s;
  }
};
template <> struct SchemaOf<test::Device> {
  static const Schema<test::Device>& get() {
    static const Schema<test::Device> s{
        "device",
        "A test device",
        {
            field("name", &test::Device::name, "free text").required(),
            field("cores", &test::Device::cores, "processors").range(1, 1024),
            field("tied", &test::Device::tied, "a switch"),
            field("colour", &test::Device::colour, "a choice"),
            field("memory", &test::Device::memory, "main memory"),
            field("latency", &test::Device::latency, "of the link").non_negative(),
            field("shape", &test::Device::shape, "mesh").positive(),
            field("levels", &test::Device::levels, "caches"),
            field("peaks", &test::Device::peaks, "by precision").positive(),
        }};
    return s;
  }
};

}  // namespace ridge
