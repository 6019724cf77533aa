# What is installed, and the Debian package of it: `cpack --config build/release/CPackConfig.cmake`, or deploy/package/build.
include(GNUInstallDirs)
set(package_folder ${CMAKE_CURRENT_LIST_DIR})

# Its own folder, because nobody else links this library from a package of the agent. The second place is for where there
# is no /proc to tell the first.
set_target_properties(tapewatch PROPERTIES INSTALL_RPATH "$ORIGIN/../lib/tapewatch;/usr/lib/tapewatch")
install(TARGETS tapewatch RUNTIME DESTINATION bin COMPONENT agent)
install(TARGETS tapewatch-storage LIBRARY DESTINATION lib/tapewatch COMPONENT agent NAMELINK_SKIP)

# The manual and the completion are what the binary says of itself. Their date is that of the newest entry of the changelog.
file(STRINGS ${package_folder}/changelog stamp REGEX "^ -- .*  ")
list(GET stamp 0 stamp)
string(REGEX REPLACE "^ -- .*>  [A-Za-z]+, " "" stamp "${stamp}")
string(REGEX REPLACE " [0-9:]+ [+]0000$" "" stamp "${stamp}")
set(manual ${CMAKE_CURRENT_BINARY_DIR}/package/tapewatch.1.gz)
set(completion ${CMAKE_CURRENT_BINARY_DIR}/package/completion)
set(changelog ${CMAKE_CURRENT_BINARY_DIR}/package/changelog.gz)
set(write ${package_folder}/manual.py)
file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/package)
add_custom_command(OUTPUT ${manual} ${completion} ${changelog}
  COMMAND ${write} man $<TARGET_FILE:tapewatch> ${PROJECT_VERSION} ${stamp} | gzip -9n > ${manual}
  COMMAND ${write} completion $<TARGET_FILE:tapewatch> ${PROJECT_VERSION} ${stamp} > ${completion}
  COMMAND gzip -9n < ${package_folder}/changelog > ${changelog}
  DEPENDS tapewatch ${write} ${package_folder}/changelog VERBATIM)
add_custom_target(package_files DEPENDS ${manual} ${completion} ${changelog})

set(doc share/doc/tapewatch)
set(etc /etc/tapewatch)
install(FILES ${manual} DESTINATION share/man/man1 COMPONENT agent)
install(FILES ${completion} DESTINATION share/bash-completion/completions RENAME tapewatch COMPONENT agent)
install(FILES ${changelog} ${package_folder}/copyright DESTINATION ${doc} COMPONENT agent)
install(FILES systemd/README.md DESTINATION ${doc} COMPONENT agent)
install(FILES config/README.md DESTINATION ${doc} RENAME configuration.md COMPONENT agent)
install(FILES rules/README.md DESTINATION ${doc} RENAME rules.md COMPONENT agent)
install(FILES config/tapewatch.yaml config/tapewatch.min.yaml DESTINATION ${doc}/examples COMPONENT agent)
install(FILES systemd/tapewatch.service DESTINATION /lib/systemd/system COMPONENT agent)
install(FILES systemd/tapewatch.yaml DESTINATION ${etc} COMPONENT agent)
install(DIRECTORY rules/alerts rules/pipelines DESTINATION ${etc}/rules COMPONENT agent)
install(DIRECTORY config/metrics DESTINATION ${etc} COMPONENT agent)
install(DIRECTORY DESTINATION ${etc}/conf.d COMPONENT agent)
install(DIRECTORY DESTINATION ${etc}/credentials DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE COMPONENT agent)

# Files of /etc are the administrator's: an upgrade keeps what was edited.
file(GLOB_RECURSE conffiles RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/rules/alerts/*
     ${CMAKE_SOURCE_DIR}/rules/pipelines/* ${CMAKE_SOURCE_DIR}/config/metrics/*)
list(TRANSFORM conffiles REPLACE "^config/" "")
list(TRANSFORM conffiles PREPEND ${etc}/)
list(JOIN conffiles "\n" conffiles)
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/package/conffiles "${etc}/tapewatch.yaml\n${conffiles}\n")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME tapewatch)
set(CPACK_PACKAGE_VENDOR tapewatch)
set(CPACK_PACKAGE_CONTACT "tapewatch developers <tapewatch@example.com>")
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/package)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "log agent beside a trading application")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Tails the structured JSON logs of an application, ties the lines of one
request, order or trade together, masks secrets, ships everything to
Elasticsearch or keeps it in an embedded store, evaluates Sigma rules on the
stream and serves metrics for Prometheus.")
set(CPACK_COMPONENTS_ALL agent)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "ca-certificates, procps, tzdata")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_LIBRARY_OUTPUT_DIRECTORY})
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_BINARY_DIR}/package/conffiles
    ${package_folder}/postinst ${package_folder}/prerm ${package_folder}/postrm)
include(CPack)
