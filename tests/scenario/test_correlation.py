# SPDX-License-Identifier: Apache-2.0
"""Correlation ids across a crash: only the first line of an order carries its correlation id, the later ones its order id
alone. What the first line taught must outlive the agent, since that line is acknowledged and never read again."""
import glob
import json
import os

import ledger
from agent import command

ORDERS = 50


class Correlation(ledger.LedgerCase):
    def append(self, *records):
        with open(self.path(), "ab") as log:
            for record in records:
                log.write(json.dumps(record).encode() + b"\n")
                self.lines = getattr(self, "lines", 0) + 1

    def first_lines(self):
        self.append(*({"message": "accepted", "order_id": f"o-{n}", "correlation_id": f"c-{n}"} for n in range(ORDERS)))

    def later_lines(self, step):
        self.append(*({"message": step, "order_id": f"o-{n}"} for n in range(ORDERS)))

    def ids(self, message):
        """{order id: correlation id} of the documents with this message."""
        out = {}
        for doc in map(json.loads, self.sink.foreign):
            if doc.get("message") == message:
                out[doc["order.id"]] = doc.get("labels.correlation_id")
        return out

    def until_taken(self):
        self.until(lambda: len(self.sink.foreign) >= self.lines, 20, f"{self.lines} documents")

    def until_committed(self):
        size = os.path.getsize(self.path())

        def committed():
            shown = command("state", "show", "-c", os.path.join(self.folder, "tapewatch.yaml"), "--json")
            return any(entry["committed"] == size for entry in ledger.read_json_lines(shown.stdout))
        self.until(committed, 20, "the checkpoint behind the last line")

    def check(self, message):
        self.assertEqual({f"o-{n}": f"c-{n}" for n in range(ORDERS)}, self.ids(message))

    def test_links_survive_kill(self):
        agent = self.start()
        for step in ("sent", "filled", "settled"):
            if step == "sent":
                self.first_lines()
            self.until_taken()
            self.until_committed()
            agent.kill()
            self.later_lines(step)
            agent.start()
            self.until_taken()
            self.check(step)
        self.assertEqual(0, self.sink.resent, "the first lines came again: nothing was proved")
        self.fired("kills", 3)
        self.assertEqual(ORDERS, agent.metric("tapewatch_correlation_links"))
        self.assertEqual(ORDERS, agent.metric("tapewatch_correlation_lookups_total", result="hit"))
        self.facts.append(f"orders tied {len(self.ids('settled'))}")

    def test_links_survive_reload(self):
        agent = self.start()
        self.first_lines()
        self.until_taken()
        agent.signal(1)
        agent.wait_log("stopped")
        self.later_lines("sent")
        self.until_taken()
        self.check("sent")
        self.fired("reloads", 1)

    def test_damaged_links_are_put_aside(self):
        agent = self.start()
        self.first_lines()
        self.until_taken()
        self.until_committed()
        agent.kill()
        path = os.path.join(self.folder, "state", "links")
        with open(path, "r+b") as links:
            links.seek(30)
            links.write(b"damage")
        self.later_lines("sent")
        agent.start()
        self.until_taken()
        agent.wait_log("a damaged file of correlation links was put aside")
        self.fired("files put aside", len(glob.glob(path + ".corrupt-*")))
        self.until(lambda: agent.metric("tapewatch_state_quarantined_total", file="links") == 1, 5, "the counter")
        self.assertEqual(ORDERS, len(self.ids("sent")), "delivered all the same")


if __name__ == "__main__":
    ledger.main()
