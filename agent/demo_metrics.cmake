# The metrics that the demo derives from its lines are those that ship: config/metrics/trading.yaml as a string literal of
# one C++ source in the build folder.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/config/metrics/trading.yaml)
file(READ ${CMAKE_SOURCE_DIR}/config/metrics/trading.yaml trading_metrics)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/demo_metrics.cc @ONLY CONTENT [[
// Made from config/metrics/trading.yaml by agent/demo_metrics.cmake.
#include "demo_files.h"

namespace tapewatch {

std::string_view demo_metrics() {
  return R"yaml(@trading_metrics@)yaml";
}

}  // namespace tapewatch
]])
target_sources(tw_agent PRIVATE ${CMAKE_BINARY_DIR}/generated/demo_metrics.cc)
