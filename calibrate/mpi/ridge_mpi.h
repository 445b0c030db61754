#pragma once
/// What ridge-calibrate asks of MPI, as a table of C functions: the program itself starts without MPI, and the
/// module that holds them is built with the MPI of the cluster and opened when a launcher of MPI processes
/// started us.  Zero: done.  Buffers of collectives are floats; sizes count the whole buffer.

#include <cstddef>

extern "C" {

struct RidgeMpi {
  int version;  ///< of this table: 1
  const char* (*library)();
  int (*start)(int* rank, int* ranks);
  void (*finish)();
  /// To and from: ranks, -1 for none.
  int (*exchange)(int to, const void* out, std::size_t out_bytes, int from, void* in, std::size_t in_bytes);
  /// A communicator of these ranks, called by them alone; null when it failed.
  void* (*join)(const int* ranks, int count);
  void (*leave)(void* group);
  /// Operations in the order of ridge::Collective.
  int (*collective)(void* group, int operation, const float* in, float* out, std::size_t floats);
};

/// The only symbol of the module.
const RidgeMpi* ridge_mpi();
}
