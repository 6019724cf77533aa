# libtapewatch-storage-postgres.so: PgStore, a library of its own, so that only who uses it needs libpq. Installed beside
# the component storage by cmake --install BUILD --component storage-postgres. Included by ../install.cmake.
pkg_check_modules(PQ REQUIRED IMPORTED_TARGET libpq)
file(GLOB postgres_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.cc)
add_library(tapewatch-storage-postgres SHARED ${postgres_sources} ${CMAKE_SOURCE_DIR}/agent/storage/call.cc)
add_library(tw_storage_postgres ALIAS tapewatch-storage-postgres)
set_target_properties(tapewatch-storage-postgres PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0
  INSTALL_RPATH "$ORIGIN")
target_link_libraries(tapewatch-storage-postgres PUBLIC tw_storage tw_base PRIVATE PkgConfig::PQ)
target_link_options(tapewatch-storage-postgres PRIVATE -Wl,--exclude-libs,ALL -Wl,--as-needed)

install(TARGETS tapewatch-storage-postgres LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT storage-postgres)
file(GLOB postgres_headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/agent/include/tapewatch/pg_*.h)
install(FILES ${postgres_headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tapewatch COMPONENT storage-postgres)

set(postgres_cmake_folder ${CMAKE_INSTALL_LIBDIR}/cmake/tapewatch-storage-postgres)
set(postgres_config ${CMAKE_BINARY_DIR}/package/tapewatch-storage-postgres-config)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/../package/tapewatch-storage-postgres-config.cmake.in
  ${postgres_config}.cmake INSTALL_DESTINATION ${postgres_cmake_folder}
  PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(${postgres_config}-version.cmake VERSION ${PROJECT_VERSION}
  COMPATIBILITY SameMinorVersion)
install(FILES ${postgres_config}.cmake ${postgres_config}-version.cmake DESTINATION ${postgres_cmake_folder}
  COMPONENT storage-postgres)
configure_file(${CMAKE_CURRENT_LIST_DIR}/../package/tapewatch-storage-postgres.pc.in
  ${CMAKE_BINARY_DIR}/package/tapewatch-storage-postgres.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/package/tapewatch-storage-postgres.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT storage-postgres)
