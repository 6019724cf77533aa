# SPDX-License-Identifier: Apache-2.0
"""The webhook hears of alerts: soon, signed, once each, through its own outage and through the agent's death."""
import hashlib
import hmac
import http.server
import json
import os
import threading
import time

import agent as agent_module
import ledger

RULES = """
title: Order rejected
id: order-rejected
level: high
detection: {s: {event.action: order-rejected}, condition: s}
"""
SECRET = b"a secret of the receiver"
BUSY_LINES_A_SECOND = 5_000
ALERTS = 300


class Receiver:
    """Notes when each alert came; refuses with `status` while that is set."""

    def __init__(self):
        self.came = {}
        self.faults = []
        self.status = 200
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                receiver.take(self.headers, self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def take(self, headers, body):
        if self.status != 200:
            return
        now = time.time()
        stamp, given = (part.split("=")[1] for part in headers["X-Tapewatch-Signature"].split(","))
        if given != hmac.new(SECRET, stamp.encode() + b"." + body, hashlib.sha256).hexdigest():
            self.faults.append("signature")
        alert = json.loads(body)
        number = alert["evidence"][0]["n"]
        if self.came.setdefault(number, now) != now:
            self.faults.append(f"alert {number} twice")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Webhook(ledger.LedgerCase):
    def setUp(self):
        super().setUp()
        self.receiver = Receiver()
        self.addCleanup(self.receiver.stop)
        rules = os.path.join(self.folder, "rules.yaml")
        secret = os.path.join(self.folder, "secret")
        with open(rules, "w", encoding="utf-8") as out:
            out.write(RULES)
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as out:
            out.write(SECRET)
        config = agent_module.default_config(self.folder, None)
        config["rules"] = {"include": [rules]}
        config["alerts"] = {"webhook": {"url": self.receiver.url, "secret": {"file": secret}}}
        self.alerting = agent_module.Agent(self.folder, config).start()
        self.addCleanup(self.alerting.kill)
        self.log = open(os.path.join(self.folder, "logs", "own.log"), "a", encoding="utf-8")
        self.addCleanup(self.log.close)

    def reject(self, number):
        self.log.write(json.dumps({"event.action": "order-rejected", "n": number}) + "\n")
        self.log.flush()
        return time.time()

    def test_alert_latency(self):
        """From the line's write to its POST, among lines that nobody waits for."""
        other = "".join('{"event.action":"order-accepted","order":{"id":"o%d"}}\n' % n for n in range(BUSY_LINES_A_SECOND // 100))
        written = {}
        began = time.monotonic()
        for turn in range(ALERTS):
            self.log.write(other)
            written[turn] = self.reject(turn)
            time.sleep(max(0.0, began + (turn + 1) / 100 - time.monotonic()))
        self.until(lambda: len(self.receiver.came) == ALERTS, 20, "every alert")
        took = sorted(self.receiver.came[n] - written[n] for n in written)
        self.facts.append(f"p50 {took[ALERTS // 2] * 1e3:.0f} ms, p99 {took[ALERTS * 99 // 100] * 1e3:.0f} ms of {ALERTS}")
        self.assertEqual([], self.receiver.faults)
        self.assertLess(took[ALERTS * 99 // 100], 1.0)

    def test_outage_and_death(self):
        """Alerts that wait for the receiver outlive the agent: killed, and stopped."""
        self.receiver.status = 503
        for number in range(5):
            self.reject(number)
        self.until(lambda: self.alerting.metric("tapewatch_alerts_total") == 5, 20, "five alerts")
        self.alerting.kill()
        self.alerting.start()
        self.reject(5)
        self.until(lambda: self.alerting.metric("tapewatch_input_lag_bytes") == 0, 20, "the sixth line")
        self.alerting.stop()
        self.receiver.status = 200
        self.alerting.start()
        self.until(lambda: set(self.receiver.came) == set(range(6)), 90, "all of them")
        self.assertEqual([], self.receiver.faults)
        self.facts.append("6 alerts, each once")


if __name__ == "__main__":
    ledger.main()
