// SPDX-License-Identifier: Apache-2.0
#pragma once
// The section `metrics` of a configuration, and the files that it includes. Called by load_config() only. Thread: one
// at a time.

#include "config.h"
#include "config_reader.h"

namespace tapewatch {

void read_metrics(ConfigSection section, const Surroundings& around, ConfigFaults& faults, MetricsConfig& out);

}  // namespace tapewatch
