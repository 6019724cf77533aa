# SPDX-License-Identifier: Apache-2.0
"""The ledger: what was written (W) against what was accepted (D), in six figures that must be zero.

  lost          lines of W that were never accepted
  dup_id        documents accepted beyond one a line: a line that came under two ids
  out_of_order  lines first accepted behind a later one of their stream
  mangled       documents whose bytes are not those of their line
  phantom       documents that no line was written for
  unreported    lost lines that the agent's own loss counters do not cover
and three that are told: resent (items answered "there already"), recovery_s (from a fault's end until everything older
than a second is accepted) and probe_s (from writing one last line until it is accepted).

Two rules beside them: the agent's own counters equal the ledger's, and a case whose fault did not fire has failed.
"""
import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
import unittest

from agent import Agent, binary, default_config, merge
from needs import publish
from sink import FaultSink
from store import wait_book
from writer import Intended, Writer

OPTIONS = argparse.Namespace(seed=None, keep=False)
FIGURES = ("lost", "dup_id", "out_of_order", "mangled", "phantom", "unreported")
HEAD_DONE = []
# No Elasticsearch: the embedded store alone.
store_config = {"outputs": None, "store": {"enabled": True, "flush_interval": "100ms"}}


class Verdict:
    def __init__(self, intended, sink, told_lost=0, unavoidable=0):
        """`told_lost`: bytes the agent says it lost; `unavoidable`: bytes that nobody could have read."""
        lost_lengths = []
        self.dup_id = self.phantom = 0
        for stream in intended.streams():
            taken = sink.taken.get(stream, b"")
            for n, length in enumerate(intended.lengths[stream]):
                if n >= len(taken) or taken[n] == 0:
                    lost_lengths.append((stream, n, length))
        for stream, taken in sink.taken.items():
            known = intended.count(stream)
            self.phantom += len(taken[known:]) - taken[known:].count(0)
            self.dup_id += sum(times - 1 for times in taken[:known] if times > 1)
        self.lines = intended.count()
        self.lost = len(lost_lengths)
        self.lost_lines = lost_lengths
        self.lost_bytes = sum(length for _, _, length in lost_lengths)
        self.out_of_order = sink.inversions
        self.mangled = len(sink.mangled)
        uncovered = self.lost_bytes - told_lost - unavoidable
        mean = self.lost_bytes / self.lost if self.lost else 1
        self.unreported = min(self.lost, max(0, -int(-uncovered // mean)))
        self.resent = sink.resent

    def figures(self):
        return {name: getattr(self, name) for name in FIGURES}

    def first_lost(self):
        return [f"{stream}:{n}" for stream, n, _ in self.lost_lines[:5]]


class LedgerCase(unittest.TestCase):
    """One fault: a writer or several, the agent, a sink. tearDown ends them all."""

    maxDiff = None

    def setUp(self):
        self.seed = OPTIONS.seed if OPTIONS.seed is not None else random.SystemRandom().randrange(1 << 32)
        self.rng = random.Random(self.seed)
        print(f"{self.name()}: seed {self.seed}", flush=True)
        self.folder = tempfile.mkdtemp(prefix="tapewatch-ledger-")
        self.logs = os.path.join(self.folder, "logs")
        os.makedirs(self.logs)
        self.intended = Intended()
        self.sink = self.fault_sink = FaultSink()
        self.writers = []
        self.agents = []
        self.agent = None
        self.recovery_s = None
        self.probe_s = None
        self.facts = []
        self.row_printed = False

    def tearDown(self):
        failed = any(error for _, error in getattr(self._outcome, "errors", [])) or self._has_failed()
        for writer in self.writers:
            try:
                writer.close()
            except OSError:
                pass
        for agent in self.agents:
            if agent.running():
                agent.process.kill()
                agent.process.wait()
            if failed:
                print(f"the agent's log, at its end:\n{agent.tail_log(15)}", flush=True)
        if self.facts and not self.row_printed and not failed:
            self.print_row(None)
        self.fault_sink.close()
        if OPTIONS.keep and failed:
            print("kept:", self.folder, flush=True)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _has_failed(self):
        result = getattr(self._outcome, "result", None)
        return bool(result) and any(test is self for test, _ in result.failures + result.errors)

    def name(self):
        return self._testMethodName.removeprefix("test_")

    # The parts.

    def path(self, name="app.log"):
        return os.path.join(self.logs, name)

    def writer(self, stream="a", name="app.log", **options):
        one = Writer(self.intended, stream, self.path(name), random.Random(self.rng.random()), **options)
        self.writers.append(one)
        return one

    def make_agent(self, more=None, url=None, folder=None):
        config = merge(default_config(folder or self.folder, url or self.sink.url), more or {})
        agent = Agent(folder or self.folder, config)
        self.agents.append(agent)
        if self.agent is None:
            self.agent = agent
        return agent

    def start(self, more=None):
        return self.make_agent(more).start()

    # Waiting.

    def until(self, condition, seconds, what):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                self.fail(f"not within {seconds} s: {what}")
            time.sleep(0.005)

    def until_delivered(self, seconds=120):
        """All that was written is accepted, and the agent knows it."""
        def progress():
            return self.sink.distinct() >= self.intended.count()
        last, flat_since = -1, time.monotonic()
        deadline = time.monotonic() + seconds
        while not progress() and time.monotonic() < deadline:
            now = self.sink.created + self.sink.resent
            if now != last:
                last, flat_since = now, time.monotonic()
            if time.monotonic() - flat_since > 15:
                break  # nothing moves any more: let the verdict tell what is missing
            time.sleep(0.02)

    def lag_s(self):
        """How old the oldest line is that was not accepted yet."""
        worst = 0.0
        for stream in self.intended.streams():
            accepted = self.sink.distinct(stream)
            if accepted < self.intended.count(stream):
                worst = max(worst, time.monotonic() - self.intended.written_at(stream, accepted))
        return worst

    def measure_recovery(self, seconds=120):
        """From now (a fault has just ended) until everything older than a second is accepted."""
        began = time.monotonic()
        self.until(lambda: self.lag_s() < 1, seconds, "recovery")
        self.recovery_s = max(self.recovery_s or 0, time.monotonic() - began)

    def quiet(self, seconds=120):
        """No faults, no writing: everything arrives, then one probe line a stream."""
        self.sink.faults = []
        for writer in self.writers:
            writer.stop()
        self.until_delivered(seconds)
        began = time.monotonic()
        live = [writer for writer in self.writers if writer.fd >= 0]
        for writer in live:
            writer.write()
        for writer in live:
            self.until(lambda w=writer: self.sink.has(w.stream, w.next - 1), 20, "the probe line of " + writer.stream)
        self.probe_s = time.monotonic() - began

    # The judgement.

    def settle_store(self, agent):
        """The writers end, and the store's rows are judged in place of a sink's."""
        for writer in self.writers:
            writer.stop()
        self.sink.close()
        began = time.monotonic()
        self.sink = wait_book(agent, self.intended.count())
        self.facts.append(f"rows read in {time.monotonic() - began:.1f} s")
        return self.settle()

    def settle(self, unavoidable=0, allow_foreign=False, **expected):
        """Prints the row of the case and holds it against zero, or against what is said here."""
        told = sum(agent.bytes_told_lost() for agent in self.agents)
        verdict = Verdict(self.intended, self.sink, told, unavoidable)
        self.print_row(verdict)
        want = {name: 0 for name in FIGURES}
        want.update(expected)
        got = verdict.figures()
        for name in [name for name, value in want.items() if value is None]:  # told, not judged
            del want[name], got[name]
        self.assertEqual(want, got, f"seed {self.seed}; first lost: {verdict.first_lost()}; "
                                    f"mangled: {self.sink.mangled[:1]}")
        self.assertEqual(0, self.sink.malformed, "bulk bodies must be create actions and documents in turn")
        if not allow_foreign:
            self.assertEqual([], self.sink.foreign[:3], "documents that are no line of ours")
        return verdict

    def finish(self, **expected):
        """All is read and taken, the agent's counters say so too, and the ledger is as expected."""
        self.quiet()
        self.counters_equal()
        return self.settle(**expected)

    def print_row(self, verdict):
        """Without a verdict: a case that counts no lines and has facts to tell."""
        self.row_printed = True
        def seconds(value):
            return "-" if value is None else f"{value:.2f}"
        columns = ["case", "lines", *FIGURES, "resent", "recovery_s", "probe_s", "facts"]
        widths = [38, 9, 5, 7, 13, 8, 8, 11, 7, 11, 8, 0]
        if not HEAD_DONE:
            HEAD_DONE.append(True)
            print("| " + " | ".join(c.ljust(w) for c, w in zip(columns, widths)), flush=True)
        counts = [verdict.lines, *verdict.figures().values(), verdict.resent] if verdict else ["-"] * (len(FIGURES) + 2)
        row = [self.name(), *counts, seconds(self.recovery_s), seconds(self.probe_s), "; ".join(self.facts)]
        print("| " + " | ".join(str(c).ljust(w) for c, w in zip(row, widths)), flush=True)
        publish("| " + " | ".join(str(c).ljust(w) for c, w in zip(row, widths)),
                head="| " + " | ".join(c.ljust(w) for c, w in zip(columns, widths)))

    def fired(self, what, times, least=1):
        """The rule that a fault that did not happen proves nothing."""
        self.facts.append(f"{what}: {times}")
        self.assertGreaterEqual(times, least, f"the fault did not fire: {what}")

    def mark_life(self):
        """From here on the agent's counters are compared: call before start(), with the life before dead and gone."""
        self.sink.wait_unconnected()
        self.life_statuses = self.sink.snapshot()

    def counters_equal(self, dead_letters=0):
        """The agent's counters of this life are the sink's own count of it."""
        before = getattr(self, "life_statuses", {})

        def same():
            answered = {k: v - before.get(k, 0) for k, v in self.sink.snapshot().items()}
            refused = sum(v for k, v in answered.items() if 400 <= k < 500 and k not in (409, 429)) + dead_letters
            self.want = {"created": answered.get(201, 0), "duplicate": answered.get(409, 0),
                         "retried": sum(v for k, v in answered.items() if k == 429 or k >= 500),
                         "rejected": refused, "dead_lettered": refused}
            items = self.agent.items()
            self.counted = {name: items.get(name, 0) for name in self.want}
            return self.counted == self.want
        deadline = time.monotonic() + 10  # the last answer may still be on its way
        while not same() and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(self.want, self.counted, "tapewatch_output_items_total against the sink")


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--keep", action="store_true")
    known, rest = parser.parse_known_args()
    OPTIONS.seed, OPTIONS.keep = known.seed, known.keep
    if not os.access(binary(), os.X_OK):
        sys.exit(f"no agent at {binary()}: set TAPEWATCH")
    program = unittest.main(module="__main__", argv=[sys.argv[0], *rest], verbosity=1, exit=False)
    result = program.result
    if result.testsRun and len(result.skipped) == result.testsRun:
        sys.exit(77)  # ctest then says "Skipped"
    sys.exit(not result.wasSuccessful())


def read_json_lines(text):
    return [json.loads(line) for line in text.splitlines() if line.strip()]
