#include "sim/host.h"

namespace ridge {
namespace {

constexpr Formula host_formula{"time.host", "host time to issue a phase's kernels",
                               "kernels * x + collectives * y",
                               "definition: eager execution issues kernels one by one"};
constexpr Formula issued_formula{"time.issued", "time of a phase, issued by the host", "max(device, host)",
                                 "definition: the device runs as kernels arrive"};

}  // namespace

Traced<Seconds> host_time(const Launch& l, HostPhase phase, Traced<double> kernels,
                          Traced<double> collectives, Explain* ex) {
  const LaunchMode mode = phase == HostPhase::decode ? l.decode_mode.value_or(l.mode) : l.mode;
  if (mode == LaunchMode::graph)
    return constant(ex, "host time of a replayed graph", Seconds{0},
                    "CUDA graphs: kernels are issued by the device");
  const bool is_backward = phase == HostPhase::backward;
  const Seconds per_kernel = is_backward ? l.host_per_backward_kernel : l.host_per_kernel;
  const Seconds value = kernels.value * per_kernel + collectives.value * l.host_per_collective;
  return note(ex, host_formula, value,
              {{"kernels", kernels},
               {"x", input(ex,
                           is_backward ? "software.launch.host_per_backward_kernel"
                                       : "software.launch.host_per_kernel",
                           per_kernel)},
               {"collectives", collectives},
               {"y", input(ex, "software.launch.host_per_collective", l.host_per_collective)}});
}

Traced<Seconds> host_wait(Traced<Seconds> issued, Traced<Seconds> device, Explain* ex) {
  static constexpr Formula wait{"time.host_wait", "time the device waits for the host", "issued - device",
                                "definition"};
  return note(ex, wait, issued.value - device.value, {{"issued", issued}, {"device", device}});
}

Traced<Seconds> issued_time(Traced<Seconds> device, Traced<Seconds> host, Explain* ex) {
  return note(ex, issued_formula, max(device.value, host.value), {{"device", device}, {"host", host}});
}

}  // namespace ridge
