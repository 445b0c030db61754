#include "calibrate/cuda/trace.h"

#include "calibrate/cuda/cupti.h"

#include <algorithm>
#include <cstdlib>
#include <cxxabi.h>
#include <memory>
#include <mutex>

namespace ridge::cuda {
namespace {

constexpr CUpti_ActivityKind kinds[] = {CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL, CUPTI_ACTIVITY_KIND_MEMCPY,
                                        CUPTI_ACTIVITY_KIND_MEMSET};
constexpr std::size_t buffer_bytes = std::size_t{4} << 20, alignment = 8;

// CUPTI's callbacks carry no argument of ours.
std::mutex record_mutex;
std::vector<TracedKernel> records;

void keep(const CUpti_Activity& a) {
  if (a.kind == CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL || a.kind == CUPTI_ACTIVITY_KIND_KERNEL) {
    const auto& k = reinterpret_cast<const CUpti_ActivityKernel10&>(a);
    records.push_back({readable_kernel(k.name), k.start, k.end});
  } else if (a.kind == CUPTI_ACTIVITY_KIND_MEMCPY) {
    const auto& c = reinterpret_cast<const CUpti_ActivityMemcpy6&>(a);
    records.push_back({"copy", c.start, c.end});
  } else if (a.kind == CUPTI_ACTIVITY_KIND_MEMSET) {
    const auto& s = reinterpret_cast<const CUpti_ActivityMemset4&>(a);
    records.push_back({"set", s.start, s.end});
  }
}

void CUPTIAPI request_buffer(std::uint8_t** buffer, std::size_t* bytes, std::size_t* most_records) {
  *buffer = static_cast<std::uint8_t*>(std::aligned_alloc(alignment, buffer_bytes));
  *bytes = *buffer ? buffer_bytes : 0;
  *most_records = 0;
}

void CUPTIAPI take_buffer(CUcontext, std::uint32_t, std::uint8_t* buffer, std::size_t, std::size_t valid) {
  const std::unique_ptr<std::uint8_t, decltype(&std::free)> owner(buffer, &std::free);
  const std::lock_guard lock(record_mutex);
  CUpti_Activity* a = nullptr;
  while (valid > 0 && cupti().next_record(buffer, valid, &a) == CUPTI_SUCCESS) keep(*a);
}

}  // namespace

std::string readable_kernel(const char* mangled) {
  if (!mangled) return "unnamed";
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> plain(
      abi::__cxa_demangle(mangled, nullptr, nullptr, &status), &std::free);
  std::string name = status == 0 && plain ? plain.get() : mangled;
  for (const char* noise : {"ridge::cuda::", "(anonymous namespace)::", "void "})
    for (std::size_t at; (at = name.find(noise)) != std::string::npos;)
      name.erase(at, std::char_traits<char>::length(noise));
  // Arguments start at the first parenthesis outside of template brackets.
  int depth = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    depth += name[i] == '<' ? 1 : name[i] == '>' ? -1 : 0;
    if (name[i] == '(' && depth == 0) return name.substr(0, i);
  }
  return name;
}

KernelTrace::KernelTrace() {
  const Cupti& c = cupti();
  static const CUptiResult registered = c.register_callbacks(request_buffer, take_buffer);
  c.check(registered, "registering for the trace");
  for (const CUpti_ActivityKind k : kinds) c.check(c.enable_activity(k), "tracing kernels");
}

KernelTrace::~KernelTrace() {
  for (const CUpti_ActivityKind k : kinds) cupti().disable_activity(k);
  cupti().flush(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED);
}

void KernelTrace::begin() {
  cupti().check(cupti().flush(0), "emptying the trace");
  const std::lock_guard lock(record_mutex);
  records.clear();
}

std::vector<TracedKernel> KernelTrace::end() {
  cupti().check(cupti().flush(0), "reading the trace");
  const std::lock_guard lock(record_mutex);
  std::ranges::sort(records, {}, &TracedKernel::start);
  return std::exchange(records, {});
}

}  // namespace ridge::cuda
