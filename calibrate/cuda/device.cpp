#include "calibrate/cuda/device.h"

#include <dlfcn.h>

namespace ridge::cuda {

SharedLibrary::SharedLibrary(std::initializer_list<const char*> names) {
  std::string tried;
  for (const char* name : names) {
    handle_ = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (handle_) return;
    tried += (tried.empty() ? "" : ", ") + std::string(name);
  }
  throw ProbeError("none of these libraries was found: " + tried);
}

SharedLibrary::~SharedLibrary() {
  // Some libraries cannot be unloaded while the device is in use: they stay until the program ends.
}

void* SharedLibrary::symbol(const char* name) const {
  void* found = dlsym(handle_, name);
  if (!found) throw ProbeError(std::string("the library has no ") + name);
  return found;
}

}  // namespace ridge::cuda
