#include "calibrate/measure/shared_library.h"

#include <dlfcn.h>

namespace ridge {

SharedLibrary::SharedLibrary(std::initializer_list<const char*> names) {
  std::string tried;
  for (const char* name : names) {
    handle_ = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (handle_) return;
    tried += (tried.empty() ? "" : ", ") + std::string(name);
  }
  throw ProbeError("none of these libraries was found: " + tried);
}

void* SharedLibrary::symbol_or_null(const char* name) const { return dlsym(handle_, name); }

void* SharedLibrary::symbol(const char* name) const {
  void* found = symbol_or_null(name);
  if (!found) throw ProbeError(std::string("the library has no ") + name);
  return found;
}

}  // namespace ridge
