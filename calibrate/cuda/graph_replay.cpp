#include "calibrate/cuda/graph_replay.h"

#include "calibrate/cuda/kernels.h"

namespace ridge::cuda {
namespace {

/// Between the beginning and the end of a capture a stream takes no other work: it is ended whatever happens.
class Capture {
 public:
  explicit Capture(cudaStream_t stream) : stream_(stream) {
    check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "capturing a graph");
    is_open_ = true;
  }
  ~Capture() {
    if (is_open_) cudaStreamEndCapture(stream_, &graph_), cudaGetLastError();
    if (graph_) cudaGraphDestroy(graph_);
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  cudaGraph_t end() {
    is_open_ = false;
    check(cudaStreamEndCapture(stream_, &graph_), "capturing a graph");
    return graph_;
  }

 private:
  cudaStream_t stream_;
  cudaGraph_t graph_ = nullptr;
  bool is_open_ = false;
};

}  // namespace

GraphReplay::GraphReplay(const std::function<void(int index)>& work, int repetitions, cudaStream_t stream)
    : stream_(stream) {
  Capture capture(stream);
  for (int i = 0; i < repetitions; ++i) work(i);
  check(cudaGraphInstantiate(&replay_, capture.end(), 0), "instantiating a graph");
  if (const cudaError_t e = cudaGraphUpload(replay_, stream); e != cudaSuccess) {
    cudaGraphExecDestroy(replay_);
    check(e, "uploading a graph");
  }
}
GraphReplay::~GraphReplay() { cudaGraphExecDestroy(replay_); }
void GraphReplay::queue() const { check(cudaGraphLaunch(replay_, stream_), "replaying a graph"); }

HoldFlag::HoldFlag() {
  void* p = nullptr;
  check(cudaHostAlloc(&p, 64, cudaHostAllocMapped | cudaHostAllocPortable), "mapped host memory");
  flag_ = static_cast<volatile int*>(p);
  set(true);
}
HoldFlag::~HoldFlag() { cudaFreeHost(const_cast<int*>(flag_)); }

HeldStream::HeldStream(const HoldFlag& flag, cudaStream_t stream) : flag_(&flag) {
  flag.set(false);
  launch_hold(flag.get(), stream);
}

}  // namespace ridge::cuda
