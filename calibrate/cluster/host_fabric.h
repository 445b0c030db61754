#pragma once
/// The fabric of processors: collectives of fp32 buffers in main memory over a Transport.

#include "calibrate/cluster/transport.h"

namespace ridge {

std::unique_ptr<Fabric> host_fabric(std::unique_ptr<Transport>, int rank);

}  // namespace ridge
