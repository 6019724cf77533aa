# SPDX-License-Identifier: Apache-2.0
"""The commands of the README, as a person meets them: demo, run --once, validate, search, trace."""
import json
import os
import re
import signal
import subprocess
import tempfile
import threading
import time

import ledger
from agent import binary, command
from ledger import store_config


class Cli(ledger.LedgerCase):
    def test_demo_shows_everything_and_ends(self):
        environment = {k: v for k, v in os.environ.items() if k not in ("TAPEWATCH",)}
        with tempfile.TemporaryDirectory() as temporary:
            environment["TMPDIR"] = temporary
            began = time.monotonic()
            process = subprocess.Popen([binary(), "demo", "--address", "127.0.0.1:0"], stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, env=environment, cwd=temporary, start_new_session=True)
            self.addCleanup(lambda: process.poll() is None and process.kill())
            said, seen = [], {}

            def read():
                for line in process.stdout:
                    said.append(line.decode(errors="replace"))
            reader = threading.Thread(target=read, daemon=True)
            reader.start()
            wanted = {"page": r"http://127\.0\.0\.1:\d+/", "event": r"(INFO|WARN|ERROR).*", "alert": r"(?i)\balert\b",
                      "trace": r"(?i)trace of \S+"}

            def all_seen():
                text = "".join(said)
                for what, pattern in wanted.items():
                    if what not in seen and re.search(pattern, text):
                        seen[what] = time.monotonic() - began
                return len(seen) == len(wanted)
            deadline = time.monotonic() + 15
            while not all_seen() and time.monotonic() < deadline:
                time.sleep(0.05)
            text = "".join(said)
            self.facts.append(", ".join(f"{what} {seconds:.1f} s" for what, seconds in seen.items()))
            self.assertEqual(set(wanted), set(seen), text[-3000:])
            self.assertLess(max(seen.values()), 10, text[-3000:])
            # The page and the API are where it says.
            url = re.search(r"http://127\.0\.0\.1:\d+", text)[0]
            found = command("search", "--url", url, "--json", "--limit", "5", "*")
            self.assertEqual((0, 5), (found.returncode, len(found.stdout.splitlines())), found.stderr)
            began = time.monotonic()
            os.killpg(process.pid, signal.SIGINT)  # as a terminal's Ctrl-C does
            self.assertEqual(0, process.wait(15))
            self.facts.append(f"end {time.monotonic() - began:.1f} s")
            reader.join(5)
            self.assertEqual([], os.listdir(temporary), "nothing of it stays behind")
        self.settle()

    def test_once_delivers_and_exits(self):
        writer = self.writer()
        writer.write(5000)
        agent = self.make_agent()
        agent.start(wait=False, arguments=["--once"])
        self.assertEqual(0, agent.wait(60))
        self.fired("lines delivered", self.sink.distinct(), 5000)
        writer.close()
        self.settle()

    def test_once_again_sends_nothing_twice(self):
        writer = self.writer()
        writer.write(100)
        agent = self.make_agent()
        for _ in range(2):
            agent.start(wait=False, arguments=["--once"])
            self.assertEqual(0, agent.wait(60))
        self.assertEqual((100, 0), (self.sink.created, self.sink.resent))
        self.settle()

    def test_validate(self):
        good = os.path.join(self.folder, "good.yaml")
        bad = os.path.join(self.folder, "bad.yaml")
        with open(good, "w", encoding="utf-8") as out:
            out.write("inputs:\n  - include: [/var/log/trading/*.log]\n")
        with open(bad, "w", encoding="utf-8") as out:
            out.write("inputs:\n  - include: [/var/log/trading/*.log]\noutputs:\n  elasticsearch:\n"
                      "    hosts: [\"http://localhost:9200\"]\n    bulk_max_sise: 8MiB\n    timeout: 30\n")
        done = command("validate", "-c", good)
        self.assertEqual(0, done.returncode, done.stderr)
        done = command("validate", "-c", bad)
        self.assertEqual(78, done.returncode)
        said = done.stdout + done.stderr
        for part in ("error[TW0123]", "bad.yaml:6:5", 'unknown key "bulk_max_sise"', 'did you mean "bulk_max_size"', "bad.yaml:7:"):
            self.assertIn(part, said)
        self.assertEqual(78, command("run", "-c", bad).returncode)
        self.assertEqual(2, command("no-such-verb").returncode)

    def test_search_and_trace(self):
        agent = self.start(store_config)
        writer = self.writer()
        writer.write(2500)
        url = f"http://{agent.address}"

        def hits(*words):
            done = command("search", "--url", url, "--json", "--limit", "10000", *words)
            self.assertEqual(0, done.returncode, done.stderr)
            return ledger.read_json_lines(done.stdout)
        began = time.monotonic()
        self.until(lambda: len(hits("ledger.n:2499")) == 1, 20, "the last line in a search")
        self.facts.append(f"found after {time.monotonic() - began:.2f} s")
        self.assertEqual(2500, len({row["ledger"]["n"] for row in hits("*")}), "all of them, page by page")
        self.assertEqual(7, len(hits("order.id:ORD-000003")))
        self.assertGreater(len(hits("約定")), 100)
        self.assertEqual(0, len(hits("nosuchwordanywhere")))
        done = command("trace", "--url", url, "--json", "ORD-000003")
        self.assertEqual(7, len(ledger.read_json_lines(done.stdout)), done.stderr)
        done = command("search", "--url", url, "order.id:(")
        self.assertEqual(2, done.returncode)
        self.settle_store(agent)

    def test_own_log_is_json_and_status_answers(self):
        agent = self.start()
        self.writer().write(10)
        self.until_delivered(20)
        status = agent.get_json("/api/v1/status")
        self.assertTrue(status, status)
        for path in ("/-/healthy", "/-/ready", "/livez", "/readyz"):
            agent.get(path)
        self.until(lambda: "app.log" in json.dumps(agent.get_json("/api/v1/files")), 5, "the file in /api/v1/files")
        agent.stop()
        self.assertEqual([], [record for record in agent.log if record.get("not_json")])
        self.settle()


if __name__ == "__main__":
    ledger.main()
