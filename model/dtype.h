#pragma once
/// Number formats of arithmetic and of unpacked storage.  Packed and block-scaled weight formats,
/// whose size depends on groups, scales and on the tensor, are in storage_format.h.

#include "base/quantity.h"
#include "base/schema.h"

namespace ridge {

enum class Dtype { fp32, tf32, bf16, fp16, fp8, int8, fp6, fp4, int4, fp64, int32 };

template <> struct EnumNames<Dtype> {
  static constexpr std::pair<Dtype, std::string_view> names[] = {
      {Dtype::fp32, "fp32"}, {Dtype::tf32, "tf32"}, {Dtype::bf16, "bf16"},  {Dtype::fp16, "fp16"},
      {Dtype::fp8, "fp8"},   {Dtype::int8, "int8"}, {Dtype::fp6, "fp6"},    {Dtype::fp4, "fp4"},
      {Dtype::int4, "int4"}, {Dtype::fp64, "fp64"}, {Dtype::int32, "int32"}};
};

/// Storage of one element.  tf32 is an arithmetic mode: its operands are stored as fp32.
constexpr BytesPerElement bytes_per_element(Dtype d) {
  switch (d) {
    case Dtype::fp64: return BytesPerElement{8};
    case Dtype::fp32:
    case Dtype::tf32:
    case Dtype::int32: return BytesPerElement{4};
    case Dtype::bf16:
    case Dtype::fp16: return BytesPerElement{2};
    case Dtype::fp8:
    case Dtype::int8: return BytesPerElement{1};
    case Dtype::fp6: return BytesPerElement{0.75};
    case Dtype::fp4:
    case Dtype::int4: return BytesPerElement{0.5};
  }
  return BytesPerElement{4};
}

}  // namespace ridge
