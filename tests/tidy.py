#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tidy: holds the source tree against its own rules, without compiling more than the public headers.

usage: tidy.py [ROOT] [--no-compile]

The module graph is what the tw_module lines of CMakeLists.txt declare. One line a fault, file:line: text; exit 1 when
there is any.
"""
import os
import re
import subprocess
import sys

FILE_LINES_MAX, HEADER_LINES_MAX, FUNCTION_LINES_MAX = 600, 300, 70
TOP = "agent"   # the layer of main, agent, pipeline and configuration: may include everything

# Which module, or which file of the top layer, may include what stands in a third party's headers.
HOMES = {
    "simdjson.h": ["event"], "uv.h": ["loop"], "curl/": ["loop"], "sqlite3.h": ["storage"], "zstd.h": ["storage"],
    "zdict.h": ["storage"],
    "hiredis/": ["storage/redis"], "libpq-fe.h": ["storage/postgres"], "httplib.h": ["http"], "prometheus/": ["metrics"],
    "isa-l": ["sinks"], "re2/": ["base"],
    "xxhash.h": ["base"], "openssl/": ["base"], "hs/": ["base"],
    "yaml-cpp/": ["base"],
}
# Conditional compilation is for base/; these have their reasons.
CONDITIONAL_HOMES = {
    "http/api_server.cc": "holds how the library was built against how it is used",
    "storage/text_search.cc": "vector instructions", "storage/token_filter.cc": "vector instructions",
}
SYSTEM = re.compile(
    r"^(sys/\w+|arpa/inet|netinet/(in|tcp|ip)|net/if|linux/\w+|dlfcn|errno|fcntl|fnmatch|glob|grp|ifaddrs|limits|locale|"
    r"math|netdb|poll|pthread|pwd|sched|signal|spawn|stdint|stdio|stdlib|string|strings|syslog|termios|time|unistd|"
    r"malloc|execinfo|immintrin|emmintrin|tmmintrin|nmmintrin|wmmintrin|arm_neon|arm_acle|getopt|dirent|sysexits|"
    r"cpuid)\.h$")
STANDARD = re.compile(r"^c?[a-z_]+$")  # <vector>, <cstdint>, <source_location>

# Public headers belong to the library that they describe; the others are everybody's.
PUBLIC_OWNERS = {"result.h": None, "api.h": None, "log.h": "client"}
PUBLIC_OWNER_DEFAULT = "storage"

BANNED = [
    (re.compile(r"std::w?regex|<regex>"), "std::regex falls to long lines: base/regex.h"),
    (re.compile(r"\busing namespace\b(?! std::(string_view_)?literals)"), "using namespace"),
    (re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b"), "do it or leave it out"),
    (re.compile(r"(?<![\w.])throw\b(?!\()"), "errors are Results"),
    (re.compile(r"\b(instance|getInstance)\(\)"), "no singletons"),
    (re.compile(r"\bclass \w+(Manager|Helper|Util|Utils|Impl|Info)\b"), "a name that says nothing"),
    (re.compile(r"\bfriend class \w*Test\b|\bFRIEND_TEST\b"), "tests use what is public"),
    (re.compile(r"^\s*/\*|\*/\s*$"), "comments are //"),
    (re.compile(r"\bstd::this_thread::sleep_for\b|\busleep\("), "nothing sleeps: use a timer"),
    (re.compile(r"\b(rand|srand|strtok|gmtime|localtime|asctime|sprintf|strcpy|strcat|gets|system|popen)\("),
     "not safe with threads or with strangers' bytes"),
    (re.compile(r"\b(std::)?(stoi|stol|stoll|stoul|stoull|stod|stof)\("), "throws: use from_chars"),
]
GETENV = re.compile(r"\bgetenv\(")
GETENV_HOMES = ("surroundings.cc",)
CONDITIONAL = re.compile(r"^\s*#\s*(if|ifdef|ifndef|elif)\b")
# A declaration that starts with static, is no function and neither const nor constexpr.
MUTABLE_STATIC = re.compile(r"^\s*(static|thread_local|static thread_local)\s+(?!const\b|constexpr\b|constinit const\b|_assert)"
                            r"[\w:<>,&*\s]+?[\s&*]\w+\s*(;|=|\{)")
# A correlation scope of the client library belongs to the thread that opened it: there is nothing to inject it through.
THREAD_STATE_HOMES = ("client/logger.cc",)
UNSAFE_PAGE = re.compile(r"\binnerHTML\b|\bouterHTML\b|\beval\(|\bdocument\.write\(|\binsertAdjacentHTML\b")
URL = re.compile(r"https?://(?:[^\s\"'`/@<>()]*@)?([A-Za-z0-9][A-Za-z0-9.\-]*|\[[0-9a-fA-F:]+\])")
URL_HOSTS = re.compile(
    r"^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|0\.0\.0\.0|10\.\d.*|192\.0\.2\..*|(.*\.)?(example|test|invalid|local|internal)|(.*\.)?(example|evil)\.(com|org|net)|"
    r"[a-z0-9-]+|(.*\.)?(svc|cluster\.local)|(www\.)?w3\.org|maven\.apache\.org|opensearch\.org|(www\.)?elastic\.co|json-schema\.org|"
    r"sigmahq\.io|prometheus\.io|www\.apache\.org|.*\.apache\.org|spdx\.org|keepachangelog\.com|semver\.org|169\.254\..*|xxhash\.com|[\d.]+)$")
CONFLICT = re.compile(r"[<>]{7} ")
MACHINE_PATH = re.compile(r"(?<![\w.$}])/(work|workspace)/[a-z]")
TEXT_SUFFIXES = (".cc", ".h", ".py", ".md", ".yaml", ".yml", ".txt", ".cmake", ".json", ".service", ".sh", ".html", ".js", ".css",
                 ".xml", ".conf", ".toml")


# What a README names of the tree: a path from the root, and behind "| `" or "](" also one from its own folder.
NAMED_FROM_ROOT = re.compile(r"(?<![\w./*-])(?:agent|config|rules|deploy|systemd|tests)/[\w./-]*\w")
NAMED_FROM_HERE = re.compile(r"^\| `([\w.-]+/[\w./-]*)`|\]\((?!https?:)([\w./-]+)\)")


class Tree:
    def __init__(self, root):
        self.root = root
        self.faults = []
        self.modules = self.read_modules()

    def fault(self, path, line, text):
        self.faults.append(f"{os.path.relpath(path, self.root)}:{line}: {text}")

    # The declared graph.

    def read_modules(self):
        path = os.path.join(self.root, "CMakeLists.txt")
        modules = {}
        for number, line in enumerate(read(path), 1):
            match = re.match(r"tw_module\((\w+)(.*)\)\s*(#.*)?$", line)
            if not match or match[1] == "name":
                continue
            words, depends, inside = match[2].split(), set(), False
            for word in words:
                inside = word == "DEPENDS" or (inside and word not in ("LIBS", "SHARED"))
                if inside and word != "DEPENDS":
                    depends.add(word)
            modules[match[1]] = (depends, number)
        if not modules:
            self.fault(path, 1, "no tw_module line: the module graph is not declared")
        for name, (depends, number) in modules.items():
            for other in depends - modules.keys():
                self.fault(path, number, f"{name} depends on {other}, which is no module")
        return modules

    def check_cycles(self):
        path, done = os.path.join(self.root, "CMakeLists.txt"), set()

        def visit(name, trail):
            if name in trail:
                number = self.modules[name][1]
                self.fault(path, number, "cycle of modules: " + " -> ".join([*trail[trail.index(name):], name]))
            elif name not in done and name in self.modules:
                for other in sorted(self.modules[name][0]):
                    visit(other, [*trail, name])
                done.add(name)
        for name in sorted(self.modules):
            visit(name, [])

    # The includes.

    def check_includes(self, path, inside, lines):
        """`inside`: the path below agent/."""
        module = inside.split("/")[0] if "/" in inside else TOP
        for number, line in enumerate(lines, 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if not match:
                continue
            if match[1] == "<":
                self.check_foreign(path, number, inside, module, match[2])
            else:
                self.check_own(path, number, module, match[2])

    def check_foreign(self, path, number, inside, module, header):
        if STANDARD.match(header) or SYSTEM.match(header):
            return
        for prefix, homes in HOMES.items():
            if header == prefix or (header.startswith(prefix) and not prefix.endswith(".h")):
                if module not in homes and not any("/" in h and inside.startswith(h) or h == inside for h in homes):
                    self.fault(path, number, f"<{header}> outside its home ({', '.join(homes)})")
                return
        self.fault(path, number, f"<{header}> is neither of the system nor of a third party with a home: see HOMES in tests/tidy.py")

    def check_own(self, path, number, module, header):
        first, _, rest = header.partition("/")
        depends = self.modules.get(module, (set(), 0))[0]
        if first == "tapewatch" and rest:
            owner = PUBLIC_OWNERS.get(rest, PUBLIC_OWNER_DEFAULT)
            if owner and module not in (owner, TOP, "include") and owner not in depends:
                self.fault(path, number, f'{module} includes "{header}" of {owner}, which it does not depend on')
            return
        if module == TOP:
            return
        if module == "include":
            self.fault(path, number, f'a public header includes "{header}": only other public headers stand beside it')
        elif not rest:
            self.fault(path, number, f'{module} includes "{header}" of the top layer (or without its folder)')
        elif module == "client":
            if first != "client":
                self.fault(path, number, f'client stands alone, but includes "{header}"')
        elif first == "storage" and module != "storage":
            self.fault(path, number, f'{module} includes "{header}": of storage only the public headers are for others')
        elif first != module and first not in depends:
            self.fault(path, number, f'undeclared edge {module} -> {first}: "{header}"')

    # One file.

    def check_source(self, path, inside):
        lines = read(path)
        header = path.endswith(".h")
        limit = HEADER_LINES_MAX if header else FILE_LINES_MAX
        if len(lines) > limit:
            self.fault(path, limit, f"{len(lines)} lines, at most {limit}")
        if not any("SPDX-License-Identifier" in line for line in lines[:2]):
            self.fault(path, 1, "no SPDX-License-Identifier line")
        if header and "#pragma once" not in [line.strip() for line in lines[:3]]:
            self.fault(path, 1, "no #pragma once")
        self.check_includes(path, inside, lines)
        for number, line in enumerate(lines, 1):
            code = strip(line)
            for pattern, why in BANNED:
                if pattern.search(line if "comment" in why or "leave" in why else code):
                    self.fault(path, number, f"{line.strip()[:60]}: {why}")
            if CONDITIONAL.match(line) and not inside.startswith(("base/", "include/")) and inside not in CONDITIONAL_HOMES:
                self.fault(path, number, "conditional compilation outside base/")
            if MUTABLE_STATIC.match(code) and inside not in THREAD_STATE_HOMES:
                self.fault(path, number, f"mutable static state: {line.strip()[:60]}")
            if GETENV.search(code) and not inside.startswith(GETENV_HOMES):
                self.fault(path, number, "the environment is read in surroundings.cc alone")
        for begin, length in functions(lines):
            if length > FUNCTION_LINES_MAX:
                self.fault(path, begin, f"a function of {length} lines, at most {FUNCTION_LINES_MAX}")

    def check_text(self, path):
        """What holds for every text file of the tree."""
        try:
            lines = read(path)
        except UnicodeDecodeError:
            return
        for number, line in enumerate(lines, 1):
            if line.endswith((" ", "\t", "\r")) and path.endswith((".cc", ".h", ".py", ".md", ".cmake")):
                self.fault(path, number, "white space at the end of the line")
            if CONFLICT.match(line):
                self.fault(path, number, "a mark of a merge that was not finished")
            if MACHINE_PATH.search(line):
                self.fault(path, number, "a path of one machine")
            for host in URL.findall(line):
                if not URL_HOSTS.match(host.rstrip(".")):
                    self.fault(path, number, f"an address of a host that is not in the list: {host}")
        if path.endswith(".py") and len(lines) > FILE_LINES_MAX:
            self.fault(path, FILE_LINES_MAX, f"{len(lines)} lines, at most {FILE_LINES_MAX}")

    def check_readme(self, path):
        here = os.path.dirname(path)
        for number, line in enumerate(read(path), 1):
            from_here = [a or b for a, b in NAMED_FROM_HERE.findall(line)]
            for name in {*NAMED_FROM_ROOT.findall(line), *from_here}:
                places = [os.path.join(self.root, name)] + [os.path.join(here, name)] * (name in from_here)
                if not any(map(os.path.exists, places)):
                    self.fault(path, number, f"names {name}, which is not there")

    def check_page(self, path):
        for number, line in enumerate(read(path), 1):
            if UNSAFE_PAGE.search(line):
                self.fault(path, number, "the page never turns text into markup or code")

    # The tree.

    def files(self):
        for folder, names, files in os.walk(self.root):
            names[:] = sorted(n for n in names if n not in (".git", "build", "target", "__pycache__", "node_modules"))
            for name in sorted(files):
                yield os.path.join(folder, name)

    def check(self):
        self.check_cycles()
        agent = os.path.join(self.root, "agent")
        for path in self.files():
            if path.startswith(agent + os.sep) and path.endswith((".cc", ".h")):
                self.check_source(path, os.path.relpath(path, agent).replace(os.sep, "/"))
            if path.startswith(os.path.join(agent, "http", "ui")) and path.endswith((".js", ".html")):
                self.check_page(path)
            if path.endswith(TEXT_SUFFIXES) or os.access(path, os.X_OK):
                self.check_text(path)
            if os.path.basename(path) == "README.md":
                self.check_readme(path)
        for folder in ("agent", "config", "rules", "deploy", "systemd", "tests"):
            if os.path.isdir(os.path.join(self.root, folder)) and not os.path.exists(os.path.join(self.root, folder, "README.md")):
                self.fault(os.path.join(self.root, folder), 1, "no README.md")

    def compile_public(self):
        include = os.path.join(self.root, "agent", "include")
        folder = os.path.join(include, "tapewatch")
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            done = subprocess.run(["g++", "-std=c++20", "-Wall", "-Wextra", "-fsyntax-only", "-I", include, "-x", "c++",
                                   "-include", os.path.join(folder, name), "/dev/null"], capture_output=True, text=True, check=False)
            if done.returncode:
                self.fault(os.path.join(folder, name), 1, "does not compile alone: " + done.stderr.strip().split("\n")[0])


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read().split("\n")[:-1]


def strip(line):
    """The line without strings and comments, as far as one line can tell."""
    line = re.sub(r'"(\\.|[^"\\])*"', '""', line)
    line = re.sub(r"'(\\.|[^'\\])'", "' '", line)
    return line.split("//")[0]


def functions(lines):
    """(first line, length) of what looks like a function at the outermost level of a class or namespace: a line that
    ends in `{` after a `)`, up to the brace that closes it."""
    depth, openers, in_raw = 0, [], None
    statement, statement_line = "", 0
    for number, line in enumerate(lines, 1):
        if in_raw:
            if in_raw not in line:
                continue
            line, in_raw = line.split(in_raw, 1)[1], None
        raw = re.search(r'R"(\w*)\(', line)
        if raw and f"){raw[1]}\"" not in line[raw.end():]:
            in_raw, line = f"){raw[1]}\"", line[:raw.start()]
        code = strip(line)
        if code.lstrip().startswith("#"):
            continue
        for c in code:
            if c == "{":
                function = not any(kind for kind, _ in openers) and is_function(statement)
                openers.append((function, statement_line or number))
                depth += 1
                statement, statement_line = "", 0
            elif c == "}":
                if openers:
                    function, begin = openers.pop()
                    if function:
                        yield begin, number - begin + 1
                statement, statement_line = "", 0
            elif c == ";":
                statement, statement_line = "", 0
            else:
                if not statement.strip() and not c.isspace():
                    statement_line = number
                statement += c
        statement += " "


def is_function(statement):
    text = statement.strip()
    return bool(re.search(r"\)\s*(const|noexcept|override|final|&|REQUIRES\([^)]*\)|EXCLUDES\([^)]*\)|:.*|->.*|\s)*$", text)) and \
        not re.match(r"^(if|for|while|switch|namespace|class|struct|enum|union|return|else|do|extern)\b", text) and "(" in text


def main():
    arguments = [a for a in sys.argv[1:] if not a.startswith("--")]
    tree = Tree(os.path.abspath(arguments[0] if arguments else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")))
    tree.check()
    if "--no-compile" not in sys.argv:
        tree.compile_public()
    for fault in tree.faults:
        print(fault)
    print(f"tidy: {len(tree.modules)} modules, {len(tree.faults)} faults")
    return 1 if tree.faults else 0


if __name__ == "__main__":
    sys.exit(main())
