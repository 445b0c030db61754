# What can be switched, and the settings every target shares.  Optional parts: RidgeParts.cmake.

option(RIDGE_BUILD_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(RIDGE_BUILD_BENCHMARKS "Build the benchmarks" OFF)
option(RIDGE_INSTALL "Have install rules" ${PROJECT_IS_TOP_LEVEL})
option(RIDGE_WERROR "Treat warnings as errors" OFF)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
  if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Debug, ..." FORCE)
  endif()
  find_program(RIDGE_CCACHE ccache)
  if(RIDGE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${RIDGE_CCACHE})
  endif()
endif()

add_library(ridge_warnings INTERFACE)
target_compile_options(ridge_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wno-missing-field-initializers $<$<BOOL:${RIDGE_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Optimising, GCC 12 and later see overlaps in std::string and uninitialised members in moved variants and,
  # under its sanitizer, in std::regex where there are none: GCC bugs 105651 and 105616, boostorg/variant2#55.
  target_compile_options(ridge_warnings INTERFACE -Wno-restrict -Wno-maybe-uninitialized)
endif()
