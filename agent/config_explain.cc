// SPDX-License-Identifier: Apache-2.0
// What `tapewatch explain TW01xx` says. config/README.md holds the same numbers, and a test compares the two.
#include "config.h"

namespace tapewatch {
namespace {

struct Explanation {
  int number;
  std::string_view text;
};

constexpr Explanation explanations[] = {
    {100, "Too many faults.\nOnly the first 100 are shown. Mend those and validate again."},
    {101,
     "The file cannot be read.\nIt does not exist, or its permissions forbid it. `tapewatch init LOGFILE` writes "
     "a configuration from a sample of your log; `-c FILE` names another one."},
    {102,
     "The file is larger than 1 MiB.\nNo configuration needs that much: this is probably another file. Several "
     "smaller files can stand in conf.d beside the first."},
    {103, "The file is not UTF-8.\nSave it as UTF-8. The place of the first wrong byte is shown."},
    {104,
     "A control byte.\nBytes below 0x20 other than line ends and tabs have no meaning in YAML and often come from "
     "copying out of a terminal. Remove it, or write an escape within double quotes."},
    {105, "A tab in the indentation.\nYAML indents by spaces only, since the width of a tab is anybody's guess."},
    {106,
     "A quote or bracket is not closed.\nThe place shown is where it was opened; YAML itself would complain only "
     "where the text stops making sense, often many lines below."},
    {107,
     "Not YAML.\nThe text breaks YAML's grammar. Frequent reasons: indentation that does not line up, a missing "
     "colon, a missing space behind a colon, and values with `: `, `#`, `{`, `[` or `,` that need quotes."},
    {108, "A second document.\n`---` starts another document. One file holds one; put the other into conf.d."},
    {109,
     "Anchors, aliases and merge keys are refused.\nThey hide what a value is and can be made to grow without "
     "bound. Write values out. A path pattern that starts with * needs quotes."},
    {110, "Nested too deep.\nMore than 32 levels; no configuration needs more than six."},
    {111, "Tags are refused.\nAn explicit `!type` is not needed: every key has one type. Quote what must be text."},
    {120, "The wrong type.\nThe key wants a map, a list or one value, and something else stands there."},
    {121, "A key stands twice in one map.\nYAML readers silently keep one of the two. Both places are shown."},
    {122, "A key is missing that must be there."},
    {123,
     "An unknown key.\nA misspelt key would otherwise be ignored silently and its default be used. The nearest "
     "known key is suggested; config/README.md lists all of them."},
    {124,
     "No unit.\nDurations and sizes are written with a unit, so that 30 is never taken for milliseconds or "
     "minutes: 30s, 5m, 10MiB. Only 0 needs none."},
    {125, "Not a duration.\nA whole number and one of ms, s, m, h, d: 500ms, 30s, 5m, 2h, 7d."},
    {126, "Not a size.\nA whole number and one of B, KiB, MiB, GiB (powers of 1024) or KB, MB, GB (powers of 1000)."},
    {127, "A value that the key does not know.\nThe allowed values are listed."},
    {128, "Not a whole number.\nDigits only, without a sign, a fraction or a unit."},
    {129, "Neither true nor false."},
    {130, "Out of range.\nThe allowed range is shown. It is wide: beyond it the agent would not work as meant."},
    {131,
     "YAML readers disagree about this value.\nYAML 1.1 reads no, off and y as false or true, 010 as eight and "
     "12:30 as a base-60 number; YAML 1.2 reads text and decimal numbers. Quote what is text; write numbers "
     "without leading zeros and underscores; write true and false for switches."},
    {132, "Two keys exclude each other.\nKeep the one you mean."},
    {133, "The path must be absolute.\nA service has no useful current folder."},
    {134,
     "A bracket or brace of the pattern is not closed.\nPatterns know * ? [abc] [a-z] {a,b} and ** for any number "
     "of folders; a backslash takes the meaning from the next character."},
    {135,
     "Not a web address.\nIt starts with http:// or https:// and holds no user and password: those have keys of "
     "their own, so that they are never logged."},
    {136, "Not an address to listen on.\nWrite host:port, as 127.0.0.1:9600 or [::1]:9600. Port 0 takes any free one."},
    {137,
     "The HTTP address can be reached from other machines and has no token.\nThe API shows log contents: without "
     "a token it listens on loopback only. Add http.token: {file: PATH}."},
    {138, "Two inputs have the same name.\nCheckpoints and document ids are kept by it."},
    {139, "No value.\nThe key stands there with nothing behind it, or with an empty list."},
    {140,
     "An environment variable is not set.\nSet it in the service's environment, or give a default: "
     "${NAME:-default}. Its value is never printed."},
    {141, "A bad environment reference.\nThe forms are ${NAME} and ${NAME:-default}; $${ stands for a literal ${."},
    {142,
     "A secret file cannot be read, or is empty.\nThe path is relative to the configuration's folder. The agent's "
     "user must be able to read it; under systemd, LoadCredential= does that."},
    {143, "Everybody on the machine can read a secret file.\nchmod 600 FILE, owned by the agent's user."},
    {144,
     "A secret stands in plain text in the configuration (warning).\nWrite {file: PATH} or ${NAME} instead, so "
     "that the configuration can be copied and committed."},
    {145, "Masking by HMAC needs a key.\nAdd mask.hmac_key: {file: PATH} with at least 16 random bytes."},
    {147, "Nothing would be delivered.\nThe store is switched off and there is no outputs.elasticsearch."},
    {149,
     "Certificates are not checked (warning).\nAnybody in between can read and change what is sent. Name the "
     "authority in ssl.certificate_authorities instead."},
    {151,
     "Credentials travel unencrypted (warning).\nThe host is not this machine and its address starts with "
     "http://. Use https://."},
    {152,
     "A pattern for packed files (warning).\nNames that end in .gz, .zst, .xz, .bz2, .lz4, .zip or .Z are never read: "
     "what is in them is no text. Let rotation pack files some rotations later (delaycompress), so that they are read "
     "before."},
    {160,
     "A name that a metric cannot have.\nSmall letters, digits and _; counters end in _total and nothing else does; "
     "times are in seconds and sizes in bytes, and end so; names that Prometheus or the agent use themselves are "
     "taken."},
    {161, "Two metrics have the same name.\nA counter's name without _total counts too: OpenMetrics knows it by that."},
    {162,
     "A name that a label cannot have.\nSmall letters, digits and _; le, quantile, job, instance and trace_id are "
     "taken."},
    {163, "Buckets that a histogram cannot have.\nUpper bounds, each above the one before, 100 at most."},
    {164,
     "A unit that does not fit the metric's name.\n`unit` is what the field holds; the metric itself is in seconds "
     "or bytes, as its name ends."},
    {165,
     "A label from a field without end (warning).\nEvery value of a label is a series that Prometheus keeps. Beyond "
     "series_max all others are counted under \"_other\". Ids belong into exemplars, which tapewatch adds by itself."},
    {166, "A pattern in metrics.include matches no file (warning)."},
};

}  // namespace

std::string_view explain_config_fault(int number) {
  for (const Explanation& explanation : explanations) {
    if (explanation.number == number) return explanation.text;
  }
  return "";
}

}  // namespace tapewatch
