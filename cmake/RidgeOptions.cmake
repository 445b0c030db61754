# What can be switched, and the settings every target shares.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

option(RIDGE_BUILD_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(RIDGE_WERROR "Treat warnings as errors" OFF)

add_library(ridge_warnings INTERFACE)
target_compile_options(ridge_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wno-missing-field-initializers $<$<BOOL:${RIDGE_WERROR}>:-Werror>)
