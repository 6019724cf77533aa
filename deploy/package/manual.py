#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the man page or the bash completion from what the binary says of itself, so that neither can differ from it.

    manual.py man|completion TAPEWATCH VERSION DATE > FILE
"""
import re
import subprocess
import sys

FILES = (
    ("/etc/tapewatch/tapewatch.yaml", "The configuration of the service."),
    ("/etc/tapewatch/conf.d/*.yaml", "Merged over it in name order."),
    ("/etc/tapewatch/rules/", "Alert rules."),
    ("/etc/tapewatch/credentials/", "Secrets; systemd hands each file to the service as $CREDENTIALS_DIRECTORY/tapewatch_NAME."),
    ("/var/lib/tapewatch/", "What the service remembers: positions, links, dead letters and the embedded store."),
)
SIGNALS = (
    ("SIGTERM, SIGINT", "Deliver what was read, write the checkpoint and end; a second one ends at once."),
    ("SIGHUP", "Read the configuration and the rules anew. When anything in them is wrong nothing changes."),
)
EXIT_CODES = (("0", "Good."), ("1", "Failed."), ("2", "The command line is wrong."), ("78", "The configuration is wrong."))
ENVIRONMENT = (
    ("STATE_DIRECTORY", "Where the state is kept when the configuration does not say; set by systemd."),
    ("CREDENTIALS_DIRECTORY", "The folder of secrets that systemd made for the service."),
    ("NOTIFY_SOCKET, WATCHDOG_USEC", "The service manager is told of start, reload and end, and its watchdog is fed by progress."),
    ("NO_COLOR", "Never print colours."),
)


def said(binary, *words):
    return subprocess.run([binary, *words], capture_output=True, text=True, check=True, timeout=20).stdout


class Command:
    """One command, from the text of its help."""

    def __init__(self, binary, name):
        self.name = name
        text = said(binary, "help", name)
        head, _, rest = text.partition("\n")
        usage, _, self.summary = head.partition(": ")
        self.words = usage.split(" ", 2)[2] if usage.count(" ") >= 2 else ""
        body, _, tail = rest.partition("\nflags:\n")
        self.details = " ".join(body.split())
        flags, _, examples = tail.partition("\nexamples:\n")
        self.flags = [flag_of(line) for line in flags.splitlines() if line.strip()]
        self.examples = [line.strip() for line in examples.splitlines() if line.strip()]


def flag_of(line):
    """(letter or "", name, value or "", text)"""
    match = re.fullmatch(r"  (?:-(\w)|  ) --([\w-]+)(?: (\S+))?\s{2,}(.*)", line)
    if not match:
        raise SystemExit(f"manual.py: a flag's line is not understood: {line!r}")
    return match[1] or "", match[2], match[3] or "", match[4]


def commands(binary):
    overview = said(binary, "help")
    section = overview.split("COMMAND [ARGUMENTS]\n\n")[1].split("\n\n")[0]
    names = [line.split()[0] for line in section.splitlines()]
    return [Command(binary, name) for name in names if name != "help"]


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text.startswith((".", "'")) else text


def man_page(all_commands, version, date):
    out = [f'.TH TAPEWATCH 1 "{date}" "tapewatch {version}" "User Commands"', ".SH NAME",
           "tapewatch \\- log agent beside a trading application", ".SH SYNOPSIS", ".B tapewatch", ".I COMMAND",
           ".RI [ ARGUMENTS ]", ".SH DESCRIPTION",
           "Tails the structured JSON logs of an application, ties the lines of one request, order or trade together, masks",
           "secrets, ships everything to Elasticsearch or keeps it in an embedded store, evaluates Sigma rules on the stream and",
           "serves metrics for Prometheus.", ".SH COMMANDS"]
    for command in all_commands:
        out += [f'.SS "{roff(("tapewatch " + command.name + " " + command.words).strip())}"',
                roff(command.summary[0].upper() + command.summary[1:]) + "."]
        if command.details:
            out += [".PP", roff(command.details)]
        for letter, name, value, text in command.flags:
            spelled = (f"\\fB\\-{letter}\\fR, " if letter else "") + f"\\fB{roff('--' + name)}\\fR"
            out += [".TP", spelled + (f" \\fI{roff(value)}\\fR" if value else ""), roff(text)]
        out += [".PP", "Examples:", ".PP", ".nf", ".RS", *map(roff, command.examples), ".RE", ".fi"]
    for title, pairs in (("FILES", FILES), ("SIGNALS", SIGNALS), ("ENVIRONMENT", ENVIRONMENT), ("EXIT STATUS", EXIT_CODES)):
        out.append(f'.SH "{title}"')
        for term, text in pairs:
            out += [".TP", f".B {roff(term)}", roff(text)]
    return "\n".join(out + [".SH SEE ALSO", ".BR systemctl (1),", ".BR journalctl (1)"]) + "\n"


def completion(all_commands):
    out = ["# bash completion of tapewatch, written from what `tapewatch help` says", "_tapewatch() {",
           '  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD - 1]}"',
           "  if [ \"$COMP_CWORD\" -eq 1 ]; then",
           f'    mapfile -t COMPREPLY < <(compgen -W "{" ".join(["help", *(c.name for c in all_commands)])}" -- "$word")',
           "    return", "  fi",
           '  case "$before" in',
           "    -c | --config | -r | --rules | -p | --pipeline | -o | --output | --diff | --load-report)",
           '      mapfile -t COMPREPLY < <(compgen -f -- "$word")', "      return", "      ;;",
           "    --format)", '      mapfile -t COMPREPLY < <(compgen -W "text json" -- "$word")', "      return", "      ;;", "  esac",
           '  local flags=""', '  case "${COMP_WORDS[1]}" in',
           f'    help) flags="{" ".join(c.name for c in all_commands)}" ;;']
    for command in all_commands:
        words = re.match(r"[a-z]+(\|[a-z]+)+", command.words)
        known = (words[0].split("|") if words else []) + ["--" + flag[1] for flag in command.flags]
        out.append(f'    {command.name}) flags="{" ".join(known)}" ;;')
    out += ["  esac", '  mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$word")',
            '  if [[ "$word" != -* ]]; then', "    local file",
            '    while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen -f -- "$word")', "  fi", "}",
            "complete -o filenames -F _tapewatch tapewatch"]
    return "\n".join(out) + "\n"


def main():
    kind, binary, version, date = sys.argv[1:]
    known = commands(binary)
    sys.stdout.write(man_page(known, version, date) if kind == "man" else completion(known))


if __name__ == "__main__":
    main()
