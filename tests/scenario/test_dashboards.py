# SPDX-License-Identifier: Apache-2.0
"""No panel and no rule names what does not exist: every expression is asked of a real Prometheus that scrapes the running
demo, and an agent that delivers to Elasticsearch and fetches the demo's metrics as its application's.

With TAPEWATCH_WRITE=1 deploy/prometheus/METRICS.md is written anew instead of being compared."""
import glob
import json
import os
import re
import subprocess
import tempfile
import time
import unittest
import urllib.request

import agent as agent_module
import ledger
import needs
from real_prometheus import RealPrometheus, free_port
from sink import Fault, Reply

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
DASHBOARDS = os.path.join(ROOT, "deploy", "grafana", "dashboards", "*.json")
RULES = sorted(glob.glob(os.path.join(ROOT, "deploy", "prometheus", "rules", "*.yaml")))
LIST = os.path.join(ROOT, "deploy", "prometheus", "METRICS.md")
# What a machine may not have, or what only ever shows itself in trouble.
MACHINE = re.compile(r"tapewatch_host_\w+")
NAME = re.compile(r"(?<![\w:])((?:tapewatch|trading|process|up)(?:_\w+)?)(?=[\s{)\[/]|$)")
HEAD = """# Metrics

Every name that tapewatch can show, checked against running agents by `tests/scenario/test_dashboards.py`. The dashboards and rules
name nothing else. `trading_*` are those of [config/metrics/trading.yaml](../../config/metrics/trading.yaml); what a file of yours
derives from lines, and what is fetched from the application, comes on top.

| name | type | what |
|---|---|---|
"""


# A dashboard in JSON has the words of Grafana's enumerations, not their members.
TYPED = """import type { Dashboard } from '@grafana/schema';
type Plain<T> = T extends string ? `${T}` : T extends object ? { [K in keyof T]: Of<K, T[K]> } : T;
type Of<K, T> = K extends 'target' ? Plain<T> & Record<string, unknown> : Plain<T>;
export const dashboard: Plain<Dashboard> = """
NODE_PACKAGES = ["@grafana/schema@13.2.3", "typescript@5.9.3"]


def node_tools():
    """A folder with the pinned packages, fetched once into the cache."""
    npm = needs.program("npm", "npm")
    needs.program("node", "nodejs")
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = os.path.join(cache, "tapewatch", "grafana-13.2.3")
    if not os.path.isdir(os.path.join(folder, "node_modules", "typescript")):
        os.makedirs(folder, exist_ok=True)
        done = subprocess.run([npm, "install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", *NODE_PACKAGES],
                              capture_output=True, text=True, timeout=300, check=False)
        if done.returncode != 0:
            needs.skip("npm cannot fetch " + ", ".join(NODE_PACKAGES))
    return folder


def panels():
    """[(dashboard, panel)] but for rows."""
    found = []
    for path in sorted(glob.glob(DASHBOARDS)):
        with open(path, encoding="utf-8") as file:
            found += [(os.path.basename(path), panel) for panel in json.load(file)["panels"] if panel["type"] != "row"]
    return found


def filled(expression, window="30s"):
    """What Grafana puts in place of its variables."""
    for name, value in (("$__rate_interval", window), ("$__range", "5m"), ("$__interval", "5s"), ("$job", ".*"), ("$instance", ".*")):
        expression = expression.replace(name, value)
    return expression


def families(text):
    """{name: (type, help)} of a text exposition."""
    helps = dict(re.findall(r"^# HELP (\S+) (.*)$", text, re.M))
    return {name: (kind, helps.get(name, "")) for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M)}


class Files(unittest.TestCase):
    """What can be told without running anything of ours."""

    def test_the_dashboard_is_what_its_code_writes(self):
        done = subprocess.run([os.path.join(ROOT, "deploy", "grafana", "generate"), "--check"], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_every_panel_has_what_a_reader_needs(self):
        titles = set()
        for name, panel in panels():
            with self.subTest(dashboard=name, panel=panel["title"]):
                self.assertGreater(len(panel["description"]), 5)
                self.assertTrue(panel["fieldConfig"]["defaults"]["unit"])
                self.assertTrue(panel["links"])
                self.assertNotIn(panel["title"], titles)
                titles.add(panel["title"])
                place = panel["gridPos"]
                self.assertLessEqual(place["x"] + place["w"], 24)
                for target in panel["targets"]:
                    self.assertIn("$instance", target["expr"])

    def test_the_dashboards_are_of_grafanas_types(self):
        tools = node_tools()

        def faults(dashboard):
            source = os.path.join(tools, "dashboard.ts")
            with open(source, "w", encoding="utf-8") as file:
                file.write(TYPED + json.dumps(dashboard) + ";\n")
            done = subprocess.run(["node", "node_modules/typescript/bin/tsc", "--noEmit", "--strict", "--skipLibCheck", "--module",
                                   "esnext", "--moduleResolution", "bundler", "--target", "es2020", "dashboard.ts"], cwd=tools,
                                  capture_output=True, text=True, timeout=120, check=False)
            return done.stdout + done.stderr
        for path in sorted(glob.glob(DASHBOARDS)):
            with open(path, encoding="utf-8") as file:
                dashboard = json.load(file)
            self.assertEqual("", faults(dashboard), path)
            dashboard["panels"][1]["gridPos"]["w"] = "4"
            self.assertIn("'string' is not assignable to type 'number'", faults(dashboard), "it can fail")

    def test_no_two_panels_lie_on_each_other(self):
        taken = {}
        for name, panel in panels():
            place = panel["gridPos"]
            for x in range(place["x"], place["x"] + place["w"]):
                for y in range(place["y"], place["y"] + place["h"]):
                    self.assertNotIn((name, x, y), taken, f"{panel['title']} lies on {taken.get((name, x, y))}")
                    taken[name, x, y] = panel["title"]

    def test_promtool_on_rules_and_panels(self):
        promtool = needs.program("promtool", "prometheus")

        def run(*arguments):
            done = subprocess.run([promtool, *arguments], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        run("check", "rules", *RULES)
        run("check", "config", os.path.join(ROOT, "deploy", "prometheus", "prometheus.yaml"))
        run("test", "rules", *sorted(glob.glob(os.path.join(ROOT, "deploy", "prometheus", "tests", "*.yaml"))))
        asked = [{"record": "panel:" + str(i), "expr": filled(target["expr"])}
                 for i, (_, panel) in enumerate(panels()) for target in panel["targets"]]
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
            json.dump({"groups": [{"name": "panels", "rules": asked}]}, file)
            file.flush()
            run("check", "rules", file.name)

    def test_every_alert_has_a_test_and_a_chapter(self):
        def text(*path):
            with open(os.path.join(ROOT, "deploy", "prometheus", *path), encoding="utf-8") as file:
                return file.read()
        rules, tests, chapters = text("rules", "alerts.yaml"), text("tests", "alerts_test.yaml"), text("README.md")
        names = re.findall(r"- alert: (\w+)", rules)
        self.assertGreater(len(names), 10)
        for name in names:
            self.assertGreaterEqual(tests.count(f"alertname: {name}\n"), 2, f"{name}: firing and quiet")
            self.assertIn(f"### {name}\n", chapters)
            self.assertIn(f"README.md#{name.lower()}\n", rules)


class Now503(Fault):
    """Every seventh request is refused, so that there is something to retry."""

    def __init__(self):
        super().__init__()
        self.requests = 0

    def on_request(self, sink, request):
        self.requests += 1
        if self.requests % 7:
            return None
        self.fired += 1
        return Reply(status=503)


class Running(ledger.LedgerCase):
    """Everything at once; a minute."""

    def demo(self):
        port = free_port()
        log = open(os.path.join(self.folder, "demo.log"), "wb")
        process = subprocess.Popen([agent_module.binary(), "demo", "--rate", "400", "--address", f"127.0.0.1:{port}"],
                                   stdout=log, stderr=log)
        log.close()
        self.addCleanup(lambda: (process.terminate(), process.wait(20)))
        return f"127.0.0.1:{port}"

    def own_agent(self, demo):
        with open(os.path.join(self.folder, "app.pid"), "w", encoding="ascii") as out:
            out.write(str(os.getpid()))
        return self.start({"metrics": {
            "processes": [{"name": "oms", "pid_file": os.path.join(self.folder, "app.pid")}],
            "scrape": [{"name": "demo", "url": f"http://{demo}/metrics", "interval": "1s"}]}})

    def test_every_panel_shows_something(self):
        demo = self.demo()
        self.sink.faults = [Now503()]
        agent = self.own_agent(demo)
        self.writer().start(rate=200)
        server = RealPrometheus(self.folder, [demo, agent.address], RULES, interval="1s")
        self.addCleanup(server.stop)
        self.until(lambda: server.value("count(up)") >= 3 and server.value("sum(tapewatch_alerts_total)") > 0, 90, "an alert of the demo")
        wanted = [(f"{panel['title']}: {target['expr']}", filled(target["expr"])) for _, panel in panels() for target in panel["targets"]]
        deadline, silent = time.monotonic() + 60, wanted
        while silent and time.monotonic() < deadline:
            silent = [(what, query) for what, query in silent if not server.result(query)]
            time.sleep(1)
        self.assertEqual([], [what for what, _ in silent], "expressions without data")
        self.facts.append(f"{len(wanted)} expressions of {len(panels())} panels")
        self.check_exemplars(server)
        self.check_rules(server)
        self.check_list(agent, demo)
        self.assertEqual([], server.complaints())
        self.quiet()
        self.settle()

    def check_exemplars(self, server):
        for _, panel in panels():
            for target in panel["targets"]:
                if target["exemplar"]:
                    self.assertTrue(server.exemplars(filled(target["expr"])), panel["title"])

    def check_rules(self, server):
        groups = server.ask("rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        self.assertEqual([], [rule["name"] for rule in rules if rule["health"] == "err"])
        recorded = [rule["name"] for rule in rules if rule["type"] == "recording"]
        self.assertEqual([], [name for name in recorded if not server.result(name)], "recorded series without data")
        firing = [rule["name"] for rule in rules if rule.get("state") == "firing"]
        self.assertEqual([], [name for name in firing if name not in ("TradingManyFailedLogins", "TapewatchLosesLines")])
        self.facts.append(f"{len(rules)} rules")

    def check_list(self, agent, demo):
        """METRICS.md has every name that is shown, and nothing that is not; rules and panels name nothing else."""
        shown = families(agent.get("/metrics"))
        with urllib.request.urlopen(f"http://{demo}/metrics", timeout=10) as reply:
            shown.update(families(reply.read().decode()))
        if os.environ.get("TAPEWATCH_WRITE"):
            with open(LIST, "w", encoding="utf-8") as file:
                file.write(HEAD + "".join(f"| `{name}` | {kind} | {text} |\n" for name, (kind, text) in sorted(shown.items())))
        with open(LIST, encoding="utf-8") as file:
            listed = {name: (kind, text) for name, kind, text in re.findall(r"^\| `(\w+)` \| (\w+) \| (.*) \|$", file.read(), re.M)}
        for name, described in shown.items():
            self.assertEqual(described, listed.get(name), name)
        self.assertEqual([], [name for name in listed if name not in shown and not MACHINE.fullmatch(name)], "listed, but not shown")
        asked = [target["expr"] for _, panel in panels() for target in panel["targets"]]
        for path in RULES:
            with open(path, encoding="utf-8") as file:
                asked += re.findall(r"expr: (?:\|\n((?:\s{10,}.*\n)+)|(.*)\n)", file.read())
        for expression in asked:
            for name in NAME.findall(" ".join(expression) if isinstance(expression, tuple) else expression):
                base = re.sub(r"_(bucket|sum|count)$", "", name)
                self.assertTrue(name in listed or listed.get(base, ("",))[0] == "histogram", f"{name} does not exist")


if __name__ == "__main__":
    ledger.main()
