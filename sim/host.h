#pragma once
/// Host time of a phase: what it takes to issue its kernels, and what the device waits for.

#include "sim/layer_time.h"

namespace ridge {

enum class HostPhase { forward, backward, decode };

/// kernels * host_per_kernel + collectives * host_per_collective + fixed; 0 when replayed from a graph.
Traced<Seconds> host_time(const Launch&, HostPhase, Traced<double> kernels, Traced<double> collectives,
                          Explain* ex = nullptr);

/// The later of device and host: a host slower than the device leaves it idle.
Traced<Seconds> issued_time(Traced<Seconds> device, Traced<Seconds> host, Explain* ex = nullptr);
/// What the device waits for the host: issued - device.
Traced<Seconds> host_wait(Traced<Seconds> issued, Traced<Seconds> device, Explain* ex = nullptr);

}  // namespace ridge
