#pragma once
/// Hopper's asynchronous matrix instructions: a warpgroup (four warps) multiplies 64 rows of A, from shared
/// memory or registers, with B from shared memory; the sums stay in registers.
///
///   accumulators   d[n / 8 · 4 + c] of thread t: row 16 (t / 32) + t % 32 / 4 + 8 (c / 2),
///                  column n + 2 (t % 4) + c % 2; A from registers has the layout of m16n8k16
///   tiles          rows of 128 bytes (64 bf16), 16-byte chunk c of row r at c ^ (r % 8): what the copy engine
///                  writes with 128-byte swizzling; a tile starts at a multiple of 1024 bytes
/// Source  PTX ISA 8.0, "Asynchronous warpgroup level matrix instructions".

#include <cstdint>

namespace ridge::cuda {

/// Descriptor of a swizzled tile; `group_step`: bytes between groups of 8 rows, `chunk_step`: between blocks of
/// 64 columns (read only when the tile's rows are the summed dimension).
__device__ inline std::uint64_t tile_descriptor(std::uint32_t address, std::uint32_t group_step = 1024,
                                                std::uint32_t chunk_step = 16) {
  const auto field = [](std::uint32_t bytes) { return static_cast<std::uint64_t>((bytes & 0x3FFFF) >> 4); };
  return field(address) | field(chunk_step) << 16 | field(group_step) << 32 | std::uint64_t{1} << 62;
}

__device__ inline void wgmma_begin() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ inline void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int pending> __device__ inline void wgmma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(pending) : "memory");
}
/// Keeps the compiler from moving uses of accumulators over a wait.
template <int n> __device__ inline void wgmma_hold(float (&d)[n]) {
#pragma unroll
  for (int i = 0; i < n; ++i) asm volatile("" : "+f"(d[i])::"memory");
}

#define RIDGE_R0 "%0,%1,%2,%3,%4,%5,%6,%7"
#define RIDGE_R1 RIDGE_R0 ",%8,%9,%10,%11,%12,%13,%14,%15"
#define RIDGE_R2 RIDGE_R1 ",%16,%17,%18,%19,%20,%21,%22,%23"
#define RIDGE_R3 RIDGE_R2 ",%24,%25,%26,%27,%28,%29,%30,%31"
#define RIDGE_R4 RIDGE_R3 ",%32,%33,%34,%35,%36,%37,%38,%39"
#define RIDGE_R5 RIDGE_R4 ",%40,%41,%42,%43,%44,%45,%46,%47"
#define RIDGE_R6 RIDGE_R5 ",%48,%49,%50,%51,%52,%53,%54,%55"
#define RIDGE_R7 RIDGE_R6 ",%56,%57,%58,%59,%60,%61,%62,%63"
#define RIDGE_R9 RIDGE_R7 ",%64,%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79"
#define RIDGE_R11 RIDGE_R9 ",%80,%81,%82,%83,%84,%85,%86,%87,%88,%89,%90,%91,%92,%93,%94,%95"
#define RIDGE_R13 RIDGE_R11 ",%96,%97,%98,%99,%100,%101,%102,%103,%104,%105,%106,%107,%108,%109,%110,%111"
#define RIDGE_R15 RIDGE_R13 ",%112,%113,%114,%115,%116,%117,%118,%119,%120,%121,%122,%123,%124,%125,%126,%127"

#define RIDGE_D(t, o)                                                                               \
  "+" t(d[o]), "+" t(d[o + 1]), "+" t(d[o + 2]), "+" t(d[o + 3]), "+" t(d[o + 4]), "+" t(d[o + 5]), \
      "+" t(d[o + 6]), "+" t(d[o + 7])
#define RIDGE_D3(t) RIDGE_D(t, 0), RIDGE_D(t, 8), RIDGE_D(t, 16), RIDGE_D(t, 24)
#define RIDGE_D4(t) RIDGE_D3(t), RIDGE_D(t, 32)
#define RIDGE_D5(t) RIDGE_D4(t), RIDGE_D(t, 40)
#define RIDGE_D7(t) RIDGE_D5(t), RIDGE_D(t, 48), RIDGE_D(t, 56)
#define RIDGE_D11(t) RIDGE_D7(t), RIDGE_D(t, 64), RIDGE_D(t, 72), RIDGE_D(t, 80), RIDGE_D(t, 88)
#define RIDGE_D15(t) RIDGE_D11(t), RIDGE_D(t, 96), RIDGE_D(t, 104), RIDGE_D(t, 112), RIDGE_D(t, 120)

/// d (+)= A · B, 64 x n x 16; is_transposed: B's tile holds rows of the summed dimension.
template <int n> struct Wgmma;
#define RIDGE_WGMMA(n, last, i0, i1, i2, i3, i4, i5, i6)                                                     \
  template <> struct Wgmma<n> {                                                                              \
    template <bool is_transposed = false>                                                                    \
    static __device__ inline void shared(float (&d)[n / 2], std::uint64_t a, std::uint64_t b,                \
                                         int is_added) {                                                     \
      asm volatile("{.reg .pred p; setp.ne.b32 p, " i2 ", 0; wgmma.mma_async.sync.aligned.m64n" #n           \
                   "k16.f32.bf16.bf16 {" RIDGE_R##last "}, " i0 ", " i1 ", p, 1, 1, 0, " i3 ";}"             \
                   : RIDGE_D##last("f")                                                                      \
                   : "l"(a), "l"(b), "r"(is_added), "n"(is_transposed ? 1 : 0));                             \
    }                                                                                                        \
    template <bool is_transposed = true>                                                                     \
    static __device__ inline void registers(float (&d)[n / 2], const std::uint32_t (&a)[4], std::uint64_t b, \
                                            int is_added) {                                                  \
      asm volatile(                                                                                          \
          "{.reg .pred p; setp.ne.b32 p, " i5 ", 0; wgmma.mma_async.sync.aligned.m64n" #n                    \
          "k16.f32.bf16.bf16 {" RIDGE_R##last "}, {" i0 "," i1 "," i2 "," i3 "}, " i4 ", p, 1, 1, " i6 ";}"  \
          : RIDGE_D##last("f")                                                                               \
          : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(is_added), "n"(is_transposed ? 1 : 0));  \
    }                                                                                                        \
  };
RIDGE_WGMMA(64, 3, "%32", "%33", "%34", "%35", "%36", "%37", "%38")
RIDGE_WGMMA(80, 4, "%40", "%41", "%42", "%43", "%44", "%45", "%46")
RIDGE_WGMMA(96, 5, "%48", "%49", "%50", "%51", "%52", "%53", "%54")
RIDGE_WGMMA(128, 7, "%64", "%65", "%66", "%67", "%68", "%69", "%70")
RIDGE_WGMMA(192, 11, "%96", "%97", "%98", "%99", "%100", "%101", "%102")
RIDGE_WGMMA(256, 15, "%128", "%129", "%130", "%131", "%132", "%133", "%134")
#undef RIDGE_WGMMA

}  // namespace ridge::cuda
