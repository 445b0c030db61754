#pragma once
/// Seeded mutations of texts: what people and disks do to files, and what breaks parsers.

#include <random>
#include <string>
#include <vector>

namespace ridge::fuzz {

/// A few random changes to `input`, with pieces of `other` spliced in; at most `max_size` bytes.  The
/// result depends on the arguments and the state of the generator alone.
std::string mutate(std::string input, const std::string& other, std::size_t max_size,
                   std::mt19937_64& random);

}  // namespace ridge::fuzz
