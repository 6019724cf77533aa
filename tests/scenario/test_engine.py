# SPDX-License-Identifier: Apache-2.0
"""End to end into a real engine: 200,000 lines of mixed shape, the agent killed with -9 several times on the way, and
then the engine is asked: are they all there, once each, as they were written, tied together as they should be?"""
import json
import os
import subprocess
import time
import unittest
import urllib.error
import urllib.request
import uuid
from datetime import datetime

import ledger
import needs
from agent import Agent, binary, command, merge

HERE = os.path.dirname(os.path.abspath(__file__))
LINES = int(os.environ.get("TAPEWATCH_ENGINE_LINES", "200000"))
FLOWS = 2000
KILLS = 4
STREAM = "logs-tapewatch.app-e2e"
ODD_FIRST, FLOW_FIRST = 10_000_000, 20_000_000  # sequence numbers of the other two files
# Where the schema moves what a logger calls otherwise. A value may stand under either name.
MOVED = {"timestamp": "@timestamp", "level": "log.level", "logger": "log.logger", "event": "event.action",
         "order_id": "order.id", "trade_id": "trade.id", "session_id": "session.id", "user_id": "user.id",
         "correlation_id": "labels.correlation_id", "host": "host.name", "user": "user.name", "error": "error.message",
         "request_id": "http.request.id", "trace_id": "trace.id", "msg": "message", "service": "service.name",
         "source": "source.address", "trace": "trace.id"}
# What the agent may add.
ADDED = ("@timestamp", "log.", "event.", "labels.", "host.", "service.", "trace.", "span.", "order.", "trade.", "user.", "error.",
         "session.", "transaction.", "source.", "http.request.id", "message", "process.", "related.", "kubernetes.", "ecs.")


def is_secret(path, value):
    """The corpus has made-up card numbers: those with a right check digit are cards, the others are just numbers."""
    if path == "context.card":
        digits = [int(c) for c in value if c.isdigit()][::-1]
        return sum(d if i % 2 == 0 else sum(divmod(2 * d, 10)) for i, d in enumerate(digits)) % 10 == 0
    return path == "context.email"


class Engine:
    def __init__(self, name):
        began = time.monotonic()
        done = subprocess.run([os.path.join(HERE, "..", "engines", "start"), name], capture_output=True, text=True, check=False,
                              timeout=600)
        if done.returncode == 77:
            needs.skip(done.stderr.strip())
        if done.returncode:
            raise AssertionError(done.stderr)
        told = dict(word.split("=", 1) for word in done.stdout.split())
        self.name, self.url, self.folder, self.version = name, told["URL"], told["DIR"], told["VERSION"]
        self.start_s = time.monotonic() - began

    def stop(self):
        subprocess.run([os.path.join(HERE, "..", "engines", "stop"), self.folder], check=False, timeout=60)

    def ask(self, path, body=None, method=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)

    def count(self, query=None):
        try:
            return self.ask(f"/{STREAM}/_count", {"query": query or {"match_all": {}}})["count"]
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return 0
            raise

    def refresh(self):
        self.ask(f"/{STREAM}/_refresh", method="POST")

    def pages(self, query, source, size=5000):
        """Every document in the order of its sequence number."""
        after = None
        while True:
            body = {"query": query, "sort": [{"seq": "asc"}], "size": size, "_source": source, "track_total_hits": False}
            if after:
                body["search_after"] = after
            hits = self.ask(f"/{STREAM}/_search", body)["hits"]["hits"]
            if not hits:
                return
            yield from hits
            after = hits[-1]["sort"]


def flat(value, prefix=""):
    out = {}
    for key, item in value.items():
        if isinstance(item, dict) and item:
            out.update(flat(item, prefix + key + "."))
        else:
            out[prefix + key] = item
    return out


def instant(text):
    return datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00")


def same_value(path, want, got):
    if path == "timestamp":
        return got == want or instant(str(got)) == instant(want)
    if path == "level":
        return str(got).upper().startswith(want.upper()[:4])
    return got == want and type(got) is type(want)


def differences(line, source):
    """What of the line is not in the document, and what of the document nobody has ordered."""
    want, got = flat(line), flat(source)
    faults = []
    for path, value in want.items():
        if is_secret(path, value):
            if value in json.dumps(source):
                faults.append(f"{path} is not masked")
            continue
        places = [place for place in (path, MOVED.get(path), "fields." + path) if place in got]
        if not any(same_value(path, value, got[place]) for place in places):
            faults.append(f"{path}: wrote {value!r}, found {[got[place] for place in places]!r}")
    known = set(want) | {MOVED[path] for path in want if path in MOVED} | {"fields." + path for path in want}
    faults += [f"unexpected {path}: {got[path]!r}" for path in got.keys() - known if not path.startswith(ADDED)]
    return faults


def odd_lines():
    """Shapes that a mapping could trip over: scalars where the schema has objects, types that change, text."""
    shapes = [
        {"host": "web-1", "message": "a host that is a string"}, {"user": "taro", "error": "broken", "message": "strings"},
        {"user": {"id": "u1"}, "error": {"message": "broken"}, "message": "objects"},
        {"event": "login", "message": "an event that is a string"}, {"qty": "many", "message": "text in a number"},
        {"flag": True, "message": "a flag"}, {"flag": "yes", "message": "a flag that is text"},
        {"price": 1.5, "message": "a fraction"}, {"price": 3, "message": "a whole number"},
        {"big": 18446744073709551616, "message": "beyond 64 bits"}, {"list": ["a", "b", None], "message": "a list"},
        {"deep": {"a": {"b": {"c": {"d": [{"e": "f"}]}}}}, "message": "deep"}, {"empty": {}, "none": None, "message": "empty"},
        {"source": "10.0.0.1", "trace": "t1", "message": "more collisions"}, {"日本": "語", "message": "注文を受け付けました"},
        {"message": {"text": "a message that is an object"}}, {"when": "2026-01-05", "message": "a date in a string"},
    ]
    for i in range(len(shapes) * 20):
        yield {"seq": ODD_FIRST + i, "timestamp": f"2026-01-05T10:{i // 60 % 60:02}:{i % 60:02}.000001Z", "level": "INFO",
               **shapes[i % len(shapes)]}


def flow_lines():
    """Orders of five lines each, ten at a time; only the first line of an order names the correlation id."""
    seq = FLOW_FIRST
    for block in range(FLOWS // 10):
        flows = [(f"ORD-{block * 10 + i:06}", f"TRD-{block * 10 + i:06}", str(uuid.UUID(int=(block * 10 + i) * 7919 + 1)))
                 for i in range(10)]
        steps = (lambda o, t, c: {"correlation_id": c, "order_id": o}, lambda o, t, c: {"order_id": o},
                 lambda o, t, c: {"order_id": o, "trade_id": t}, lambda o, t, c: {"trade_id": t}, lambda o, t, c: {"order_id": o})
        for step in steps:
            for order, trade, correlation in flows:
                yield {"seq": seq, "timestamp": f"2026-01-05T11:00:00.{seq % 1000000:06}Z", "level": "INFO",
                       "message": "flow", **step(order, trade, correlation)}, correlation
                seq += 1


class EndToEnd(ledger.LedgerCase):
    def setUp(self):
        self.engine = Engine(self.name().removeprefix("e2e_"))
        self.addCleanup(self.engine.stop)
        super().setUp()
        self.facts.append(f"{self.engine.name} {self.engine.version} up in {self.engine.start_s:.0f} s")

    def write_corpus(self):
        loggen = os.path.join(os.environ.get("TAPEWATCH_BIN", os.path.dirname(binary())), "bench_loggen")
        with open(self.path("corpus.log"), "wb") as out:
            subprocess.run([loggen, "--lines", str(LINES), "--bytes", str(1 << 40), "--seed", str(self.seed % 10**6)], stdout=out,
                           stderr=subprocess.DEVNULL, check=True)
        with open(self.path("odd.log"), "w", encoding="utf-8") as out:
            for line in odd_lines():
                out.write(json.dumps(line, ensure_ascii=False) + "\n")
        with open(self.path("corpus.log"), "rb") as corpus, open(self.path("odd.log"), "rb") as odd:
            return corpus.read().splitlines(), odd.read().splitlines()

    def agent_with(self, more):
        config = merge({
            "service": {"name": "e2e", "instance": "e2e"}, "inputs": [{"name": "app", "include": [self.path("*.log")]}],
            "outputs": {"elasticsearch": {"hosts": [self.engine.url], "data_stream": STREAM, "bulk_max_age": "100ms", "retention": {"app": "30d"},
                                          "backoff": {"init": "100ms", "max": "2s"}}},
            "http": {"address": "127.0.0.1:0"}, "limits": {"checkpoint_interval": "200ms"},
            "state_dir": os.path.join(self.folder, "state")}, more)
        agent = self.agent = Agent(self.folder, config)
        self.agents.append(agent)
        applied = command("setup", "apply", "-c", agent.write_config())
        self.assertEqual(0, applied.returncode, applied.stdout + applied.stderr)
        retained = self.engine.ask("/_index_template/logs-tapewatch.app")["index_templates"][0]["index_template"]
        if self.engine.name == "elasticsearch":
            self.assertEqual("30d", retained["template"]["lifecycle"]["data_retention"])
        else:
            self.assertIn("retention is not applied", applied.stdout)
        again = command("setup", "diff", "-c", agent.write_config())
        self.assertEqual(0, again.returncode, "what was applied is what is there: " + again.stdout + again.stderr)
        return agent

    def deliver(self, agent, total):
        """Kills it on the way, at parts of the whole that the seed draws."""
        kill_at = sorted(int(total * self.rng.uniform(0.05, 0.85)) for _ in range(KILLS))
        agent.start()
        for mark in kill_at:
            self.until(lambda m=mark: agent.items().get("created", 0) + self.before >= m or self.idle(agent), 300, f"{mark} lines")
            self.before += agent.items().get("created", 0)
            agent.kill()
            agent.start()
        self.fired("kill -9", agent.lives - 1, KILLS)
        self.until(lambda: self.idle(agent), 400, "the end of the files")

    @staticmethod
    def idle(agent):
        """Nothing is behind; an agent that has just started may not have looked yet."""
        return time.monotonic() - agent.started_at > 2 and agent.metric("tapewatch_input_lag_bytes") == 0

    def check_all_there_once(self, lines):
        self.engine.refresh()
        self.assertEqual(lines, self.engine.count(), "the engine's count of documents")
        ids, seqs = set(), []
        for hit in self.engine.pages({"match_all": {}}, False):
            ids.add(hit["_id"])
            seqs.append(hit["sort"][0])
        self.assertEqual(lines, len(ids), "distinct ids")
        return seqs

    def check_sources(self, written, sample):
        wrong = []
        for begin in range(0, len(sample), 500):
            query = {"terms": {"seq": [json.loads(written[i])["seq"] for i in sample[begin:begin + 500]]}}
            found = {hit["_source"]["seq"]: hit["_source"] for hit in self.engine.pages(query, True, 1000)}
            for i in sample[begin:begin + 500]:
                line = json.loads(written[i])
                faults = differences(line, found[line["seq"]])
                if faults:
                    wrong.append((line["seq"], faults))
        self.assertEqual([], wrong[:5], f"{len(wrong)} of {len(sample)} lines differ from their documents")

    def check_nothing_refused(self, agent):
        items = agent.items()
        peak = agent.memory()
        self.facts.append(f"peak {peak >> 20} MiB")
        agent.stop()
        listed = command("dlq", "list", "-c", agent.write_config(), "--json")
        self.assertEqual((0, 0), (items.get("rejected", 0), items.get("dead_lettered", 0)), listed.stdout[:2000])
        self.assertEqual([], ledger.read_json_lines(listed.stdout)[:2], "dead letters")

    def check_flows(self, agent):
        """Written once the kills are over: what an agent learned is in its memory."""
        want = {}
        with open(self.path("flows.log"), "w", encoding="utf-8") as out:
            for line, correlation in flow_lines():
                out.write(json.dumps(line) + "\n")
                want[line["seq"]] = correlation
        size = os.path.getsize(self.path("flows.log"))
        self.assertGreater(size, 0)
        query = {"range": {"seq": {"gte": FLOW_FIRST}}}

        def all_there():
            self.engine.refresh()
            return self.engine.count(query) == len(want)
        self.until(all_there, 60, "the lines of the flows")
        wrong, learned = [], 0
        for hit in self.engine.pages(query, True):
            source = flat(hit["_source"])
            got = source.get("labels.correlation_id", source.get("correlation_id"))
            learned += "labels.correlation_source" in source
            if got != want[source["seq"]]:
                wrong.append((source["seq"] - FLOW_FIRST, got, want[source["seq"]]))
        self.assertEqual([], wrong[:5], f"{len(wrong)} of {len(want)} lines have another correlation id")
        self.facts.append(f"{len(want)} lines of {FLOWS} orders tied together")

    def end_to_end(self, more):
        self.before = 0
        corpus, odd = self.write_corpus()
        agent = self.agent_with(more)
        began = time.monotonic()
        self.deliver(agent, len(corpus) + len(odd))
        seconds = time.monotonic() - began
        self.facts.append(f"{len(corpus) + len(odd)} lines in {seconds:.0f} s")
        if agent.items().get("rejected"):
            self.check_nothing_refused(agent)  # fails, and shows the reasons
        seqs = self.check_all_there_once(len(corpus) + len(odd))
        want = list(range(len(corpus))) + [ODD_FIRST + i for i in range(len(odd))]
        self.assertEqual(want, seqs, "each line once")
        self.check_sources(corpus, self.rng.sample(range(len(corpus)), min(4000, len(corpus))))
        self.check_sources(odd, range(len(odd)))
        self.check_flows(agent)
        self.check_nothing_refused(agent)
        self.facts.append(f"{len(seqs)} lines, each there once, none refused")

    def test_e2e_opensearch(self):
        self.end_to_end({})

    def test_e2e_elasticsearch(self):
        self.end_to_end({"outputs": {"elasticsearch": {"compression": "gzip"}}})


if __name__ == "__main__":
    ledger.main()
