#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang-tidy over every source of agent/. A file that was found clean is looked at again only when it was compiled anew
(one of its headers has changed) or .clang-tidy has.

    tests/lint.py BUILD_FOLDER      of an up-to-date clang build
"""
import concurrent.futures
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OBJECT = re.compile(r" -o (\S+)")


def sources(build):
    """(source, object) of everything below agent/."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as commands:
        for entry in json.load(commands):
            if entry["file"].startswith(os.path.join(ROOT, "agent") + os.sep):
                yield entry["file"], os.path.join(entry["directory"], OBJECT.search(entry["command"])[1])


def time_of(path):
    try:
        return os.stat(path).st_mtime_ns
    except FileNotFoundError:
        return 0


def lint(build, source):
    """What clang-tidy says, "" when it says nothing; then the file's stamp is set."""
    done = subprocess.run(["clang-tidy", "--quiet", "-p", build, source], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return done.stdout + done.stderr
    stamp = stamp_of(build, source)
    os.makedirs(os.path.dirname(stamp), exist_ok=True)
    with open(stamp, "w", encoding="ascii"):
        return ""


def stamp_of(build, source):
    return os.path.join(build, "lint", os.path.relpath(source, ROOT))


def main():
    build = os.path.abspath(sys.argv[1])
    rules = time_of(os.path.join(ROOT, ".clang-tidy"))
    stale = sorted(source for source, made in sources(build)
                   if time_of(stamp_of(build, source)) <= max(time_of(made), rules))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        faults = [text for text in pool.map(lambda source: lint(build, source), stale) if text]
    print("".join(faults), end="")
    print(f"{len(stale)} files looked at, {len(faults)} with faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
