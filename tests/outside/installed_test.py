#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""installed_test: installs the storage library somewhere and builds applications that know only that place, through
CMake and through pkg-config; looks at what the library shows.

usage: installed_test.py BUILD_FOLDER C_COMPILER CXX_COMPILER
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD, CC, CXX = sys.argv[1:4]


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)
    if done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class InstalledTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="tapewatch-installed-")
        first = os.path.join(cls.folder, "first")
        cls.prefix = os.path.join(cls.folder, "moved")
        for component in ("storage", "storage-postgres"):
            run("cmake", "--install", BUILD, "--component", component, "--prefix", first)
        os.rename(first, cls.prefix)  # nothing may know the place it was installed to
        cls.library = glob.glob(os.path.join(cls.prefix, "lib", "**", "libtapewatch-storage.so"), recursive=True)[0]
        cls.surroundings = {**os.environ, "LD_LIBRARY_PATH": os.path.dirname(cls.library),
                            "PKG_CONFIG_PATH": os.path.join(os.path.dirname(cls.library), "pkgconfig")}

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def check(self, program, c_program, postgres_program):
        database = os.path.join(tempfile.mkdtemp(dir=self.folder), "outside.db")
        self.assertEqual(run(program, database, env=self.surroundings), "2 orders\n")
        self.assertEqual(run(c_program, database + "2", env=self.surroundings), "42\n")
        self.assertEqual(run(postgres_program, self.folder, env=self.surroundings), "TW0500\n")

    def test_cmake(self):
        build = os.path.join(self.folder, "build")
        run("cmake", "-S", HERE, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}", f"-DCMAKE_C_COMPILER={CC}",
            f"-DCMAKE_CXX_COMPILER={CXX}")
        run("cmake", "--build", build)
        self.check(*(os.path.join(build, "application" + kind) for kind in ("", "_c", "_postgres")))

    def test_pkg_config(self):
        flags = run("pkg-config", "--cflags", "--libs", "tapewatch-storage", env=self.surroundings).split()
        program = os.path.join(self.folder, "by_pkg_config")
        run(CXX, "-std=c++20", os.path.join(HERE, "application.cc"), "-o", program, *flags)
        run(CC, "-std=c11", os.path.join(HERE, "application.c"), "-o", program + "_c", *flags)
        flags = run("pkg-config", "--cflags", "--libs", "tapewatch-storage-postgres", env=self.surroundings).split()
        run(CXX, "-std=c++20", os.path.join(HERE, "application_postgres.cc"), "-o", program + "_postgres", *flags)
        self.check(program, program + "_c", program + "_postgres")

    def test_only_who_uses_it_needs_libpq(self):
        needed = re.compile(r"NEEDED.*\[(lib(?:pq|tapewatch)[\w-]*)\.so")
        self.assertEqual(needed.findall(run("readelf", "-d", self.library)), [])
        other = self.library.replace("storage.so", "storage-postgres.so")
        self.assertEqual(sorted(needed.findall(run("readelf", "-d", other))), ["libpq", "libtapewatch-storage"])

    def test_headers_name_nobody_elses(self):
        for path in glob.glob(os.path.join(self.prefix, "include", "tapewatch", "*.h")):
            with open(path, encoding="utf-8") as file:
                self.assertIsNone(re.search(r"#include [<\"](sqlite3|hiredis|zstd|libpq)", file.read()), path)

    def test_only_what_is_meant_is_visible(self):
        foreign = []
        libraries = (self.library, self.library.replace("storage.so", "storage-postgres.so"))
        for line in "".join(run("nm", "-D", "--defined-only", "-C", each) for each in libraries).splitlines():
            kind, name = line.split(" ", 2)[1:]
            # Weak ones are templates and inline functions of the C++ library and of our own headers.
            if kind in "TDBR" and not name.startswith(("tapewatch::", "tws_", "typeinfo", "vtable")):
                foreign.append(name)
        self.assertEqual(foreign, [])
        self.assertRegex(run("readelf", "-d", self.library), r"SONAME.*libtapewatch-storage\.so\.\d+\]")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
