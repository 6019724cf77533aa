// SPDX-License-Identifier: Apache-2.0
#include "explain_faults.h"

#include "config.h"
#include "detect/rule_fault.h"

namespace tapewatch {
namespace {

struct Explanation {
  int number;
  std::string_view text;
};

namespace rule = fault_number;

constexpr Explanation rules[] = {
    {rule::unreadable,
     "A file of rules cannot be read.\nIt does not exist, its permissions forbid it, or it is larger than a file of "
     "rules may be."},
    {rule::not_utf8, "A file of rules is not UTF-8.\nSave it as UTF-8. The place of the first wrong byte is shown."},
    {rule::yaml_syntax,
     "Not YAML.\nFrequent reasons: indentation that does not line up or has tabs, a missing space behind a colon, and "
     "values with `: `, `#`, `*`, `{`, `[` or `%` in front that need quotes."},
    {rule::yaml_duplicate_key,
     "A key stands twice in one map.\nYAML readers silently keep one of the two, and half of the rule is gone. For two "
     "conditions on one field write a list of maps, or the modifier |all."},
    {rule::yaml_alias,
     "An alias inside the node that it stands for.\nThe document would have no end. Write the value out."},
    {rule::yaml_limit,
     "Too much YAML.\nA document is nested too deep, or grows too large when its aliases are filled in."},
    {rule::not_a_rule,
     "Not a rule.\nA document is a map with either `detection` (one event) or `correlation` (several), and the keys of "
     "that kind. The unknown key or the missing part is shown."},
    {rule::missing_key, "A key is missing that must be there.\nThe key is named; rules/README.md shows a whole rule."},
    {rule::wrong_type, "The wrong type.\nThe key wants a text, a list or a map, and something else stands there."},
    {rule::unknown_key,
     "An unknown key.\nA misspelt key would otherwise be ignored silently. The nearest known key is suggested."},
    {rule::bad_value, "A value that the key does not know.\nThe allowed values or their range are shown."},
    {rule::duplicate_rule,
     "Two rules have the same id or name.\nCorrelations and alerts refer to rules by them. Both places are shown."},
    {rule::rule_limit,
     "Too much of it.\nA limit that protects the agent was met: on rules, on values in one item, on the length of one "
     "value, or on the events of a test. The limit is shown."},
    {rule::no_files,
     "No file of rules.\nNothing matches the pattern of rules.include, or the path on the command line. Relative "
     "patterns start at the folder of the configuration."},
    {rule::condition_syntax,
     "The condition cannot be read.\nIt knows and, or, not, parentheses, search identifiers, and `1 of`, `any of`, "
     "`all of` in front of `them` or a pattern: selection and not 1 of filter_*."},
    {rule::unknown_identifier,
     "The condition names a search identifier that the detection does not have.\nThe nearest one is suggested."},
    {rule::empty_selector,
     "A pattern in the condition matches no search identifier.\n`1 of filter_*` needs one that begins with filter_. "
     "Identifiers that begin with _ are taken only when the pattern does."},
    {rule::old_aggregation,
     "An aggregation behind | in the condition.\nIt is no longer part of the language. Write a correlation: {type: "
     "event_count, rules: [ID], group-by: [FIELD], timespan: 1m, condition: {gte: 5}}."},
    {rule::old_timeframe,
     "`timeframe` is no longer part of the language.\nWrite a correlation rule; its `timespan` is that time."},
    {rule::unknown_modifier,
     "An unknown modifier behind a field.\nfield|contains, |startswith, |endswith, |re, |cidr, |exists, |gt and the "
     "others of the standard; the nearest one is suggested."},
    {rule::modifier_misuse,
     "A modifier in the wrong place or company.\nModifiers work from left to right: an encoding comes before the "
     "comparison, UTF-16 before base64, and what cannot mean anything together is refused."},
    {rule::bad_regex,
     "A bad regular expression.\nThe place is shown. Look-around and back-references are not supported: every "
     "expression is answered in time that grows with the text alone."},
    {rule::bad_cidr, "Not a network.\nAn address and a prefix length: 10.0.0.0/8 or 2001:db8::/32."},
    {rule::not_a_number, "Not a number.\nlt, lte, gt and gte compare numbers; write them without quotes."},
    {rule::placeholder,
     "A placeholder that nothing fills.\n%name% behind |expand stands for values of the site, and none are known. "
     "Write the values out. A literal percent sign is \\%."},
    {rule::null_in_list,
     "null in a list of values.\nThe standard forbids it. Write a list of maps with an item of its own for it: "
     "[{field: null}, {field: [a, b]}]."},
    {rule::empty_value, "Nothing to look for.\nAn empty map, an empty list or an empty search identifier."},
    {rule::unknown_rule,
     "A correlation refers to a rule that is not there.\nBy id or name; the rule may stand in another file, but that "
     "file must be loaded too. The nearest name is suggested."},
    {rule::bad_timespan, "Not a time.\nA whole number and a unit: s m h d w M y. 30s, 5m, 1h."},
    {rule::bad_bound,
     "A correlation's condition cannot be used.\nOne or two of gt gte lt lte eq neq with a number; value_count, "
     "value_sum, value_avg, value_median and value_percentile also name the `field`, the last its `percentile`. "
     "temporal takes an expression over its rules instead: a and not b."},
    {rule::bad_alias,
     "An alias does not fit.\nEach alias says for every rule of the correlation which field has that meaning there."},
    {rule::correlation_type,
     "An unknown type of correlation.\nevent_count value_count temporal temporal_ordered value_sum value_avg "
     "value_percentile value_median; the nearest is suggested."},
    {rule::correlation_cycle,
     "A correlation that builds on itself.\nIts rules may be correlations, but a chain of them must end with rules of "
     "single events."},
    {rule::unknown_step,
     "A flow speaks of a step that it does not have.\nExpectations, aliases and the fields of `differ` name the steps "
     "that stand under `steps`; the nearest one is suggested."},
    {rule::unmapped_log_source,
     "Nothing maps the log source (warning).\nThe rule is loaded but sees no event. Lines that are tailed here are "
     "product tapewatch; leave logsource out or use that, or name a pipeline that maps it (rules.pipelines)."},
    {rule::filter_log_source,
     "A filter that fits none of its rules (warning).\nA filter is applied to a rule when every part of its own log "
     "source "
     "is the rule's too. It is not applied to correlations."},
    {rule::bad_pipeline,
     "Not a pipeline.\nA file that maps log sources is a map with `sources`, a list of {logsource: {...}, when: {...}, "
     "fields: {...}, under: [...]}; rules/README.md shows one."},
};

constexpr Explanation queries[] = {
    {301, "The query is longer than 4096 bytes."},
    {302, "A quote is not closed.\nAdd \" at the end of the phrase. A quote as text is written \\\" within quotes."},
    {303, "A parenthesis is not closed."},
    {304, "A closing parenthesis closes nothing.\nRemove it, or put the text in quotes if it belongs to it."},
    {305,
     "Something is missing beside and, or, not.\nEach joins two terms, or stands before one. Put the word in quotes if "
     "it is meant as text."},
    {306,
     "A value is missing behind the colon.\nfield:value without a space; field:* asks whether the field is there; "
     "several values are (field:a or field:b)."},
    {307,
     "Not a number.\n< <= > >= and [low..high] compare numbers. Points in time are given beside the query, with from "
     "and to (on the command line --from and --to)."},
    {308, "Not a range.\nfield:[1..5], the low end first."},
    {309, "An empty phrase.\n\"\" is in everything and in nothing. Remove it."},
    {310, "The query is too complex.\nMore than 64 terms, or nested more than 32 deep."},
};

template <std::size_t N>
std::string_view find(const Explanation (&explanations)[N], int number) {
  for (const Explanation& explanation : explanations) {
    if (explanation.number == number) return explanation.text;
  }
  return "";
}

}  // namespace

std::string_view explain_rule_fault(int number) { return find(rules, number); }
std::string_view explain_query_fault(int number) { return find(queries, number); }

std::string_view explain_fault(int number) {
  if (number < 200) return explain_config_fault(number);
  return number < 300 ? explain_rule_fault(number) : explain_query_fault(number);
}

}  // namespace tapewatch
