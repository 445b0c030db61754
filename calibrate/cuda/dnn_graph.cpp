#include "calibrate/cuda/dnn_graph.h"

#include <algorithm>

namespace ridge::cuda {
namespace {

// Deprecated from 9.12 on, required before.
constexpr auto plan_handle = static_cast<cudnnBackendAttributeName_t>(400);
constexpr auto graph_handle = static_cast<cudnnBackendAttributeName_t>(800);

}  // namespace

DnnLibrary::DnnLibrary(cudaStream_t stream) {
  file.get(create, "cudnnCreate");
  file.get(destroy, "cudnnDestroy");
  file.get(set_stream, "cudnnSetStream");
  file.get(version, "cudnnGetVersion");
  file.get(last_error, "cudnnGetLastErrorString");
  file.get(create_descriptor, "cudnnBackendCreateDescriptor");
  file.get(destroy_descriptor, "cudnnBackendDestroyDescriptor");
  file.get(set, "cudnnBackendSetAttribute");
  file.get(get, "cudnnBackendGetAttribute");
  file.get(finalize, "cudnnBackendFinalize");
  file.get(execute, "cudnnBackendExecute");
  check(create(&handle), "cuDNN");
  check(set_stream(handle, stream), "cuDNN's stream");
}

DnnLibrary::~DnnLibrary() {
  if (handle) destroy(handle);
}

void DnnLibrary::check(cudnnStatus_t s, const char* what) const {
  if (s == CUDNN_STATUS_SUCCESS) return;
  char said[512] = "";
  last_error(said, sizeof said);
  std::string text = said;
  std::ranges::replace(text, '\n', ' ');
  throw ProbeError("cuDNN, " + std::string(what) + ": status " + std::to_string(static_cast<int>(s)) + ", " +
                   text);
}

DnnDescriptor::DnnDescriptor(const DnnLibrary& library, cudnnBackendDescriptorType_t type)
    : library_(&library) {
  library.check(library.create_descriptor(type, &descriptor_), "descriptor");
}

DnnDescriptor::~DnnDescriptor() {
  if (descriptor_) library_->destroy_descriptor(descriptor_);
}

DnnDescriptor& DnnDescriptor::set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                                  std::int64_t count, const void* values) {
  library_->check(library_->set(descriptor_, name, type, count, values),
                  ("attribute " + std::to_string(static_cast<int>(name))).c_str());
  return *this;
}

DnnDescriptor& DnnDescriptor::set(cudnnBackendAttributeName_t name, const DnnDescriptor& other) {
  const cudnnBackendDescriptor_t d = other.get();
  return set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &d);
}

DnnDescriptor& DnnDescriptor::finish(const char* what) {
  library_->check(library_->finalize(descriptor_), what);
  return *this;
}

DnnGraph::Sizes packed_steps(const DnnGraph::Sizes& d) { return {d[1] * d[2] * d[3], d[2] * d[3], d[3], 1}; }

DnnGraph::Tensor DnnGraph::add(const Sizes& dims, const Sizes& steps, cudnnDataType_t type, bool is_virtual,
                               bool is_by_value) {
  const auto number = static_cast<std::int64_t>(tensors_.size()) + 1, alignment = std::int64_t{16};
  DnnDescriptor t(library_, CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  t.set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type)
      .set(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, dims.data())
      .set(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, steps.data())
      .set(CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &number)
      .set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment)
      .set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &is_virtual)
      .set(CUDNN_ATTR_TENSOR_IS_BY_VALUE, CUDNN_TYPE_BOOLEAN, 1, &is_by_value)
      .finish("tensor");
  tensors_.push_back(std::move(t));
  return tensors_.size();
}

DnnGraph::Tensor DnnGraph::tensor(const Sizes& dims, const Sizes& steps, cudnnDataType_t type) {
  return add(dims, steps, type, false, false);
}
DnnGraph::Tensor DnnGraph::inner(const Sizes& dims, cudnnDataType_t type) {
  return add(dims, packed_steps(dims), type, true, false);
}
DnnGraph::Tensor DnnGraph::inner(const Sizes& dims, const Sizes& steps, cudnnDataType_t type) {
  return add(dims, steps, type, true, false);
}
DnnGraph::Tensor DnnGraph::scalar() { return add({1, 1, 1, 1}, {1, 1, 1, 1}, CUDNN_DATA_FLOAT, false, true); }

void DnnGraph::multiply(Tensor a, Tensor b, Tensor c) {
  const cudnnDataType_t computed = CUDNN_DATA_FLOAT;
  DnnDescriptor how(library_, CUDNN_BACKEND_MATMUL_DESCRIPTOR);
  how.set(CUDNN_ATTR_MATMUL_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &computed).finish("product");
  DnnDescriptor o(library_, CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR);
  o.set(CUDNN_ATTR_OPERATION_MATMUL_DESC, how)
      .set(CUDNN_ATTR_OPERATION_MATMUL_ADESC, at(a))
      .set(CUDNN_ATTR_OPERATION_MATMUL_BDESC, at(b))
      .set(CUDNN_ATTR_OPERATION_MATMUL_CDESC, at(c))
      .finish("product");
  operations_.push_back(std::move(o));
}

void DnnGraph::pointwise(cudnnPointwiseMode_t mode, Tensor x, Tensor b, Tensor y, Tensor choice, int axis,
                         cudnnDataType_t computed) {
  DnnDescriptor how(library_, CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
  how.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode)
      .set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &computed);
  const std::int64_t along = axis;
  if (axis >= 0) how.set(CUDNN_ATTR_POINTWISE_AXIS, CUDNN_TYPE_INT64, 1, &along);
  how.finish("pass");
  DnnDescriptor o(library_, CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
  o.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, how)
      .set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, at(x))
      .set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, at(y));
  if (b) o.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, at(b));
  if (choice) o.set(CUDNN_ATTR_OPERATION_POINTWISE_TDESC, at(choice));
  o.finish("pass");
  operations_.push_back(std::move(o));
}

void DnnGraph::reduce(cudnnReduceTensorOp_t op, Tensor x, Tensor y) {
  const cudnnDataType_t computed = CUDNN_DATA_FLOAT;
  DnnDescriptor how(library_, CUDNN_BACKEND_REDUCTION_DESCRIPTOR);
  how.set(CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_TYPE_REDUCTION_OPERATOR_TYPE, 1, &op)
      .set(CUDNN_ATTR_REDUCTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &computed)
      .finish("reduction");
  DnnDescriptor o(library_, CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR);
  o.set(CUDNN_ATTR_OPERATION_REDUCTION_DESC, how)
      .set(CUDNN_ATTR_OPERATION_REDUCTION_XDESC, at(x))
      .set(CUDNN_ATTR_OPERATION_REDUCTION_YDESC, at(y))
      .finish("reduction");
  operations_.push_back(std::move(o));
}

void DnnGraph::reshape(Tensor x, Tensor y) {
  DnnDescriptor o(library_, CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR);
  o.set(CUDNN_ATTR_OPERATION_RESHAPE_XDESC, at(x))
      .set(CUDNN_ATTR_OPERATION_RESHAPE_YDESC, at(y))
      .finish("view");
  operations_.push_back(std::move(o));
}

namespace {

std::int64_t engine_number(const DnnDescriptor& config) {
  const DnnLibrary& l = config.library();
  DnnDescriptor engine(l, CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  cudnnBackendDescriptor_t d = engine.get();
  std::int64_t count = 0, number = -1;
  if (l.get(config.get(), CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &d) ==
      CUDNN_STATUS_SUCCESS)
    l.get(d, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &count, &number);
  return number;
}

/// Engine configurations, best first.
std::vector<DnnDescriptor> configurations(const DnnDescriptor& graph) {
  const DnnLibrary& l = graph.library();
  const cudnnBackendHeurMode_t mode = CUDNN_HEUR_MODE_A;
  DnnDescriptor heuristic(l, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristic.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph)
      .set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode)
      .finish("no kernel for the graph");
  std::int64_t found = 0;
  l.check(l.get(heuristic.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &found,
                nullptr),
          "no kernel for the graph");
  std::vector<DnnDescriptor> out;
  std::vector<cudnnBackendDescriptor_t> raw;
  for (std::int64_t i = 0; i < found; ++i) {
    out.emplace_back(l, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    raw.push_back(out.back().get());
  }
  l.check(l.get(heuristic.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, found, &found,
                raw.data()),
          "kernels for the graph");
  out.erase(out.begin() + found, out.end());  // the first count was of candidates
  return out;
}

}  // namespace

DnnPlan DnnGraph::plan() const {
  std::vector<cudnnBackendDescriptor_t> all;
  for (const DnnDescriptor& o : operations_) all.push_back(o.get());
  DnnDescriptor graph(library_, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  graph
      .set(CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
           static_cast<std::int64_t>(all.size()), all.data())
      .set(graph_handle, CUDNN_TYPE_HANDLE, 1, &library_.handle)
      .finish("graph");
  std::string why = "cuDNN has no kernel for the graph";
  for (const DnnDescriptor& config : configurations(graph)) {
    DnnDescriptor plan(library_, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    try {
      plan.set(plan_handle, CUDNN_TYPE_HANDLE, 1, &library_.handle)
          .set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config)
          .finish("building a kernel");
    } catch (const ProbeError& e) {
      why = e.what();
      continue;
    }
    std::int64_t bytes = 0, count = 0;
    library_.check(library_.get(plan.get(), CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1,
                                &count, &bytes),
                   "workspace");
    Buffer workspace(static_cast<std::size_t>(std::max<std::int64_t>(bytes, 256)));
    return {std::move(plan), std::move(workspace), "cuDNN engine " + std::to_string(engine_number(config))};
  }
  throw ProbeError(why);
}

void DnnPlan::queue(std::initializer_list<std::pair<std::size_t, const void*>> data) const {
  const DnnLibrary& l = plan.library();
  std::vector<std::int64_t> numbers;
  std::vector<void*> pointers;
  for (const auto& [number, pointer] : data) {
    if (number == 0) continue;
    numbers.push_back(static_cast<std::int64_t>(number));
    pointers.push_back(const_cast<void*>(pointer));
  }
  const auto count = static_cast<std::int64_t>(numbers.size());
  void* const scratch = workspace.at();
  DnnDescriptor pack(l, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, count, numbers.data())
      .set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, count, pointers.data())
      .set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &scratch)
      .finish("data");
  l.check(l.execute(l.handle, plan.get(), pack.get()), "running a kernel");
}

}  // namespace ridge::cuda
