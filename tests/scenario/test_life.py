# SPDX-License-Identifier: Apache-2.0
"""One life with everything switched on at once: both outputs, rules, masking, the webhook, readers on the page's API,
rotations, reloads good and bad, kills. Short, so that it also runs against a binary with sanitizers in it."""
import json
import os
import signal
import socket
import threading
import time
import urllib.error

import ledger
from ledger import merge

RULES = """
title: Large quantity
id: quantity
name: quantity
level: high
detection: {sel: {qty|gte: 300}, condition: sel}
---
title: Many of one order
id: many
correlation: {type: event_count, rules: [quantity], group-by: [ledger.stream], timespan: 1m, condition: {gte: 50}}
---
title: A word anywhere
id: word
detection: {words: [hunter2hunter2, gateway-down], condition: words}
"""
TARGETS = ("/metrics", "/api/v1/status", "/api/v1/files", "/api/v1/rules", "/api/v1/alerts", "/api/v1/search?query=order&limit=20",
           "/api/v1/search?query=log.level:ERROR%20OR%20settlement", "/api/v1/histogram?query=*&from=15m&to=now&buckets=20",
           "/api/v1/trace/ORD-000003", "/-/healthy", "/-/ready", "/", "/nowhere")
SECRET = "hunter2hunter2"


class Life(ledger.LedgerCase):
    def config(self):
        rules = os.path.join(self.folder, "rules.yaml")
        with open(rules, "w", encoding="utf-8") as out:
            out.write(RULES)
        return {"store": {"enabled": True, "flush_interval": "100ms"}, "rules": {"include": [rules]},
                "alerts": {"webhook": {"url": self.sink.url + "/hook"}},
                "outputs": {"elasticsearch": {"compression": "gzip", "bulk_max_size": "64KiB"}},
                "limits": {"read_block_bytes": "64KiB", "in_flight_bytes": "2MiB"}}

    def read_all(self, stop):
        """Every address in turn, and a live tail now and then; the agent may be gone at any moment."""
        while not stop.is_set():
            for target in TARGETS:
                try:
                    self.agent.get(target)
                    self.answers += 1
                except urllib.error.HTTPError:
                    self.answers += 1
                except (OSError, ValueError):
                    time.sleep(0.02)
            try:
                host, port = self.agent.address.rsplit(":", 1)
                with socket.create_connection((host, int(port)), timeout=2) as tail:
                    tail.sendall(b"GET /api/v1/tail HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    tail.settimeout(0.5)
                    tail.recv(65536)
            except (OSError, AttributeError):
                pass

    def reload(self, agent):
        """SIGHUP, and the next agent of the same process answers."""
        before = sum(record.get("message") == "running" for record in agent.log)
        agent.signal(signal.SIGHUP)
        self.until(lambda: sum(r.get("message") == "running" for r in agent.log) > before, 30, "the reload")

    def refuse_reload(self, agent):
        sound, agent.config = agent.config, merge(agent.config, {"limits": {"in_flight_bytes": "nonsense"}})
        agent.write_config()
        agent.signal(signal.SIGHUP)
        agent.wait_log("reload refused")
        agent.config = sound
        agent.write_config()

    def test_everything_at_once(self):
        agent = self.start(self.config())
        self.writer().start(rate=400)
        self.writer("slow", "slow.log").start(rate=20)
        self.answers, stop = 0, threading.Event()
        readers = [threading.Thread(target=self.read_all, args=(stop,), daemon=True) for _ in range(2)]
        for reader in readers:
            reader.start()
        kills = 0
        for turn in range(3):
            with open(self.path("text.log"), "a", encoding="utf-8") as log:
                log.write(f"plain text {turn} password={SECRET} gateway-down\n")
                log.write(json.dumps({"message": "json", "password": SECRET, "note": "gateway-down", "turn": turn}) + "\n")
            time.sleep(0.7)
            self.writers[0].rotate()
            self.reload(agent)
            if turn == 1:
                self.refuse_reload(agent)
                kills += agent.kill() == -signal.SIGKILL
                agent.start(seconds=60)
        self.fired("kills", kills)
        self.quiet()
        stop.set()
        for reader in readers:
            reader.join()
        self.fired("answers", self.answers, 20)
        alerts = agent.get("/api/v1/search?query=event.kind:alert&limit=1000")
        for rule in ("many", "word"):
            self.fired("alerts of " + rule, alerts.count('"rule.id":"%s"' % rule))
        stored = agent.get("/api/v1/search?query=gateway-down&limit=100")
        self.assertNotIn(SECRET, alerts + stored)
        self.assertIn("gateway-down", stored)
        for document in self.sink.foreign:
            self.assertNotIn(SECRET.encode(), document)
        self.assertTrue(any(method == "POST" and target == "/hook" for method, target in self.sink.other_requests))
        self.settle(allow_foreign=True)
        code, _ = agent.stop(30)
        self.assertEqual(0, code)


if __name__ == "__main__":
    ledger.main()
