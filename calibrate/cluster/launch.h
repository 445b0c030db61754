#pragma once
/// Who this process is among those that were started together.
///
/// Looked for in this order, first complete answer wins:
///
///   --rank R --ranks N                      flags: ssh, containers, one shell after another
///   OMPI_COMM_WORLD_RANK, _SIZE             mpirun of Open MPI
///   PMI_RANK, PMI_SIZE                      mpiexec of MPICH and its kin, srun --mpi=pmi2
///   PMIX_RANK with SLURM_NTASKS or --ranks  PMIx launchers, which give no size
///   SLURM_PROCID, SLURM_NTASKS              srun
///
/// The local rank follows from the nodes' names once all ranks have met.

#include "base/diagnostic.h"

#include <functional>
#include <optional>
#include <string>

namespace ridge {

struct Launch {
  int rank = 0, ranks = 1;
  std::string source = "alone";  ///< "flags", "OMPI_COMM_WORLD_RANK", ...
  bool is_mpi = false;           ///< a launcher of MPI processes: its library can be used
  bool is_alone() const { return ranks <= 1; }
};

struct LaunchFlags {
  std::optional<int> rank, ranks;
};

/// `variable`: the environment; empty text where there is none.
Launch detect_launch(const LaunchFlags&, const std::function<std::string(const char*)>& variable,
                     Diagnostics&);

}  // namespace ridge
