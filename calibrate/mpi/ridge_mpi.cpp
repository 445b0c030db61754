// The module behind ridge_mpi.h.

#include "calibrate/mpi/ridge_mpi.h"

#include <mpi.h>
#include <sched.h>
#include <string>
#include <unistd.h>

namespace {

constexpr int tag = 77;

/// Ranks of this node are as many as its cores or more: who waits by spinning keeps the others from working.
bool is_crowded = false;

void note_crowd() {
  MPI_Comm node;
  int ranks = 1;
  if (MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node) != MPI_SUCCESS)
    return;
  MPI_Comm_size(node, &ranks);
  MPI_Comm_free(&node);
  cpu_set_t cores;
  CPU_ZERO(&cores);
  is_crowded = sched_getaffinity(0, sizeof cores, &cores) == 0 && ranks >= CPU_COUNT(&cores);
}

int wait_for(MPI_Request* requests) {
  constexpr int spins = 200, pause_us = 20;
  for (int i = 0;; ++i) {
    int is_done = 0;
    const int error = MPI_Testall(2, requests, &is_done, MPI_STATUSES_IGNORE);
    if (error != MPI_SUCCESS || is_done) return error;
    if (is_crowded && i > spins) usleep(pause_us);
  }
}

const char* library() {
  static std::string name;
  if (name.empty()) {
    char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int size = 0;
    MPI_Get_library_version(text, &size);
    name.assign(text, static_cast<std::size_t>(size));
    name = name.substr(0, name.find_first_of(",\n"));
  }
  return name.c_str();
}

int start(int* rank, int* ranks) {
  int is_started = 0;
  MPI_Initialized(&is_started);
  if (!is_started && MPI_Init(nullptr, nullptr) != MPI_SUCCESS) return 1;
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_rank(MPI_COMM_WORLD, rank);
  MPI_Comm_size(MPI_COMM_WORLD, ranks);
  note_crowd();
  return 0;
}

void finish() {
  int is_over = 0;
  MPI_Finalized(&is_over);
  if (!is_over) MPI_Finalize();
}

int exchange(int to, const void* out, std::size_t out_bytes, int from, void* in, std::size_t in_bytes) {
  const int target = to < 0 ? MPI_PROC_NULL : to, source = from < 0 ? MPI_PROC_NULL : from;
  MPI_Request requests[2];
  int error = MPI_Irecv(in, static_cast<int>(in_bytes), MPI_BYTE, source, tag, MPI_COMM_WORLD, &requests[0]);
  if (error != MPI_SUCCESS) return error;
  error = MPI_Isend(out, static_cast<int>(out_bytes), MPI_BYTE, target, tag, MPI_COMM_WORLD, &requests[1]);
  return error != MPI_SUCCESS ? error : wait_for(requests);
}

void* join(const int* ranks, int count) {
  MPI_Group world, members;
  MPI_Comm_group(MPI_COMM_WORLD, &world);
  MPI_Group_incl(world, count, ranks, &members);
  auto* comm = new MPI_Comm(MPI_COMM_NULL);
  const int error = MPI_Comm_create_group(MPI_COMM_WORLD, members, tag, comm);
  MPI_Group_free(&members);
  MPI_Group_free(&world);
  if (error == MPI_SUCCESS) return comm;
  delete comm;
  return nullptr;
}

void leave(void* group) {
  auto* comm = static_cast<MPI_Comm*>(group);
  MPI_Comm_free(comm);
  delete comm;
}

int collective(void* group, int operation, const float* in, float* out, std::size_t floats) {
  MPI_Comm comm = *static_cast<MPI_Comm*>(group);
  int rank = 0, ranks = 1;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &ranks);
  const int n = static_cast<int>(floats), share = n / ranks;
  switch (operation) {
    case 0: return MPI_Allreduce(in, out, n, MPI_FLOAT, MPI_SUM, comm);
    case 1: return MPI_Allgather(in, share, MPI_FLOAT, out, share, MPI_FLOAT, comm);
    case 2: return MPI_Reduce_scatter_block(in, out, share, MPI_FLOAT, MPI_SUM, comm);
    case 3: return MPI_Alltoall(in, share, MPI_FLOAT, out, share, MPI_FLOAT, comm);
    case 4: {
      if (rank == 0 && in != out)
        for (int i = 0; i < n; ++i) out[i] = in[i];
      return MPI_Bcast(out, n, MPI_FLOAT, 0, comm);
    }
    default: return 1;
  }
}

constexpr RidgeMpi table{1, library, start, finish, exchange, join, leave, collective};

}  // namespace

extern "C" const RidgeMpi* ridge_mpi() { return &table; }
