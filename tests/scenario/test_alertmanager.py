# SPDX-License-Identifier: Apache-2.0
"""A real Alertmanager hears of alerts: firing, updated, over; through its own restart and through ours."""
import http.server
import json
import os
import threading
import time

import agent as agent_module
import ledger
from real_alertmanager import RealAlertmanager

RULES = """
title: Login failed
name: login_failed
id: login-failed
level: low
detection: {s: {event: login, outcome: failure}, condition: s}
---
title: Many failed logins
id: many-failed-logins
level: high
correlation: {type: event_count, rules: [login_failed], group-by: [user.id], timespan: 5s, condition: {gte: 3}}
tapewatch:
  keep_firing_for: 2s
  runbook: https://wiki.example/logins
  labels: {desk: tokyo}
  annotations: {what: "{{ count }} failures of {{ user.id }} from {{ source.ip }}"}
"""


class Notified:
    """What the Alertmanager tells its receiver."""

    def __init__(self):
        told = self.told = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                told.extend((alert["status"], alert["labels"].get("user_id")) for alert in body["alerts"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Alertmanager(ledger.LedgerCase):
    def manager(self, receiver=None, start=True):
        manager = RealAlertmanager(self.folder, receiver)
        self.addCleanup(manager.stop)
        return manager.start() if start else manager

    def agent_for(self, manager):
        with open(os.path.join(self.folder, "rules.yaml"), "w", encoding="utf-8") as out:
            out.write(RULES)
        config = agent_module.default_config(self.folder, None)
        config["rules"] = {"include": [os.path.join(self.folder, "rules.yaml")]}
        config["alerts"] = {"alertmanager": {"urls": [manager.url]}}
        agent = agent_module.Agent(self.folder, config).start()
        self.addCleanup(agent.kill)
        return agent

    def fail_logins(self, user, times=3):
        with open(os.path.join(self.folder, "logs", "own.log"), "a", encoding="utf-8") as out:
            for _ in range(times):
                now = time.time()
                stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1e6) % 1000000:06d}Z"
                out.write(json.dumps({"@timestamp": stamp, "event": "login", "outcome": "failure", "user": {"id": user},
                                      "source": {"ip": "10.0.0.1"}}) + "\n")

    def test_firing_updated_over(self):
        notified = Notified()
        self.addCleanup(notified.stop)
        manager = self.manager(notified.url)
        agent = self.agent_for(manager)
        began = time.monotonic()
        self.fail_logins("u1")
        self.until(lambda: manager.alerts("rule_id=many-failed-logins"), 20, "the alert seen by amtool")
        self.facts.append(f"seen after {time.monotonic() - began:.2f} s")
        alert = manager.alerts("rule_id=many-failed-logins")[0]
        self.assertEqual({"alertname": "Many failed logins", "rule_id": "many-failed-logins", "severity": "high", "desk": "tokyo",
                          "service": "ledger-app", "instance": "ledger", "user_id": "u1"}, alert["labels"])
        self.assertEqual("3 failures of u1 from 10.0.0.1", alert["annotations"]["what"])
        self.assertEqual("https://wiki.example/logins", alert["annotations"]["runbook_url"])
        self.fail_logins("u2")
        self.until(lambda: len(manager.alerts("rule_id=many-failed-logins")) == 2, 20, "the other user")
        # No line comes any more: the clock says that it is over, 30 s of lateness later.
        self.until(lambda: not manager.alerts("rule_id=many-failed-logins"), 90, "the end of both")
        self.until(lambda: ("resolved", "u1") in notified.told and ("resolved", "u2") in notified.told, 30, "notified of the ends")
        self.assertEqual(1, notified.told.count(("firing", "u1")))
        self.assertGreater(agent.metric("tapewatch_output_items_total", output="alertmanager", result="created"), 3)
        self.assertEqual([], manager.complaints())

    def test_alertmanager_is_away(self):
        notified = Notified()
        self.addCleanup(notified.stop)
        manager = self.manager(notified.url, start=False)
        agent = self.agent_for(manager)
        self.fail_logins("u1")
        self.until(lambda: agent.metric("tapewatch_output_items_total", output="alertmanager", result="retried") > 0, 20,
                   "an attempt that failed")
        manager.start()
        self.until(lambda: ("firing", "u1") in notified.told, 90, "the alert after the outage")
        manager.stop(gently=True)
        manager.start()
        self.until(lambda: ("resolved", "u1") in notified.told, 150, "its end, by an Alertmanager that was started anew")

    def test_the_agent_is_restarted(self):
        manager = self.manager(start=False)
        agent = self.agent_for(manager)
        self.fail_logins("u1")
        state = os.path.join(self.folder, "state", "alertmanager.state")
        def written():
            if not os.path.exists(state):
                return False
            with open(state, "rb") as file:
                return b"u1" in file.read()
        self.until(written, 20, "the file of firing alerts")
        agent.kill()
        agent.start()
        manager.start()
        self.until(lambda: manager.alerts("user_id=u1"), 90, "the alert of the life before")
        self.facts.append("killed, and told by the next life")


if __name__ == "__main__":
    ledger.main()
