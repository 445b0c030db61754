#pragma once
/// A library found at run time, so that the program starts where it is missing.

#include "calibrate/measure/probe.h"

#include <initializer_list>

namespace ridge {

class SharedLibrary {
 public:
  /// The first of the names that opens; throws ProbeError naming them all.
  explicit SharedLibrary(std::initializer_list<const char*> names);
  // Never unloaded: some libraries cannot be while threads or a device use them.
  template <class F> void get(F*& function, const char* name) const {
    function = reinterpret_cast<F*>(symbol(name));
  }
  /// As get, but null when the library lacks the function.
  template <class F> void find(F*& function, const char* name) const {
    function = reinterpret_cast<F*>(symbol_or_null(name));
  }

 private:
  void* symbol(const char* name) const;
  void* symbol_or_null(const char* name) const;
  void* handle_ = nullptr;
};

}  // namespace ridge
