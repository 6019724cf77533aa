# SPDX-License-Identifier: Apache-2.0
"""What a test needs from the machine. Without it the test is skipped, with the reason; where CI=true it fails."""
import os
import shutil
import unittest


def publish(text, head=""):
    """tests/run shows these lines at once, while ctest keeps what tests print."""
    path = os.environ.get("TAPEWATCH_ROWS")
    if path:
        with open(path, "a", encoding="utf-8") as out:
            out.write((head + "\n" if head and out.tell() == 0 else "") + text + "\n")


def skip(reason):
    if os.environ.get("CI") == "true":
        raise AssertionError("under CI nothing is skipped: " + reason)
    print("skipped:", reason, flush=True)
    publish("skipped: " + reason)
    raise unittest.SkipTest(reason)


def program(name, package):
    path = shutil.which(name)
    if not path:
        skip(f"no {name} here (apt-get install {package})")
    return path
