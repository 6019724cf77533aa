# SPDX-License-Identifier: Apache-2.0
"""What an Elasticsearch can do to an agent. F37 refused and moved, F38 resets, F41 bursts of 5xx, F42 429 with
Retry-After, F43 too large, F45 mixed items, F47 answers that are none."""
import email.utils
import gzip
import os
import subprocess
import time
import unittest

import ledger
from agent import command
from sink import Fault, FaultSink, Reply


class Scripted(Fault):
    """Answers the next requests in turn with what stands in the list, then honestly."""

    def __init__(self, replies):
        super().__init__()
        self.replies = list(replies)
        self.last_fired = 0.0

    def on_request(self, sink, request):
        if not self.replies:
            return None
        self.fired += 1
        self.last_fired = time.monotonic()
        return self.replies.pop(0)


class AfterTaking(Scripted):
    """The same, but the items were taken."""

    def on_request(self, sink, request):
        return None

    def on_reply(self, sink, request, body):
        if not self.replies:
            return None
        self.fired += 1
        reply = self.replies.pop(0)
        return reply(request, body) if callable(reply) else reply


class ResetMidBody(Fault):
    """Cuts the connection while the body is on its way."""

    def __init__(self, times):
        super().__init__()
        self.left = times

    def on_head(self, sink, headers):
        self.left -= 1
        self.fired += self.left >= 0
        return self.left >= 0


class TooLarge(Fault):
    def __init__(self, limit):
        super().__init__()
        self.limit = limit
        self.alone = 0

    def on_request(self, sink, request):
        if request.bytes <= self.limit:
            return None
        self.fired += 1
        self.alone += len(request.ids) == 1
        return Reply(413, b'{"error":"too large","status":413}')


class Mixed(Fault):
    """Every item gets a verdict of its own; what is answered 429 or 503 is taken at the second or third try."""

    def __init__(self, rng):
        super().__init__()
        self.rng = rng
        self.refused = set()   # 400: for good
        self.refused_bytes = 0
        self.tries = {}
        self.again = 0         # items that came again although they had been taken or refused for good

    def on_item(self, sink, request, index):
        identity = request.ids[index]
        if identity in self.refused:
            self.again += 1
            return 400
        if identity in sink.ids:
            self.again += 1
            return None
        tries = self.tries[identity] = self.tries.get(identity, 0) + 1
        draw = self.rng.random()
        if tries == 1 and draw < 0.05:
            self.fired += 1
            self.refused.add(identity)
            self.refused_bytes += len(request.docs[index]) + 1  # at least those of the line and its end
            return 400
        if tries < 3 and draw < 0.3:
            self.fired += 1
            return 429 if draw < 0.2 else 503
        if draw > 0.95:  # somebody else has it already
            sink.create(identity, request.docs[index])
            self.fired += 1
            return 409
        return None


class SinkFaults(ledger.LedgerCase):
    def test_f37_refused_and_back(self):
        self.mark_life()
        agent = self.start()
        writer = self.writer()
        writer.start(rate=500)
        for _ in range(3):
            time.sleep(0.5)
            self.sink.close()
            accepted = self.sink.created
            time.sleep(1.5)
            self.assertEqual(accepted, self.sink.created)
            errors = agent.metric("tapewatch_output_requests_total", code="error")
            self.sink.open()
            self.measure_recovery(30)
        self.fired("requests refused", int(errors), 3)
        self.assertLess(errors, 200, "between two tries there is a wait")
        self.quiet()
        self.settle()

    @unittest.skipIf(os.geteuid() != 0, "needs root for a resolver of its own")
    def test_f37_name_unknown_then_moved(self):
        """The name does not resolve, then it does, then its address changes: found again within 60 s and a bit."""
        hosts = os.path.join(self.folder, "hosts")

        def resolve(address):
            with open(hosts, "w", encoding="ascii") as out:  # in place: the mount shows this very file
                out.write(f"127.0.0.1 localhost\n{address} engine.test\n" if address else "127.0.0.1 localhost\n")
        resolve(None)
        port = self.sink.port
        agent = self.make_agent({"outputs": {"elasticsearch": {"hosts": [f"http://engine.test:{port}"]}}})
        self.mark_life()
        agent.start(prefix=["unshare", "--mount", "sh", "-c", f'mount --bind {hosts} /etc/hosts && exec "$@"', "sh"])
        writer = self.writer()
        writer.start(rate=100)
        time.sleep(2)
        self.fired("requests without an address", int(agent.metric("tapewatch_output_requests_total", code="error")))
        resolve("127.0.0.1")
        self.measure_recovery(70)
        moved = FaultSink(port=port, host="127.0.0.2")
        self.addCleanup(moved.close)
        self.sink.close()
        with self.sink.lock:  # the books go over with the address
            for name in ("lock", "ids", "foreign", "taken", "newest", "created", "resent", "inversions", "mangled", "statuses"):
                setattr(moved, name, getattr(self.sink, name))
        self.sink = moved
        resolve("127.0.0.2")
        began = time.monotonic()
        self.until(lambda: moved.connections, 75, "a connection at the new address")
        self.facts.append(f"found after {time.monotonic() - began:.1f} s")
        self.measure_recovery(30)
        self.fired("connections at the new address", moved.connections)
        self.quiet()
        self.settle()

    def test_f38_reset_in_body_and_before_reply(self):
        self.mark_life()
        self.start()
        writer = self.writer()
        in_body = ResetMidBody(8)
        before_reply = AfterTaking([Reply(status=0, reset=True)] * 4 + [Reply(send_bytes=30, reset=True)] * 4)
        self.sink.faults = [in_body, before_reply]
        writer.start(rate=2000)
        self.until(lambda: in_body.left <= 0 and not before_reply.replies, 60, "all resets")
        self.measure_recovery(30)
        self.fired("resets in the body", in_body.fired, 8)
        self.fired("resets before the reply", before_reply.fired, 8)
        verdict = self.finish()
        self.assertGreater(verdict.resent, 0, "what was taken without an answer comes again, with the same ids")

    def test_f41_bursts_of_5xx(self):
        self.mark_life()
        agent = self.start()
        writer = self.writer()
        writer.start(rate=1000)
        fired = 0
        for status in (500, 502, 503, 504):
            burst = Scripted([Reply(status, b"<html>bad gateway</html>", content_type="text/html")] * 4)
            flapping = Scripted([None, Reply(status), None, Reply(status)])
            self.sink.faults = [burst, flapping]
            self.until(lambda b=burst, f=flapping: not b.replies and not f.replies, 60, f"the burst of {status}")
            fired += burst.fired
        self.fired("requests answered 5xx", fired, 16)
        self.measure_recovery(30)
        metrics = agent.metrics()
        self.assertGreaterEqual(sum(agent.metric("tapewatch_output_requests_total", metrics, code=str(code))
                                    for code in (500, 502, 503, 504)), 16)
        self.finish()

    def test_f42_retry_after(self):
        self.mark_life()
        self.start()
        writer = self.writer()
        writer.start(rate=500)
        time.sleep(0.3)
        waits = []
        for wait in (lambda: "2", lambda: email.utils.formatdate(time.time() + 3, usegmt=True)):
            fault = Scripted([Reply(429, headers=[("Retry-After", wait())])])
            self.sink.faults = [fault]
            self.until(lambda f=fault: not f.replies, 10, "the 429")
            began, before = fault.last_fired, len(self.sink.requests)
            self.until(lambda b=before: len(self.sink.requests) > b, 10, "the next request")
            waits.append(time.monotonic() - began)
            self.measure_recovery(20)
        self.fired("waits asked for", len(waits), 2)
        self.facts.append("waited " + ", ".join(f"{wait:.1f} s" for wait in waits))
        self.assertGreaterEqual(waits[0], 1.9)
        self.assertGreaterEqual(waits[1], 1.9)  # a date has whole seconds
        self.assertLess(max(waits), 6)
        self.finish()

    def test_f42_items_of_429_for_a_while(self):
        class Busy(Fault):
            def on_item(self, sink, request, index):
                if (request.number + index) % 3:
                    return None
                self.fired += 1
                return 429
        self.mark_life()
        self.start()
        busy = Busy()
        self.sink.faults = [busy]
        writer = self.writer()
        writer.start(rate=1000)
        time.sleep(4)
        self.sink.faults = []
        self.measure_recovery(30)
        self.fired("items answered 429", busy.fired, 100)
        self.finish(out_of_order=None)  # neighbours of a refused item are taken before it

    def test_f43_too_large(self):
        self.mark_life()
        agent = self.start()
        writer = self.writer(sizes=["s", "m", "l"])
        large = TooLarge(16 << 10)
        self.sink.faults = [large]
        writer.write_bulk(2 << 20)
        self.append_giant(64 << 10)
        writer.write(50)
        self.until_delivered(60)
        self.until(lambda: agent.items().get("dead_lettered") == 1, 20, "the dead letter")
        self.fired("requests answered 413", large.fired, 8)
        self.fired("documents too large alone", large.alone)
        self.fault_stays()
        self.counters_equal(dead_letters=1)
        self.assertEqual([], self.sink.foreign)
        self.settle()
        letter, = self.dead_letters(agent)
        self.assertIn('"message":"giant"', letter["document"])
        self.assertEqual(413, letter["status"])

    def dead_letters(self, agent):
        agent.stop()  # who holds them must end first
        listed = command("dlq", "list", "-c", agent.write_config(), "--json")
        self.assertEqual(0, listed.returncode, listed.stderr)
        return ledger.read_json_lines(listed.stdout)

    def append_giant(self, size):
        with open(self.path(), "ab") as log:
            log.write(b'{"message":"giant","blob":"%b"}\n' % (b"y" * size))

    def fault_stays(self):
        """As quiet(), with the fault still there: it is one that does not pass."""
        for writer in self.writers:
            writer.stop()
            began = time.monotonic()
            writer.write()
            self.until(lambda w=writer: self.sink.has(w.stream, w.next - 1), 20, "the probe line")
            self.probe_s = time.monotonic() - began

    def test_f45_mixed_items(self):
        self.mark_life()
        agent = self.start()
        mixed = Mixed(self.rng)
        self.sink.faults = [mixed]
        writer = self.writer()
        writer.write(4000)
        self.until(lambda: self.sink.distinct() + len(mixed.refused) >= self.intended.count(), 60, "a verdict on each")
        self.fired("items with a verdict other than 201", mixed.fired, 500)
        self.facts.append(f"dead letters {len(mixed.refused)}")
        self.counters_equal()
        self.assertEqual(0, mixed.again, "only what was answered 429 or 503 comes again")
        # Those refused for good are in the dead letters: told and kept, not lost.
        self.assertEqual({identity.decode() for identity in mixed.refused}, {letter["id"] for letter in self.dead_letters(agent)})
        self.settle(lost=len(mixed.refused), unavoidable=mixed.refused_bytes, out_of_order=None)

    def test_f47_answers_that_are_none(self):
        def shorter(request, body):
            return Reply(body=body.replace(b',{"create":', b',"x":{"create":', 1)[:-40] + b"]}")

        def fewer(request, body):
            return Reply(body=body[:body.rfind(b',{"create"')] + b"]}") if b',{"create"' in body else Reply(body=b'{"errors":false}')

        def more(request, body):
            return Reply(body=body[:-2] + b',{"create":{"_id":"other","status":201}}]}')

        def other_ids(request, body):
            return Reply(body=body.replace(request.ids[0], b"A" * len(request.ids[0])))

        def zipped(request, body):
            return Reply(body=gzip.compress(body), headers=[("Content-Encoding", "gzip")])

        def half(request, body):
            return Reply(body=body[:len(body) // 2])
        answers = [shorter, fewer, more, other_ids, half, zipped,
                   Reply(body=b""), Reply(body=b"<html><body>It works!</body></html>", content_type="text/html"),
                   Reply(body=b"{}"), Reply(body=b'{"took":1,"errors":false,"items":[]}'), Reply(body=b"[1,2,3]"),
                   Reply(body=b'{"items":null,"errors":false}'), Reply(body=b"\xff\xfe\x00"), Reply(body=b"[" * 100000)]
        self.mark_life()
        self.start()
        fault = AfterTaking(answers)
        self.sink.faults = [fault]
        writer = self.writer()
        writer.start(rate=500)
        self.until(lambda: not fault.replies, 90, "all the answers")
        self.measure_recovery(30)
        self.fired("answers that are none", fault.fired, len(answers))
        self.quiet()
        # Of a compressed reply either reading is right: understood, or taken for none and sent again.
        verdict = self.settle()
        self.assertGreater(verdict.resent, 0)


if __name__ == "__main__":
    ledger.main()
