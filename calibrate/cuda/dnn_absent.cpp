// Built where cuDNN's headers are missing: the comparisons say so.

#include "calibrate/cuda/dnn.h"

namespace ridge::cuda {
namespace {

[[noreturn]] void absent() { throw ProbeError("built without cuDNN's headers"); }

}  // namespace

struct DnnLibrary {};
struct Dnn::Plan::Impl {};

Dnn::Dnn(cudaStream_t) { absent(); }
Dnn::~Dnn() = default;
Dnn::Plan::~Plan() = default;
const std::string& Dnn::Plan::kernel() const { absent(); }
void Dnn::Plan::queue(const ForwardData&) const { absent(); }
void Dnn::Plan::queue(const BackwardData&) const { absent(); }
std::unique_ptr<Dnn::Plan> Dnn::prepare_forward(const AttentionLayout&, bool) const { absent(); }
std::unique_ptr<Dnn::Plan> Dnn::prepare_backward(const AttentionLayout&) const { absent(); }
std::string Dnn::version() const { absent(); }

}  // namespace ridge::cuda
