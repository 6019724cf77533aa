# SPDX-License-Identifier: Apache-2.0
"""What a test needs from the machine. Without it the test is skipped, with the reason; where CI=true it fails."""
import os
import shutil
import unittest


def skip(reason):
    if os.environ.get("CI") == "true":
        raise AssertionError("under CI nothing is skipped: " + reason)
    print("SKIPPED:", reason, flush=True)
    raise unittest.SkipTest(reason)


def program(name, package):
    path = shutil.which(name)
    if not path:
        skip(f"no {name} here (apt-get install {package})")
    return path
