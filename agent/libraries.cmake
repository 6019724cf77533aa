# What `tapewatch version` says of the libraries that it was built with.
set(libraries
  "libuv ${UV_VERSION}" "simdjson ${simdjson_VERSION}" "curl ${CURL_VERSION_STRING}" "SQLite ${SQLite3_VERSION}"
  "zstd ${ZSTD_VERSION}" "RE2" "xxHash ${XXHASH_VERSION}" "OpenSSL ${CRYPTO_VERSION}" "ISA-L ${ISAL_VERSION}"
  "Hyperscan ${HS_VERSION}" "hiredis ${HIREDIS_VERSION}" "cpp-httplib ${HTTPLIB_VERSION}" "prometheus-cpp" "yaml-cpp ${yaml-cpp_VERSION}")
list(JOIN libraries "," libraries)
set_source_files_properties(agent/command_validate.cc PROPERTIES COMPILE_DEFINITIONS "TAPEWATCH_LIBRARIES=\"${libraries}\"")
