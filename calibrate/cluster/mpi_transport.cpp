#include "calibrate/cluster/transport.h"
#include "calibrate/measure/shared_library.h"
#include "calibrate/mpi/ridge_mpi.h"

#include <dlfcn.h>
#include <filesystem>

namespace ridge {
namespace {

constexpr const char* module_name = "ridge_calibrate_mpi.so";

/// Beside the program, or where an installation puts modules.
std::string module_path() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto folder = program.parent_path();
  for (const auto& p : {folder / module_name, folder / ".." / "lib" / "ridge" / module_name})
    if (std::filesystem::exists(p, error)) return p.string();
  return {};
}

class MpiTransport : public Transport {
 public:
  explicit MpiTransport(const RidgeMpi& mpi) : mpi_(mpi) {}
  ~MpiTransport() override { mpi_.finish(); }

  std::string library() const override { return mpi_.library(); }

  void exchange(int to, const void* out, std::size_t out_bytes, int from, void* in,
                std::size_t in_bytes) override {
    if (mpi_.exchange(to, out, out_bytes, from, in, in_bytes) != 0)
      throw ChannelError("MPI could not exchange a message");
  }
  bool has_collectives() const override { return true; }
  void join(const Group& g) override {
    void* joined = mpi_.join(g.ranks.data(), g.size());
    if (!joined) throw ChannelError("MPI made no communicator");
    groups_[g.ranks] = joined;
  }
  void leave(const Group& g) override {
    if (const auto it = groups_.find(g.ranks); it != groups_.end()) {
      mpi_.leave(it->second);
      groups_.erase(it);
    }
  }
  void collective(const Group& g, Collective op, const float* in, float* out, std::size_t n) override {
    const auto it = groups_.find(g.ranks);
    if (it == groups_.end() || mpi_.collective(it->second, static_cast<int>(op), in, out, n) != 0)
      throw ChannelError(std::string("MPI failed in ") + name_of(op));
  }

 private:
  const RidgeMpi& mpi_;
  std::map<std::vector<int>, void*> groups_;
};

}  // namespace

std::unique_ptr<Transport> mpi_transport(int rank, int ranks, std::string& why_not) {
  const std::string path = module_path();
  if (path.empty()) {
    why_not = "this program was built without MPI";
    return nullptr;
  }
  // Open MPI's own plugins look for its symbols among the global ones.
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
  auto* table = handle ? reinterpret_cast<decltype(&ridge_mpi)>(dlsym(handle, "ridge_mpi")) : nullptr;
  if (!table || table()->version != 1) {
    const char* error = dlerror();
    why_not = error ? error : "its MPI module is of another version";
    return nullptr;
  }
  int my_rank = -1, all = 0;
  if (table()->start(&my_rank, &all) != 0 || my_rank != rank || all != ranks) {
    why_not = "MPI counts other ranks than the launcher said";
    return nullptr;
  }
  return std::make_unique<MpiTransport>(*table());
}

}  // namespace ridge
