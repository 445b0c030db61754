# Compiles presets/ into the program: RIDGE_EMBEDDED_PRESETS names the source that holds them.

file(GLOB_RECURSE presets CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/presets/*.yaml)
set(embed_script ${PROJECT_SOURCE_DIR}/cmake/EmbedPresets.cmake)
set(RIDGE_EMBEDDED_PRESETS ${PROJECT_BINARY_DIR}/embedded_presets.cpp)
string(MD5 preset_list "${presets}")  # part of the command, so that a removed file too makes it run

add_custom_command(
  OUTPUT ${RIDGE_EMBEDDED_PRESETS}
  DEPENDS ${presets} ${embed_script}
  COMMAND ${CMAKE_COMMAND} -D ROOT=${PROJECT_SOURCE_DIR}/presets -D OUTPUT=${RIDGE_EMBEDDED_PRESETS}
          -D LIST=${preset_list} -P ${embed_script}
  COMMENT "Embedding the presets"
  VERBATIM)
