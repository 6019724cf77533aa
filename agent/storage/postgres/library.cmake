# libtapewatch-storage-postgres.so: PgStore, a library of its own, so that only who uses it needs libpq. Installed by
# cmake --install BUILD --component storage-postgres, beside the component storage.
pkg_check_modules(PQ REQUIRED IMPORTED_TARGET libpq)
file(GLOB postgres_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.cc)
add_library(tapewatch-storage-postgres SHARED ${postgres_sources} ${CMAKE_SOURCE_DIR}/agent/storage/call.cc)
add_library(tw_storage_postgres ALIAS tapewatch-storage-postgres)
set_target_properties(tapewatch-storage-postgres PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0)
target_link_libraries(tapewatch-storage-postgres PUBLIC tw_storage tw_base PRIVATE PkgConfig::PQ)
target_link_options(tapewatch-storage-postgres PRIVATE -Wl,--exclude-libs,ALL -Wl,--as-needed)
