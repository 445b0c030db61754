#include "calibrate/measure/storage.h"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <system_error>
#include <thread>

namespace ridge {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t largest = std::size_t{4} << 20, smallest = 4096;

/// The file, and what it holds: a random pattern of 4 MiB again and again, so that a block can be written from
/// memory and compared in memory wherever it lies.
struct Drive {
  DirectFile file;
  AlignedBuffer pattern{largest};

  Drive(const std::string& folder, std::size_t bytes) : file(folder, bytes) {
    std::mt19937_64 random(11);
    for (std::size_t i = 0; i < largest; i += 8) {
      const std::uint64_t x = random();
      std::memcpy(pattern.at(i), &x, 8);
    }
  }
  const char* expected(std::size_t offset) const { return pattern.at(offset % largest); }
  std::size_t blocks(std::size_t bytes) const { return file.bytes() / bytes; }
};

void expect(int error, const char* what) {
  if (error != 0) throw ProbeError(fmt::format("{}: {}", what, std::strerror(error)));
}

/// Fills the file and compares blocks of every size at random places.
void fill_and_check(const Drive& d) {
  for (std::size_t at = 0; at < d.file.bytes(); at += largest)
    expect(d.file.write(d.pattern.at(), std::min(largest, d.file.bytes() - at), at), "writing");
  const AlignedBuffer got(largest);
  std::mt19937_64 random(12);
  for (std::size_t bytes = smallest; bytes <= largest; bytes *= 2)
    for (int i = 0; i < 4; ++i) {
      const std::size_t at = random() % d.blocks(bytes) * bytes;
      std::memset(got.at(), 0, bytes);
      expect(d.file.read(got.at(), bytes, at), "reading");
      if (std::memcmp(got.at(), d.expected(at), bytes) != 0) throw ProbeError("a block came back changed");
    }
}

struct Request {
  bool is_write;
  std::size_t bytes;
  int depth;
};

/// Requests of one sample: enough to last some milliseconds, a multiple of the depth.
int requests_for(const Request& r, double one) {
  constexpr double sample_seconds = 3e-3;
  const int wanted = static_cast<int>(std::clamp(sample_seconds / one, 1.0, 1e5));
  return (wanted + r.depth - 1) / r.depth * r.depth;
}

/// `depth` threads that take requests at random places until a sample is done.
class Crew {
 public:
  Crew(const Drive& d, const Request& r) : drive_(d), request_(r), meeting_(r.depth + 1) {
    for (int t = 0; t < r.depth; ++t) buffers_.push_back(std::make_unique<AlignedBuffer>(r.bytes));
    try {
      for (int t = 0; t < r.depth; ++t) threads_.emplace_back([this, t] { work(t); });
    } catch (const std::system_error& e) {
      for (std::size_t t = threads_.size(); t < buffers_.size(); ++t) meeting_.arrive_and_drop();
      end();
      throw ProbeError(fmt::format("{} threads: {}", r.depth, e.what()));
    }
  }
  ~Crew() { end(); }
  /// Seconds of `count` requests.
  double run(int count) {
    left_ = count;
    const auto start = Clock::now();
    meeting_.arrive_and_wait();
    meeting_.arrive_and_wait();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    expect(error_, request_.is_write ? "writing" : "reading");
    return seconds;
  }

 private:
  void end() {
    is_over_ = true;
    meeting_.arrive_and_wait();
    for (std::thread& t : threads_) t.join();
  }
  // An exception out of here would end the program: everything that may fail was done before.
  void work(int thread) {
    const AlignedBuffer& own = *buffers_[static_cast<std::size_t>(thread)];
    std::mt19937_64 random(static_cast<std::uint64_t>(thread) + 1);
    const std::size_t blocks = drive_.blocks(request_.bytes);
    for (;;) {
      meeting_.arrive_and_wait();
      if (is_over_) return;
      while (left_.fetch_sub(1) > 0) {
        const std::size_t at = random() % blocks * request_.bytes;
        const int e = request_.is_write ? drive_.file.write(drive_.expected(at), request_.bytes, at)
                                        : drive_.file.read(own.at(), request_.bytes, at);
        if (e != 0) error_ = e;
      }
      meeting_.arrive_and_wait();
    }
  }

  const Drive& drive_;
  Request request_;
  std::barrier<> meeting_;
  std::atomic<int> left_ = 0, error_ = 0;
  std::atomic<bool> is_over_ = false;
  std::vector<std::unique_ptr<AlignedBuffer>> buffers_;  // one a thread
  std::vector<std::thread> threads_;
};

Timing time_requests(const Drive& drive, const Request& r, const StopRule& rule) {
  Crew crew(drive, r);
  const double one = crew.run(2 * r.depth) / (2 * r.depth);
  const int count = requests_for(r, one);
  StopRule scaled = rule;
  scaled.budget = rule.budget / static_cast<double>(count);  // of wall time; samples are for one request
  std::vector<double> seconds;
  while (!enough_samples(seconds, scaled)) seconds.push_back(crew.run(count) / count);
  return {summarise_samples(seconds), 0};
}

}  // namespace

void probe_storage(PointRunner& runner, const std::string& folder, std::size_t most_bytes) {
  const bool is_quick = runner.settings().is_quick;
  const auto drive = std::make_shared<const Drive>(folder, most_bytes);
  fill_and_check(*drive);
  // A drive shared with others wanders by tens of percent over seconds: many short visits, not few long ones.
  const StopRule rule{.least = 5, .most = 60, .budget = Seconds{is_quick ? 30e-3 : 12e-3}};
  std::vector<Point> points;
  for (const bool is_write : {false, true})
    for (const int depth : {1, 8, 32})
      for (std::size_t bytes = smallest; bytes <= largest; bytes *= is_quick ? 4 : 2) {
        Measurement m{.family = is_write ? "storage_write" : "storage_read",
                      .variant = fmt::format("random, depth {}", depth),
                      .sizes = {{"bytes", static_cast<double>(bytes)}},
                      .library = "pread, O_DIRECT"};
        if (is_write) m.library = "pwrite, O_DIRECT";
        const Request r{is_write, bytes, depth};
        points.push_back({m, [drive, r, rule] { return time_requests(*drive, r, rule); }, {}, 5});
      }
  runner.run("storage", std::move(points));
}

void probe_storage(PointRunner& runner) {
  const ProbeSettings& s = runner.settings();
  const std::string folder = s.storage.empty() ? "." : s.storage;
  probe_storage(runner, folder, std::size_t{s.is_quick ? 256u : 1024u} << 20);
}

}  // namespace ridge
