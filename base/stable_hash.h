#pragma once
/// A hash that is the same on every machine and in every version: for choices that must not depend on
/// order or company, and for noticing edits.  No secret, and no protection against one who wants to forge.
/// Source  FNV-1a, 64 bits: Fowler, Noll, Vo 1991; constants of draft-eastlake-fnv.

#include <cstdint>
#include <string_view>

namespace ridge {

/// Continues from `seed`, so that fnv1a(b, fnv1a(a)) is the hash of a and b joined.
constexpr std::uint64_t fnv1a(std::string_view text, std::uint64_t seed = 0xcbf29ce484222325U) {
  for (const char c : text) {
    seed ^= static_cast<unsigned char>(c);
    seed *= 0x100000001b3U;
  }
  return seed;
}

/// FNV leaves short texts alike in the high bits; this stirs them.
constexpr std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t h = fnv1a(text);
  h ^= h >> 33;
  h *= 0xff51afd7ed558ccdU;
  h ^= h >> 33;
  return h;
}

}  // namespace ridge
