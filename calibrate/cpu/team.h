#pragma once
/// A fixed set of threads that run one piece of work together, as a parallel region of any CPU library does.

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace ridge::cpu {

/// All of `size` threads wait for each other; they spin for a moment, then give the core away.
class SpinBarrier {
 public:
  explicit SpinBarrier(int size) : size_(size) {}
  void wait();

 private:
  const int size_;
  std::atomic<int> arrived_{0};
  std::atomic<std::uint32_t> round_{0};
};

class Team {
 public:
  explicit Team(int threads);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int size() const { return static_cast<int>(workers_.size()) + 1; }
  /// f(0) on this thread, f(1) .. f(size - 1) on the others; returns when all have.
  void run(const std::function<void(int thread)>& f);

 private:
  void work(int thread);

  std::vector<std::jthread> workers_;
  const std::function<void(int)>* f_ = nullptr;
  std::atomic<std::uint32_t> round_{0};
  std::atomic<int> left_{0};
  std::atomic<bool> is_over_{false};
};

}  // namespace ridge::cpu
