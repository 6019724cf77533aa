// SPDX-License-Identifier: Apache-2.0
#pragma once
// The numbers of everything that can be wrong with a rule (TW0200 to TW0299). Never reused; rules/README.md explains
// each. Thread: any.

namespace tapewatch::fault_number {

inline constexpr int unreadable = 200;
inline constexpr int not_utf8 = 201;
inline constexpr int yaml_syntax = 202;
inline constexpr int yaml_duplicate_key = 203;
inline constexpr int yaml_alias = 204;
inline constexpr int yaml_limit = 205;
inline constexpr int not_a_rule = 206;
inline constexpr int missing_key = 207;
inline constexpr int wrong_type = 208;
inline constexpr int unknown_key = 209;
inline constexpr int bad_value = 210;
inline constexpr int duplicate_rule = 211;
inline constexpr int rule_limit = 212;
inline constexpr int no_files = 213;

inline constexpr int condition_syntax = 220;
inline constexpr int unknown_identifier = 221;
inline constexpr int empty_selector = 222;
inline constexpr int old_aggregation = 223;
inline constexpr int old_timeframe = 224;

inline constexpr int unknown_modifier = 230;
inline constexpr int modifier_misuse = 231;
inline constexpr int bad_regex = 232;
inline constexpr int bad_cidr = 233;
inline constexpr int not_a_number = 234;
inline constexpr int placeholder = 235;
inline constexpr int null_in_list = 236;
inline constexpr int empty_value = 237;

inline constexpr int unknown_rule = 240;
inline constexpr int bad_timespan = 241;
inline constexpr int bad_bound = 242;
inline constexpr int bad_alias = 243;
inline constexpr int correlation_type = 244;
inline constexpr int correlation_cycle = 245;
inline constexpr int unknown_step = 246;

inline constexpr int unmapped_log_source = 250;
inline constexpr int filter_log_source = 251;
inline constexpr int bad_pipeline = 252;

}  // namespace tapewatch::fault_number
