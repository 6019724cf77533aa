# SPDX-License-Identifier: Apache-2.0
"""What rules remember outlives the agent: killed at any moment, again and again, it tells the alerts that one undisturbed
run over the same file tells (a backtest is one): the same ids, none missing, none more than once; and a reload goes on."""
import collections
import http.server
import json
import os
import signal
import threading
import time

import ledger
from agent import command
from ledger import store_config
from store import read_rows

KILLS = 25
LINES = 6000
# A message that was taken so shortly before a kill may not have been noted: it comes again, under the same id.
UNNOTED_S = 0.1
BEGIN = 1_767_571_200  # 2026-01-05T00:00:00Z

RULES = """
title: Failed
name: failed
id: failed
detection: {s: {event.action: login, event.outcome: failure}, condition: s}
---
title: Passed
name: passed
id: passed
detection: {s: {event.action: login, event.outcome: success}, condition: s}
---
title: Export
name: export
id: export
detection: {s: {event.action: export}, condition: s}
---
title: Many failed logins
id: many-failed
level: high
correlation: {type: event_count, rules: [failed], group-by: [user.id], timespan: 60s, condition: {gte: 5}}
tapewatch: {keep_firing_for: 20s}
---
title: Failed, then passed, then exported
id: in-order
level: critical
correlation: {type: temporal_ordered, rules: [failed, passed, export], group-by: [user.id], timespan: 20s}
---
title: Many exports for a while
id: for-a-while
correlation: {type: value_sum, rules: [export], group-by: [user.id], timespan: 2m, condition: {gt: 2500, field: rows}}
tapewatch: {for: 10s, realert: {every: 1m, exponential: true, max: 10m}}
---
title: Nobody logs in
id: silent
anomaly: {type: silence, rules: [passed], group-by: [user.id], window: 45s}
---
title: A new place
id: new-place
anomaly: {type: new_value, rules: [passed], fields: [user.id, source.ip], learn: 5m}
---
title: Odd size of exports
id: odd
anomaly: {type: adaptive, rules: [export], signal: {agg: avg, field: rows}, step: 5s, sensitivity: 0.01, min-samples: 1}
---
title: Large export
id: large
detection: {s: {event.action: export, rows|gte: 990}, condition: s}
tapewatch: {realert: 2m}
"""


class Webhook:
    """Takes messages, and knows when each came."""

    def __init__(self):
        self.messages = []  # (time, path, body); the path is the number of the life that told it
        taken = self.messages

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                taken.append((time.monotonic(), self.path, body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # who asked was killed
        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def seen(self):
        return collections.Counter((body["id"], body["status"], body["time"]) for _, _, body in list(self.messages))


class AlertState(ledger.LedgerCase):
    def setUp(self):
        super().setUp()
        self.webhook = Webhook()
        self.addCleanup(self.webhook.stop)
        self.kills = []
        self.rules = os.path.join(self.folder, "rules.yaml")
        self.write_rules(RULES)
        self.now = BEGIN

    def write_rules(self, text):
        with open(self.rules, "w", encoding="utf-8") as out:
            out.write(text)

    def agent_with(self, more=None):
        config = {"rules": {"include": [self.rules]}, "alerts": {"webhook": {"url": self.webhook.url}}}
        return self.make_agent(ledger.merge(config, more or {}))

    def lines(self, count):
        """What users do, in event time: bursts of failures, exports, pauses, and now and then a line that comes late."""
        out = []
        for _ in range(count):
            rng = self.rng
            self.now += rng.choice((0, 0, 0.1, 0.5, 1)) if rng.random() < 0.99 else rng.uniform(30, 120)
            action, outcome = rng.choice((("login", "failure"), ("login", "success"), ("export", None)))
            at = self.now - (rng.uniform(0, 20) if rng.random() < 0.05 else 0)
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at * 1000) % 1000:03d}Z"
            line = {"@timestamp": stamp, "event": {"action": action}, "user": {"id": f"u{rng.randrange(12)}"},
                    "source": {"ip": f"10.0.0.{rng.choice((1, 1, 1, 1, rng.randrange(40)))}"}}
            if outcome:
                line["event"]["outcome"] = outcome
            else:
                line["rows"] = rng.randrange(1000)
            out.append(json.dumps(line).encode() + b"\n")
        return out

    def much_later(self):
        """A line of no rule: all that lines before it could still change is told once it is read, live as in a backtest."""
        self.now += 3600
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.now))
        self.append([json.dumps({"@timestamp": stamp, "event": {"action": "closed"}}).encode() + b"\n"])

    def append(self, lines):
        with open(self.path(), "ab", buffering=0) as log:
            log.write(b"".join(lines))

    def live(self, agent, **options):
        agent.config["alerts"]["webhook"]["url"] = f"{self.webhook.url}{len(self.kills)}"
        return agent.start(**options)

    def kill(self, agent):
        self.kills.append(time.monotonic())
        return agent.kill() == -signal.SIGKILL

    # The judgement.

    def backtest(self):
        shown = command("backtest", "-c", os.path.join(self.folder, "tapewatch.yaml"), "--resolved", self.path())
        self.assertEqual(0, shown.returncode, shown.stderr)
        alerts = ledger.read_json_lines(shown.stdout)
        wanted = collections.Counter((a["id"], a.get("state", "firing"), a["@timestamp"], a["count"], a["rule"],
                                      a.get("score"), a["offset"]) for a in alerts)
        kinds = {a["rule"] for a in alerts}
        self.assertLessEqual({"many-failed", "in-order", "for-a-while", "silent", "new-place", "odd", "large"}, kinds)
        self.facts.append(f"alerts: {len(alerts)}")
        return wanted

    @staticmethod
    def keys_of(documents):
        alerts = (json.loads(doc) for doc in documents if b'"event.kind":"alert"' in doc)
        return collections.Counter((a["alert.id"], a["event.action"], a["@timestamp"], a["alert.count"], a["rule.id"],
                                    a.get("alert.score"), a.get("log.offset", 0)) for a in alerts)

    def check_documents(self, wanted, documents):
        got = self.keys_of(documents)
        self.assertEqual({}, dict(wanted - got), "alerts that are missing")
        self.assertEqual({}, dict(got - wanted), "alerts that are too many")

    def check_webhook(self, wanted):
        want = collections.Counter(key[:3] for key in wanted)
        got = self.webhook.seen()
        self.assertEqual(set(want), set(got))
        again = {key for key, count in got.items() if count > want[key]}
        for key in again:
            told = [(at, int(path[1:])) for at, path, body in self.webhook.messages
                    if (body["id"], body["status"], body["time"]) == key]
            for at, life in told[:-1]:
                before = self.kills[life] - at if life < len(self.kills) else 1e9
                self.assertLess(before, UNNOTED_S, f"told twice, though it was taken {before:.3f} s before the kill: {key}")
        self.facts.append(f"told again, unnoted: {len(again)}")
        self.assertLessEqual(len(again), len(self.kills) // 4)

    def churn(self, more):
        """Lines come while the agent lives for moments; then it lives on, and all is read."""
        agent = self.agent_with(more)
        lines = self.lines(LINES)
        stop = threading.Event()

        def write():
            step = 20
            for at in range(0, len(lines), step):
                self.append(lines[at:at + step])
                if stop.wait(0.02):
                    step = len(lines)
        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        died = 0
        for _ in range(KILLS):
            self.live(agent, wait=False)
            time.sleep(self.rng.uniform(0.05, 0.8))
            died += self.kill(agent)
        self.fired("kills", died, KILLS)
        writer.join()
        self.much_later()
        self.live(agent)
        self.assertEqual([], [record for record in agent.log if "start anew" in record.get("message", "")])
        return agent, lines

    def until_read(self, agent, lines):
        self.until(lambda: agent.metric("tapewatch_input_lag_bytes") == 0 and agent.running(), 60, "all lines")
        time.sleep(0.5)

    def until_told(self, wanted):
        want = {key[:3] for key in wanted}
        try:
            self.until(lambda: want <= set(self.webhook.seen()), 20, "the webhook")
        except AssertionError:
            pass  # the comparison says more

    def test_killed_elasticsearch(self):
        agent, lines = self.churn({})
        self.until(lambda: len(self.sink.foreign) > LINES, 60, "all lines")
        self.until_read(agent, lines)
        wanted = self.backtest()
        self.until_told(wanted)
        self.check_documents(wanted, self.sink.foreign)
        self.check_webhook(wanted)
        agent.stop()
        self.print_facts()

    def test_killed_store(self):
        agent, lines = self.churn(store_config)
        self.until_read(agent, lines)
        wanted = self.backtest()
        self.until_told(wanted)
        self.check_documents(wanted, read_rows(agent))
        self.check_webhook(wanted)
        self.print_facts()

    def test_killed_both(self):
        agent, lines = self.churn({"store": {"enabled": True, "flush_interval": "100ms"}})
        self.until(lambda: len(self.sink.foreign) > LINES, 60, "all lines")
        self.until_read(agent, lines)
        wanted = self.backtest()
        self.until_told(wanted)
        self.check_documents(wanted, self.sink.foreign)
        self.check_documents(wanted, read_rows(agent))
        self.check_webhook(wanted)
        self.print_facts()

    def test_once_and_once_again(self):
        agent = self.agent_with()
        for life in range(4):
            self.append(self.lines(700))
            if life == 3:
                self.much_later()
            self.live(agent, wait=False, arguments=("--once",))
            self.assertEqual(0, agent.wait(30))
        wanted = self.backtest()
        self.check_documents(wanted, self.sink.foreign)
        self.check_webhook(wanted)
        self.assertEqual(sum(wanted.values()), len(self.webhook.messages))
        self.print_facts()

    def test_sink_is_away_when_killed(self):
        """Alerts of lines that the state has seen and nobody has acknowledged."""
        agent = self.agent_with()
        self.append(self.lines(1000))
        self.sink.close()
        self.live(agent)
        self.until(lambda: len(self.webhook.messages) > 20, 20, "alerts")
        time.sleep(0.5)  # the state is written, positions are not
        self.kill(agent)
        self.sink.open()
        self.live(agent)
        self.append(self.lines(1000))
        self.much_later()
        self.until(lambda: len(self.sink.foreign) >= 2000, 30, "all lines")
        self.until_read(agent, None)
        wanted = self.backtest()
        self.until_told(wanted)
        self.check_documents(wanted, self.sink.foreign)
        self.check_webhook(wanted)
        self.print_facts()

    # Moments of now, for what the clock does.

    def fail_login(self, user, times=1):
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = json.dumps({"@timestamp": stamp, "event": {"action": "login", "outcome": "failure"}, "user": {"id": user}})
        self.append([line.encode() + b"\n"] * times)

    def told(self, rule, status="firing"):
        return sum(body["rule"] == rule and body["status"] == status for _, _, body in list(self.webhook.messages))

    def test_reload_goes_on(self):
        agent = self.agent_with()
        agent.start()
        self.fail_login("u1", 4)
        self.until(lambda: self.told("many-failed") == 0 and len(self.sink.foreign) == 4, 20, "four lines")
        # Another rule changes, this one only in what it shows.
        self.write_rules(RULES.replace("timespan: 20s", "timespan: 25s").replace("Many failed logins", "Very many"))
        for number in (2, 3):
            agent.signal(signal.SIGHUP)
            self.until(lambda n=number: sum(r.get("message") == "running" for r in agent.log) == n, 20, "the reload")
        went_on = [record for record in agent.log if record.get("message") == "rules go on"]
        self.assertEqual([1, 0], [record["start_anew"] for record in went_on])
        self.until(lambda: sum(r.get("message") == "listening" for r in agent.log) == 3, 20, "the third to listen")
        self.fail_login("u1")
        self.until(lambda: self.told("many-failed") == 1, 20, "the alert of five failures, four of them before")
        self.assertEqual("Very many", self.webhook.messages[-1][2]["title"])
        agent.signal(signal.SIGHUP)
        self.until(lambda: sum(r.get("message") == "listening" for r in agent.log) == 4, 20, "one more")
        self.assertEqual(1, self.told("many-failed"))
        self.assertEqual(5, sum(rule["matches"] for rule in agent.get_json("/api/v1/rules")["rules"]
                                if rule["id"] == "many-failed"), "counters go on")

    def test_alert_of_the_clock(self):
        """One that no line gave: told, not delivered, killed; delivered by the next life, once."""
        self.write_rules(RULES.replace("window: 45s", "window: 2s").replace("rules: [passed], group-by", "rules: [failed], group-by"))
        agent = self.agent_with({"store": {"enabled": True, "flush_interval": "100ms"}})
        agent.start()
        self.fail_login("u1")
        self.until(lambda: len(self.sink.foreign) == 1, 20, "the line")
        self.sink.close()
        self.until(lambda: self.told("silent") == 1, 60, "the alert of the clock")
        time.sleep(0.5)
        self.kill(agent)
        self.sink.open()
        agent.start()

        def silent(documents):
            return sum(key[4] == "silent" for key in self.keys_of(documents).elements())
        self.until(lambda: silent(self.sink.foreign) == 1, 20, "its document")
        self.kill(agent)
        agent.start()
        time.sleep(1)
        self.assertEqual(1, silent(self.sink.foreign))
        self.assertEqual(1, silent(read_rows(agent)))
        self.assertEqual(1, self.told("silent"))

    def test_damaged_state(self):
        agent = self.agent_with()
        self.append(self.lines(200))
        agent.start(wait=False, arguments=("--once",))
        self.assertEqual(0, agent.wait(30))
        path = os.path.join(self.folder, "state", "rules")
        with open(path, "rb") as file:
            whole = file.read()
        for at in sorted(self.rng.sample(range(len(whole)), 12) + [0, 5, len(whole) - 1]):
            with open(path, "wb") as out:
                out.write(whole[:at] + bytes([whole[at] ^ 1 << self.rng.randrange(8)]) + whole[at + 1:])
            agent.start(wait=False, arguments=("--once",))
            self.assertEqual(0, agent.wait(30))
            agent.wait_log("a damaged state of the rules was put aside", 5)
        with open(path, "wb") as out:
            out.write(whole[:len(whole) // 2])
        agent.start(wait=False, arguments=("--once",))
        self.assertEqual(0, agent.wait(30))
        agent.wait_log("a damaged state of the rules was put aside", 5)
        agent.start(wait=False, arguments=("--once",))
        self.assertEqual(0, agent.wait(30))
        agent.wait_log("rules go on", 5)

    def print_facts(self):
        print(f"  {self.name()}: " + "; ".join(self.facts), flush=True)


if __name__ == "__main__":
    ledger.main()
