#pragma once
/// The functions of NCCL, opened when needed.

#include "calibrate/cuda/device.h"

#include <functional>
#include <nccl.h>

namespace ridge::cuda {

struct Nccl {
  SharedLibrary file{"libnccl.so.2", "libnccl.so"};
  decltype(&ncclGetVersion) version;
  decltype(&ncclGetUniqueId) unique_id;
  decltype(&ncclCommInitRank) init;
  decltype(&ncclCommDestroy) destroy;
  decltype(&ncclCommAbort) abort;
  decltype(&ncclAllReduce) all_reduce;
  decltype(&ncclAllGather) all_gather;
  decltype(&ncclReduceScatter) reduce_scatter;
  decltype(&ncclBroadcast) broadcast;
  decltype(&ncclSend) send;
  decltype(&ncclRecv) receive;
  decltype(&ncclGroupStart) group_start;
  decltype(&ncclGroupEnd) group_end;
  decltype(&ncclGetErrorString) error;

  Nccl() {
    file.get(version, "ncclGetVersion");
    file.get(unique_id, "ncclGetUniqueId");
    file.get(init, "ncclCommInitRank");
    file.get(destroy, "ncclCommDestroy");
    file.get(abort, "ncclCommAbort");
    file.get(all_reduce, "ncclAllReduce");
    file.get(all_gather, "ncclAllGather");
    file.get(reduce_scatter, "ncclReduceScatter");
    file.get(broadcast, "ncclBroadcast");
    file.get(send, "ncclSend");
    file.get(receive, "ncclRecv");
    file.get(group_start, "ncclGroupStart");
    file.get(group_end, "ncclGroupEnd");
    file.get(error, "ncclGetErrorString");
  }
  void check(ncclResult_t r, const char* what) const {
    if (r != ncclSuccess) throw ProbeError(std::string(what) + ": " + error(r));
  }
};

/// A communicator of `ranks`, of which this is `me` on `device`.  The library's call does not end when a member never
/// comes, so it runs in a thread of its own, which is left behind when `watch`, asked 20 times a second, throws, or
/// when a minute is over (ProbeError).
ncclComm_t connected(const Nccl&, const ncclUniqueId&, int ranks, int me, int device,
                     const std::function<void()>& watch);

}  // namespace ridge::cuda
