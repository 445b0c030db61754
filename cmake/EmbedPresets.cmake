# Writes the C++ source behind hardware/io/embedded_presets.h.
#   cmake -D ROOT=presets -D OUTPUT=embedded_presets.cpp -P EmbedPresets.cmake
# Run by the build whenever a preset is added, changed or removed.

file(GLOB_RECURSE paths RELATIVE ${ROOT} ${ROOT}/*.yaml)
list(SORT paths)
list(LENGTH paths count)

# A literal holds at most this many bytes; longer files become several adjacent literals.
set(piece_bytes 16000)

# One raw literal a piece.  Pieces end at a line's end, so no character is cut in two.
function(literals text result)
  set(out "")
  string(LENGTH "${text}" length)
  while(length GREATER piece_bytes)
    string(SUBSTRING "${text}" 0 ${piece_bytes} head)
    string(FIND "${head}" "\n" end REVERSE)
    math(EXPR end "${end} + 1")
    if(end EQUAL 0)
      message(FATAL_ERROR "a preset has a line of more than ${piece_bytes} bytes")
    endif()
    string(SUBSTRING "${text}" 0 ${end} head)
    string(SUBSTRING "${text}" ${end} -1 text)
    string(APPEND out "R\"~yaml~(${head})~yaml~\"\n")
    string(LENGTH "${text}" length)
  endwhile()
  set(${result} "${out}R\"~yaml~(${text})~yaml~\"sv" PARENT_SCOPE)
endfunction()

set(entries "")
foreach(path IN LISTS paths)
  file(READ ${ROOT}/${path} text)
  literals("${text}" text)
  string(APPEND entries "    {\"${path}\"sv, ${text}},\n")
endforeach()

file(WRITE ${OUTPUT} "// Generated from presets/ by cmake/EmbedPresets.cmake.
#include \"hardware/io/embedded_presets.h\"

#include <algorithm>
#include <array>

namespace ridge {
namespace {

using namespace std::string_view_literals;

constexpr std::array<EmbeddedFile, ${count}> files{{
${entries}}};
static_assert(std::ranges::is_sorted(files, {}, &EmbeddedFile::path));

}  // namespace

std::span<const EmbeddedFile> embedded_presets() { return files; }

}  // namespace ridge
")
