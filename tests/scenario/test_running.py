# SPDX-License-Identifier: Apache-2.0
"""What the agent does and tells while it runs: rules that notice silence, what /api/v1 says of rules and reloads, and the
limit of open files."""
import json
import os
import re
import signal
import time

import ledger

RULES = """\
title: Heartbeat
id: 6a1f0f52-6c1e-4f0e-9d5b-0d2f1a3c7e01
name: heartbeat
logsource: {product: tapewatch}
detection: {selection: {message: beat}, condition: selection}
---
title: No heartbeat
id: 6a1f0f52-6c1e-4f0e-9d5b-0d2f1a3c7e02
level: high
correlation:
  type: event_count
  rules: [heartbeat]
  timespan: 2s
  condition: {lt: 1}
"""
LATENESS_S = 30


class Running(ledger.LedgerCase):
    def append(self, *records):
        with open(self.path(), "ab") as log:
            for record in records:
                log.write(json.dumps(record).encode() + b"\n")

    def with_rules(self):
        path = os.path.join(self.folder, "rules.yaml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(RULES)
        return self.start({"rules": {"include": [path]}})

    def rules(self):
        return {rule["title"]: rule for rule in self.agent.get_json("/api/v1/rules")["rules"]}

    def test_silence_is_noticed_without_an_event(self):
        agent = self.with_rules()
        began = time.time()
        self.append(*[{"message": "beat", "@timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began))}] * 3)
        self.until(lambda: self.rules()["Heartbeat"]["matches"] == 3, 10, "three matches told by the API")
        self.assertEqual(3, self.rules()["No heartbeat"]["matches"])
        self.assertEqual(0, self.rules()["No heartbeat"]["alerts"])
        self.until(lambda: self.rules()["No heartbeat"]["alerts"] == 1, LATENESS_S + 20, "the alert")
        took = time.time() - began
        self.facts.append(f"alert after {took:.1f} s of silence")
        self.assertGreater(took, LATENESS_S, "before late events had their time")
        self.until(lambda: any(b"No heartbeat" in doc for doc in self.sink.foreign), 10, "the alert in the sink")
        time.sleep(2)
        self.assertEqual(1, self.rules()["No heartbeat"]["alerts"], "told once")
        self.assertEqual(1, agent.metric("tapewatch_alerts_total"))

    def test_a_reload_is_told_and_a_start_stays_one(self):
        agent = self.with_rules()
        first = agent.get_json("/api/v1/status")
        self.assertEqual(first["started"][:19], first["config_loaded"][:19])
        time.sleep(1.1)
        agent.signal(signal.SIGHUP)
        agent.wait_log("stopped")
        self.until(lambda: sum(r.get("message") == "listening" for r in agent.log) == 2, 10, "the agent after the reload")
        second = agent.get_json("/api/v1/status")
        self.assertEqual(first["started"], second["started"])
        self.assertGreater(second["config_loaded"], first["config_loaded"])

    def limit_of(self, agent):
        with open(f"/proc/{agent.pid}/limits", encoding="ascii") as limits:
            return tuple(map(int, re.search(r"Max open files +(\d+) +(\d+)", limits.read()).groups()))

    def test_the_limit_of_open_files_is_raised(self):
        agent = self.make_agent({"limits": {"files_open_max": 500}})
        agent.start(prefix=("prlimit", "--nofile=64:4096"))
        soft, hard = self.limit_of(agent)
        self.assertGreater(soft, 500)
        self.assertLess(soft, hard, "no more than is needed")
        self.assertFalse([r for r in agent.log if "limit of open files" in r.get("message", "")])
        agent.stop()
        agent.start(prefix=("prlimit", "--nofile=64:256"))
        self.assertEqual((256, 256), self.limit_of(agent))
        told = agent.wait_log("the limit of open files is too low")
        self.assertEqual(256, told["limit"])
        self.assertGreater(told["needed"], 500)
        self.assertIn("LimitNOFILE=", told["message"])

    def test_signals_between_two_agents_wait(self):
        """SIGHUP without a pause: many arrive while one agent of the process has ended and the next is not open."""
        agent = self.start()
        reloads = lambda: sum(r.get("message") == "running" for r in agent.log)

        def hang_up():
            if agent.running():
                agent.signal(signal.SIGHUP)
            return reloads() > 8 or not agent.running()
        self.until(hang_up, 30, "eight reloads")
        self.assertTrue(agent.running(), "a hang-up ended the process")
        self.assertEqual(0, agent.stop()[0])


if __name__ == "__main__":
    ledger.main()
