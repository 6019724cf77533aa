# SPDX-License-Identifier: Apache-2.0
"""The root README, done as written: each command of "Use it" in its order, and the least configuration."""
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from agent import binary

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
ORDER = "ORD-20260105-000042"


def readme():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        return file.read()


def commands():
    """verb -> the line, as the section "Use it" shows it, with its comment gone."""
    section = readme().split("## Use it")[1].split("\n## ")[0]
    lines = [line.split("   #")[0].strip() for line in section.splitlines() if line.startswith("    tapewatch ")]
    return {line.split()[1]: line for line in lines}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Readme(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="tapewatch-readme-")
        self.addCleanup(holder.cleanup)
        self.folder = holder.name
        self.environment = {**os.environ, "PATH": os.path.dirname(binary()) + os.pathsep + os.environ["PATH"],
                            "XDG_STATE_HOME": os.path.join(self.folder, "state")}
        self.environment.pop("STATE_DIRECTORY", None)
        # The README's place is the root of the tree: rules/ is there, and what takes no -c reads config/tapewatch.yaml.
        os.symlink(os.path.join(ROOT, "rules"), os.path.join(self.folder, "rules"))
        os.symlink(".", os.path.join(self.folder, "config"))
        os.makedirs(os.path.join(self.folder, "conf.d"))
        with open(os.path.join(self.folder, "conf.d", "port.yaml"), "w", encoding="utf-8") as out:
            out.write(f"http: {{address: '127.0.0.1:{free_port()}'}}\n")
        os.makedirs(os.path.join(self.folder, "log"))
        self.log = os.path.join(self.folder, "log", "app.log")
        os.symlink(self.log, os.path.join(self.folder, "app.log"))

    def write_log(self):
        now = time.time()
        with open(self.log, "w", encoding="utf-8") as out:
            for i in range(200):
                stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now - 100 + i / 2)) + "Z"
                out.write(json.dumps({"@timestamp": stamp, "log.level": "ERROR" if i % 20 == 3 else "INFO",
                                      "message": "gateway answered late" if i % 20 == 3 else "order on its way",
                                      "order_id": ORDER if i % 50 == 7 else f"ORD-20260104-{i:06}",
                                      "event": "order.accepted", "qty": 5_000_000 if i == 100 else 10}) + "\n")

    def shell(self, line):
        line = line.replace("/var/log/trading/app.log", self.log)
        return subprocess.run(["sh", "-c", line], cwd=self.folder, env=self.environment, capture_output=True, text=True,
                              timeout=60, check=False)

    def good(self, line):
        done = self.shell(line)
        self.assertEqual(0, done.returncode, f"{line}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        return done.stdout

    def test_use_it(self):
        shown = commands()
        self.assertEqual(["init", "validate", "run", "search", "trace", "backtest"], list(shown))
        self.write_log()
        self.good(shown["init"])
        self.good(shown["validate"])
        agent = subprocess.Popen(["sh", "-c", "exec " + shown["run"]], cwd=self.folder, env=self.environment,
                                 stderr=subprocess.DEVNULL)
        self.addCleanup(agent.wait)
        self.addCleanup(agent.kill)
        deadline = time.monotonic() + 20
        found = ""
        while found.count("gateway") < 10 and time.monotonic() < deadline:
            time.sleep(0.1)
            done = self.shell(shown["search"])
            found = done.stdout
        self.assertEqual(10, found.count("gateway"), done.stdout + done.stderr)
        self.assertEqual(4, self.good(shown["trace"] + " --json").count(ORDER))
        alerts = [json.loads(line) for line in self.good(shown["backtest"]).splitlines()]
        self.assertEqual(["Order of an implausible quantity"], [alert["title"] for alert in alerts])
        agent.send_signal(signal.SIGTERM)
        self.assertEqual(0, agent.wait(20), "SIGTERM drains")

    def test_least_configuration(self):
        text = re.search(r"```yaml\n(.*?)```", readme(), re.DOTALL)[1]
        with open(os.path.join(self.folder, "least.yaml"), "w", encoding="utf-8") as out:
            out.write(text)
        self.good("tapewatch validate -c least.yaml")


if __name__ == "__main__":
    unittest.main()
