#pragma once
/// NCCL between processes, one device each: the fabric of a cluster's GPUs (calibrate/measure/fabric.h).
///
/// A group's communicator is made from the id that its first member hands to the others over the rendezvous.
/// Times are of the device's events around repetitions behind a small all-reduce that brings all ranks to the
/// same point.  Elements are bf16.  Algorithms: "eager", launched one by one, and "graph", replayed.

#include "calibrate/measure/fabric.h"

namespace ridge::cuda {

/// Null and a reason when there is no NCCL.
std::unique_ptr<Fabric> nccl_fabric(int device, bool is_quick, std::string& why_not);

}  // namespace ridge::cuda
