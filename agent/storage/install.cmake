# What an application needs to link the storage library: cmake --install BUILD --component storage --prefix WHERE.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS tapewatch-storage LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT storage)
file(GLOB storage_headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/agent/include/tapewatch/*.h)
list(FILTER storage_headers EXCLUDE REGEX "/(log|pg_[a-z]+)\\.h$")  # of the libraries for clients and for PostgreSQL
install(FILES ${storage_headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tapewatch COMPONENT storage)
# Nothing but what is marked TAPEWATCH_API, also of what is linked in, and no library that nobody calls.
target_link_options(tapewatch-storage PRIVATE -Wl,--exclude-libs,ALL -Wl,--as-needed)

# The files find the tree by their own place, so that it can be moved.
set(storage_cmake_folder ${CMAKE_INSTALL_LIBDIR}/cmake/tapewatch-storage)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/package/tapewatch-storage-config.cmake.in
  ${CMAKE_BINARY_DIR}/package/tapewatch-storage-config.cmake INSTALL_DESTINATION ${storage_cmake_folder}
  PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/package/tapewatch-storage-config-version.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/package/tapewatch-storage-config.cmake
  ${CMAKE_BINARY_DIR}/package/tapewatch-storage-config-version.cmake
  DESTINATION ${storage_cmake_folder} COMPONENT storage)

file(RELATIVE_PATH storage_prefix_from_pc "/x/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/x")
configure_file(${CMAKE_CURRENT_LIST_DIR}/package/tapewatch-storage.pc.in
  ${CMAKE_BINARY_DIR}/package/tapewatch-storage.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/package/tapewatch-storage.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT storage)

include(${CMAKE_CURRENT_LIST_DIR}/postgres/library.cmake)
