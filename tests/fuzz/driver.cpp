// Runs a fuzz target without libFuzzer: first every corpus file, then seeded mutations of them.
//   fuzz_yaml [--iterations N] [--seed S] [--max-size BYTES] [--only I] [FILE or FOLDER ...]
// Iteration I depends on the corpus, S and I alone.  Before a crash or a timeout ends the program, the
// input is kept in the file "crash-I" of the working folder.
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

constexpr unsigned seconds_per_input = 20;

const std::string* current_input = nullptr;
long long current_iteration = -1;

/// Called from signal handlers: only system calls.
void keep_input() {
  if (!current_input) return;
  char name[40] = "crash-";
  *std::to_chars(name + 6, name + sizeof name - 1, current_iteration).ptr = '\0';
  const int file = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0) return;
  const auto written = write(file, current_input->data(), current_input->size());
  (void)written;
  close(file);
  const char* texts[] = {"input kept in ", name, "\n"};
  for (auto* t : texts) (void)!write(2, t, std::strlen(t));
  current_input = nullptr;
}

void on_signal(int number) {
  if (number == SIGALRM) (void)!write(2, "an input takes too long\n", 24);
  keep_input();
  std::signal(number, SIG_DFL);
  std::raise(number == SIGALRM ? SIGABRT : number);
}

struct Options {
  long long iterations = 2000, only = -1;
  std::uint64_t seed = 1;
  std::size_t max_size = 1 << 14;
  std::vector<std::string> paths;
};

Options parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    auto number = [&] {
      long long v = 0;
      const std::string_view text = i + 1 < argc ? argv[++i] : "";
      if (std::from_chars(text.data(), text.data() + text.size(), v).ec != std::errc{}) {
        std::fprintf(stderr, "%s needs a number\n", argv[i]);
        std::exit(2);
      }
      return v;
    };
    if (arg == "--iterations") o.iterations = number();
    else if (arg == "--seed") o.seed = static_cast<std::uint64_t>(number());
    else if (arg == "--only") o.only = number();
    else if (arg == "--max-size") o.max_size = static_cast<std::size_t>(number());
    else o.paths.emplace_back(arg);
  }
  return o;
}

std::vector<std::string> read_corpus(const std::vector<std::string>& paths) {
  namespace fs = std::filesystem;
  std::vector<fs::path> files;
  for (auto& p : paths) {
    if (!fs::is_directory(p)) {
      if (fs::exists(p)) files.emplace_back(p);
      continue;
    }
    for (auto& entry : fs::recursive_directory_iterator(p))
      if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> texts;
  for (auto& f : files) {
    std::ostringstream text;
    text << std::ifstream(f, std::ios::binary).rdbuf();
    texts.push_back(std::move(text).str());
  }
  return texts;
}

double run(const std::string& input, long long iteration) {
  current_input = &input;
  current_iteration = iteration;
  alarm(seconds_per_input);
  const auto start = std::chrono::steady_clock::now();
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  current_input = nullptr;
  return taken.count();
}

std::string mutation(const std::vector<std::string>& corpus, const Options& o, long long i) {
  std::mt19937_64 random(o.seed * 0x9E3779B97F4A7C15u + static_cast<std::uint64_t>(i));
  if (corpus.empty()) return ridge::fuzz::mutate("", "", o.max_size, random);
  const std::string& base = corpus[random() % corpus.size()];
  const std::string& other = corpus[random() % corpus.size()];
  return ridge::fuzz::mutate(base, other, o.max_size, random);
}

}  // namespace

int main(int argc, char** argv) {
  const Options o = parse(argc, argv);
  for (int s : {SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGBUS, SIGALRM}) std::signal(s, on_signal);
  if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(keep_input);
  const auto corpus = read_corpus(o.paths);
  const auto start = std::chrono::steady_clock::now();
  double slowest = 0;
  long long slowest_at = -1;
  auto note = [&](double seconds, long long i) {
    if (seconds > slowest) slowest = seconds, slowest_at = i;
  };
  if (o.only >= 0) note(run(mutation(corpus, o, o.only), o.only), o.only);
  else {
    for (auto& text : corpus) run(text, -1);
    for (long long i = 0; i < o.iterations; ++i) note(run(mutation(corpus, o, i), i), i);
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  std::printf(
      "%zu corpus files, %lld mutations of seed %llu in %.1f s; %lld accepted; slowest %.1f ms (iteration "
      "%lld)\n",
      corpus.size(), o.iterations, static_cast<unsigned long long>(o.seed), taken.count(),
      ridge::fuzz::accepted, slowest * 1e3, slowest_at);
}
