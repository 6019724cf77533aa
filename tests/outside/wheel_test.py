#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""wheel_test: builds the Python package with the library in it, installs the wheel into an environment of its own and
runs the package's tests there. Leaves out (exit 77) where pytest, venv or pip are missing.

usage: wheel_test.py BUILD_FOLDER
"""
import glob
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "agent", "storage", "python")


def run(*command, **options):
    print("+", *command, flush=True)
    subprocess.run(command, check=True, timeout=200, **options)


def main():
    if any(importlib.util.find_spec(name) is None for name in ("pytest", "venv", "pip")):
        print("left out: pytest, venv or pip is missing")
        return 77
    folder = tempfile.mkdtemp(prefix="tapewatch-wheel-")
    try:
        package = os.path.join(folder, "package")
        shutil.copytree(SOURCE, package, ignore=shutil.ignore_patterns("__pycache__", "*.so*", "build", "*.egg-info"))
        shutil.copy(os.path.join(sys.argv[1], "lib", "libtapewatch-storage.so.0"),
                    os.path.join(package, "tapewatch_storage"))
        run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-index", "-w", folder, package)
        wheel = glob.glob(os.path.join(folder, "*.whl"))[0]
        print(os.path.basename(wheel))
        # pytest comes from the system; the package from the wheel alone.
        environment = os.path.join(folder, "environment")
        run(sys.executable, "-m", "venv", "--system-site-packages", environment)
        python = os.path.join(environment, "bin", "python")
        run(python, "-m", "pip", "install", "-q", "--no-index", "--no-deps", wheel)
        tests = os.path.join(folder, "tests")
        shutil.copytree(os.path.join(SOURCE, "tests"), tests)
        clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "TAPEWATCH_STORAGE_LIBRARY")}
        run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests, cwd=folder, env=clean)
    finally:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
