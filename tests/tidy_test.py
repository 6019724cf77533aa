#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each rule of tidy.py meets a small tree that breaks it, and one that keeps them all."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tidy  # noqa: E402

CMAKE = """tw_module(base LIBS PkgConfig::RE2)
tw_module(event DEPENDS base LIBS simdjson::simdjson)
tw_module(storage SHARED DEPENDS base LIBS SQLite::SQLite3)
tw_module(sinks DEPENDS base event storage)
"""
SPDX = "// SPDX-License-Identifier: Apache-2.0\n"
LONG = "int f(int a) {\n" + "  ++a;\n" * 80 + "  return a;\n}\n"
CASES = {
    # name: (path below agent/, contents behind the SPDX line, what the fault says; None: there is none)
    "clean": ("event/a.cc", '#include "event/a.h"\n\n#include <sys/stat.h>\n\n#include <vector>\n\n#include "base/log.h"\n', None),
    "edge": ("event/a.cc", '#include "sinks/sink.h"\n', "undeclared edge event -> sinks"),
    "top": ("event/a.cc", '#include "config.h"\n', "top layer"),
    "top may": ("agent.cc", '#include "sinks/sink.h"\n', None),
    "storage inside": ("sinks/a.cc", '#include "storage/database.h"\n', "only the public headers"),
    "public": ("sinks/a.cc", '#include "tapewatch/log_store.h"\n', None),
    "public of another": ("event/a.cc", '#include "tapewatch/log_store.h"\n', "does not depend on"),
    "foreign": ("sinks/a.cc", "#include <simdjson.h>\n", "outside its home"),
    "foreign at home": ("event/a.cc", "#include <simdjson.h>\n", None),
    "foreign unknown": ("event/a.cc", "#include <boost/asio.hpp>\n", "neither of the system"),
    "yaml at home": ("base/yaml.cc", "#include <yaml-cpp/yaml.h>\n", None),
    "yaml elsewhere": ("pipeline.cc", "#include <yaml-cpp/yaml.h>\n", "outside its home"),
    "regex": ("base/a.cc", "std::regex r;\n", "base/regex.h"),
    "namespace": ("base/a.cc", "using namespace std;\n", "using namespace"),
    "note": ("base/a.cc", "// TO" "DO later\n", "leave it out"),
    "throw": ("base/a.cc", "void f() { throw 1; }\n", "errors are Results"),
    "throw in a comment": ("base/a.cc", "// This may throw.\n", None),
    "static": ("base/a.cc", "static int counter = 0;\n", "mutable static"),
    "static constant": ("base/a.cc", "static constexpr int limit = 3;\nstatic int f();\n", None),
    "conditional": ("event/a.cc", "#ifdef X\n#endif\n", "conditional compilation"),
    "conditional in base": ("base/a.cc", "#ifdef X\n#endif\n", None),
    "function": ("base/a.cc", LONG, "a function of 83 lines"),
    "function after another": ("base/a.cc", "void g() {}\n\n" + LONG, "a function of 83 lines"),
    "method": ("base/a.cc", "namespace n {\nint A::f(int a) const {\n" + "  ++a;\n" * 80 + "}\n}\n", "a function of 82 lines"),
    "class is no function": ("base/a.cc", "class A {\n" + "  int f();\n" * 80 + "};\n", None),
    "long": ("base/a.cc", "int a;\n" * 600, "601 lines, at most 600"),
    "long header": ("base/a.h", "#pragma once\n" + "int a;\n" * 300, "302 lines, at most 300"),
    "once": ("base/a.h", "int a;\n", "no #pragma once"),
    "environment": ("event/a.cc", 'auto v = std::getenv("HOME");\n', "environment"),
    "address": ("base/a.cc", '// see https://registry' '.somewhere.net/x\n', "a host that is not in the list"),
    "address allowed": ("base/a.cc", '// "https://es.example/prefix", http://localhost:9200\n', None),
    "name": ("base/a.h", "#pragma once\nclass FileManager final {};\n", "says nothing"),
    "merge": ("base/a.cc", "int a;\n<<<<" "<<< HEAD\n", "a merge that was not finished"),
    "white space": ("base/a.cc", "int a; \n", "white space"),
    "page": ("http/ui/a.js", "x.innerHTML = y;\n", "never turns text"),
}


class TidyTest(unittest.TestCase):
    def faults(self, files):
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as out:
                    out.write(text)
            tree = tidy.Tree(root)
            tree.check()
            return tree.faults

    def test_each_rule(self):
        for name, (path, text, want) in CASES.items():
            with self.subTest(name):
                faults = self.faults({"CMakeLists.txt": CMAKE, "agent/README.md": "", "agent/" + path: SPDX + text})
                if want is None:
                    self.assertEqual([], faults)
                else:
                    self.assertTrue(any(want in fault for fault in faults), faults)

    def test_readme_names_what_is_there(self):
        text = "`agent/README.md` [x](README.md) https://a.example/tests/x /etc/agent/x\n| `base/` | |\n`tests/gone` [y](gone.md)\n| `sim/` | |\n"
        faults = self.faults({"CMakeLists.txt": CMAKE, "agent/README.md": text, "agent/base/a.cc": SPDX})
        self.assertEqual(["agent/README.md:3: names gone.md, which is not there", "agent/README.md:3: names tests/gone, which is not there",
                          "agent/README.md:4: names sim/, which is not there"], sorted(faults))

    def test_licence_line(self):
        faults = self.faults({"CMakeLists.txt": CMAKE, "agent/README.md": "", "agent/base/a.cc": "int a;\n"})
        self.assertIn("no SPDX", faults[0])

    def test_cycle(self):
        faults = self.faults({"CMakeLists.txt": CMAKE.replace("tw_module(base ", "tw_module(base DEPENDS sinks ")})
        self.assertTrue(any("cycle of modules: base -> sinks" in fault for fault in faults), faults)

    def test_unknown_module(self):
        faults = self.faults({"CMakeLists.txt": "tw_module(base DEPENDS nothing)\n"})
        self.assertTrue(any("which is no module" in fault for fault in faults), faults)

    def test_no_graph(self):
        self.assertTrue(any("not declared" in fault for fault in self.faults({"CMakeLists.txt": "project(x)\n"})))

    def test_public_header_alone(self):
        with tempfile.TemporaryDirectory() as root:
            folder = os.path.join(root, "agent", "include", "tapewatch")
            os.makedirs(folder)
            for name, text in (("CMakeLists.txt", CMAKE), ("agent/include/tapewatch/bad.h", "#pragma once\nstd::string f();\n"),
                               ("agent/include/tapewatch/good.h", "#pragma once\n#include <string>\nstd::string f();\n")):
                with open(os.path.join(root, name), "w", encoding="utf-8") as out:
                    out.write(text)
            tree = tidy.Tree(root)
            tree.compile_public()
            self.assertEqual(1, len(tree.faults), tree.faults)
            self.assertIn("bad.h", tree.faults[0])


if __name__ == "__main__":
    unittest.main()
