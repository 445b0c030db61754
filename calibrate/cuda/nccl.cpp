#include "calibrate/cuda/nccl.h"

#include <chrono>
#include <future>
#include <memory>
#include <thread>

namespace ridge::cuda {

ncclComm_t connected(const Nccl& nccl, const ncclUniqueId& id, int ranks, int me, int device,
                     const std::function<void()>& watch) {
  struct Attempt {
    std::promise<ncclResult_t> result;
    ncclComm_t comm = nullptr;
  };
  const auto attempt = std::make_shared<Attempt>();
  std::future<ncclResult_t> done = attempt->result.get_future();
  std::thread([attempt, init = nccl.init, id, ranks, me, device] {
    cudaSetDevice(device);
    attempt->result.set_value(init(&attempt->comm, ranks, id, me));
  }).detach();
  constexpr auto patience = std::chrono::seconds(60);
  constexpr auto watch_every = std::chrono::milliseconds(50);
  const auto until = std::chrono::steady_clock::now() + patience;
  while (done.wait_for(watch_every) != std::future_status::ready) {
    if (watch) watch();
    if (std::chrono::steady_clock::now() > until)
      throw ProbeError("a communicator of " + std::to_string(ranks) + " ranks did not come about");
  }
  nccl.check(done.get(), "communicator");
  return attempt->comm;
}

}  // namespace ridge::cuda
