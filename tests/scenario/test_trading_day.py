# SPDX-License-Identifier: Apache-2.0
"""A whole trading day under the shipped rules: every incident is found, once, and nothing else is told at level high or
above; the live agent tells exactly what a backtest over the same file tells."""
import collections
import json
import os
import re
import time

import ledger
import places
from agent import command
from ledger import store_config
from store import read_rows
from trading_day import Day

ALERTS = os.path.join(places.ROOT, "rules", "alerts")
SERIOUS = ("high", "critical")
SEED = 42


class TradingDay(ledger.LedgerCase):
    @classmethod
    def setUpClass(cls):
        cls.day = Day(SEED).make()
        cls.bytes = cls.day.text()
        cls.lines = cls.bytes.count(b"\n")

    def print_facts(self):
        print(f"  {self.name()}: " + "; ".join(self.facts), flush=True)

    def write_day(self):
        with open(self.path(), "wb") as out:
            out.write(self.bytes)

    def agent_with(self, more=None):
        return self.make_agent(ledger.merge({"rules": {"include": [ALERTS + "/*.yaml"]}}, more or {}))

    def backtest(self):
        began = time.monotonic()
        shown = command("backtest", "-c", self.agent.write_config(), self.path())
        self.assertEqual(0, shown.returncode, shown.stderr)
        self.facts.append(f"{self.lines} lines backtested in {time.monotonic() - began:.1f} s")
        return ledger.read_json_lines(shown.stdout)

    @staticmethod
    def names():
        listed = command("rules", "list", "--json", "-r", ALERTS)
        return {rule["id"]: rule["name"] for rule in map(json.loads, listed.stdout.splitlines())}

    def test_every_incident_is_found_once(self):
        self.assertEqual(self.bytes, Day(SEED).make().text(), "the same seed gives the same day")
        self.write_day()
        self.agent_with()
        names = self.names()
        alerts = self.backtest()
        found = collections.Counter()
        rules = {rule for rule, _ in self.day.expected}
        for alert in alerts:
            name = names[alert["rule"]]
            if alert["level"] in SERIOUS or name in rules:
                found[name, json.dumps(alert["group"], sort_keys=True)] += 1
        wanted = collections.Counter((rule, json.dumps(group, sort_keys=True)) for rule, group in self.day.expected)
        self.assertEqual({}, dict(wanted - found), "incidents that were not found")
        self.assertEqual({}, dict(found - wanted), "what was no incident")
        self.assertEqual({1}, set(found.values()))
        self.facts.append(f"{len(wanted)} incidents, {len(alerts)} alerts of all levels")
        self.check_flow(next(alert for alert in alerts if names[alert["rule"]] == "execution_without_approval"))
        self.print_facts()

    def check_flow(self, alert):
        self.assertEqual({"step": "executed", "expectation": "executed after approved when requested"}, alert["labels"])

    @staticmethod
    def keys_of(documents):
        """Of the first time that each alert was told, and of every time that it was told again."""
        alerts = (json.loads(document) for document in documents if b'"event.kind":"alert"' in document)
        return collections.Counter((a["alert.id"], a["rule.id"], a["@timestamp"], a["alert.count"]) for a in alerts
                                   if a["event.action"] == "firing")

    def compare(self, documents):
        wanted = collections.Counter((a["id"], a["rule"], a["@timestamp"], a["count"]) for a in self.backtest())
        told = self.keys_of(documents)
        self.assertEqual({}, dict(wanted - told), "not told by the live agent")
        self.assertEqual({}, dict(told - wanted), "told by the live agent alone")
        self.assertGreater(len(told), len(self.day.expected))
        flow = next(json.loads(d) for d in documents if b'"rule.name":"Execution without approval"' in d)
        self.assertEqual("executed came without approved before it", flow["alert.annotations.finding"])
        self.assertEqual("executed", flow["alert.annotations.step"])
        # The lines seen, the newest last.
        actions = [re.search(r'"event\.action": ?"([^"]+)"', line)[1] for line in flow["alert.evidence"]]
        self.assertEqual("approval-requested", actions[0])
        self.assertEqual("trade-executed", actions[-1])
        self.facts.append(f"{len(told)} alerts alike")

    def test_live_once(self):
        self.write_day()
        agent = self.agent_with()
        began = time.monotonic()
        agent.start(wait=False, arguments=["--once"])
        self.assertEqual(0, agent.wait(120))
        self.facts.append(f"live in {time.monotonic() - began:.1f} s")
        self.compare(list(self.sink.foreign))
        self.print_facts()

    def test_live_killed_in_the_middle_of_the_day(self):
        """What rules remember goes on with the positions: two halves are a day."""
        cut = self.bytes.index(b"\n", len(self.bytes) * 6 // 10) + 1
        with open(self.path(), "wb") as out:
            out.write(self.bytes[:cut])
        agent = self.agent_with(store_config)
        agent.start()
        self.until(lambda: agent.metric("tapewatch_input_lag_bytes") == 0, 60, "the first part is read")
        time.sleep(0.3)
        agent.kill()
        with open(self.path(), "ab") as out:
            out.write(self.bytes[cut:])
        agent.start()
        last = max(alert["@timestamp"] for alert in self.backtest())
        self.until(lambda: agent.metric("tapewatch_input_lag_bytes") == 0, 60, "the rest is read")
        self.until(lambda: any(last in row.decode() for row in read_rows(agent, "event.kind:alert")), 20, "the last alert")
        self.compare(read_rows(agent, "event.kind:alert"))
        self.print_facts()


if __name__ == "__main__":
    ledger.main()
