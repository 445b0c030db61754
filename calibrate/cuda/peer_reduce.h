#pragma once
/// All-reduce of bf16 between devices that see each other's memory, for messages too small for a ring.
///
///   one-shot   every device writes its data to all others and adds up what arrives: one crossing of the
///              link, (n - 1) · S bytes sent.  Each 8-byte word carries 4 bytes of data and the number of the
///              round, stored and polled as one relaxed system-scope word: data that has arrived says so
///              itself, and no barrier is needed.
///   two-shot   every device adds up one n-th of the message, reading all others, and writes the sum to all
///              outputs: 2 · (n - 1)/n · S bytes cross, between two barriers of flags with system-scope
///              release and acquire.
///
/// Rounds  Words of round r go to slot r mod 2.  A device reaches round r + 2 only after it got all data of
///         round r + 1, which others send after they have finished round r: so nothing unread is overwritten.
///         The number of the round lives in device memory, so that a captured graph can be replayed.
/// Sums    in fp32, in the order of ranks on every device: all get the same bits.
/// Source  protocol with flags in the data: NCCL's "LL"; one and two shots: TensorRT-LLM and vLLM, custom
///         all-reduce; memory model: PTX ISA, "Memory Consistency Model".

#include <cstddef>
#include <cstdint>
#include <cuda_runtime_api.h>

namespace ridge::cuda {

inline constexpr int most_peers = 8;

/// What one device knows of all; addresses are valid on it.
struct PeerView {
  int rank = 0, ranks = 1;
  std::uint64_t* staging[most_peers] = {};  ///< of each rank: peer_staging_bytes(ranks)
  std::uint32_t* flags[most_peers] = {};    ///< of each rank: peer_flag_bytes(), zero at first
  const void* in[most_peers] = {};          ///< of each rank; own in[rank]
  void* out[most_peers] = {};
  std::uint32_t* state = nullptr;  ///< own: rounds of each block, then a mark of failure; peer_state_bytes()
};

std::size_t peer_staging_bytes(int ranks);
std::size_t peer_flag_bytes();
std::size_t peer_state_bytes();
/// Where in the state the mark lies: not zero when a peer did not answer for seconds.
std::size_t peer_failure_offset();

/// Largest message of the one-shot way.
inline constexpr std::size_t most_one_shot_bytes = std::size_t{2} << 20;

/// Loads the kernels on the current device: nothing may be loaded while another device waits for this one.
cudaError_t prepare_peer_kernels();

/// in[rank] of every device becomes the sum in its out[rank].  bytes: a multiple of 16.
void launch_peer_one_shot(const PeerView&, std::size_t bytes, cudaStream_t);
/// bytes: a multiple of 16 · ranks.
void launch_peer_two_shot(const PeerView&, std::size_t bytes, cudaStream_t);

}  // namespace ridge::cuda
