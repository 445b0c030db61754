#include "calibrate/cpu/team.h"

namespace ridge::cpu {
namespace {

constexpr int spins = 4000;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// Until the value is no longer `old`.
template <class T> void spin_while(const std::atomic<T>& value, T old) {
  for (int i = 0; value.load(std::memory_order_acquire) == old; ++i) {
    if (i < spins) pause();
    else std::this_thread::yield();
  }
}

}  // namespace

void SpinBarrier::wait() {
  const std::uint32_t round = round_.load(std::memory_order_acquire);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == size_) {
    arrived_.store(0, std::memory_order_relaxed);
    round_.fetch_add(1, std::memory_order_release);
    return;
  }
  spin_while(round_, round);
}

Team::Team(int threads) {
  for (int t = 1; t < threads; ++t) workers_.emplace_back([this, t] { work(t); });
}

Team::~Team() {
  is_over_ = true;
  round_.fetch_add(1);
  round_.notify_all();
}

void Team::run(const std::function<void(int)>& f) {
  f_ = &f;
  left_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  f(0);
  for (int i = 0; left_.load(std::memory_order_acquire) > 0; ++i) {
    if (i < spins) pause();
    else std::this_thread::yield();
  }
}

void Team::work(int thread) {
  std::uint32_t seen = 0;
  for (;;) {
    for (int i = 0; i < spins && round_.load(std::memory_order_acquire) == seen; ++i) pause();
    round_.wait(seen, std::memory_order_acquire);
    if (is_over_) return;
    seen = round_.load(std::memory_order_acquire);
    (*f_)(thread);
    left_.fetch_sub(1, std::memory_order_acq_rel);
  }
}

}  // namespace ridge::cpu
