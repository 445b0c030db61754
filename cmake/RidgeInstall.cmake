# The program, the libraries as a CMake package (find_package(ridge), targets ridge::base ... ridge::report),
# and the presets for reading.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(libraries GLOBAL PROPERTY RIDGE_LIBRARIES)
list(REMOVE_ITEM libraries ridge_cli)
install(TARGETS ${libraries} EXPORT ridgeTargets FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/ridge)
if(TARGET ridge)
  install(TARGETS ridge)
endif()
install(DIRECTORY presets DESTINATION ${CMAKE_INSTALL_DATADIR}/ridge)

set(config_folder ${CMAKE_INSTALL_LIBDIR}/cmake/ridge)
configure_package_config_file(cmake/ridgeConfig.cmake.in ridgeConfig.cmake INSTALL_DESTINATION ${config_folder})
write_basic_package_version_file(ridgeConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(EXPORT ridgeTargets NAMESPACE ridge:: DESTINATION ${config_folder})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/ridgeConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/ridgeConfigVersion.cmake
  DESTINATION ${config_folder})
