# SPDX-License-Identifier: Apache-2.0
"""Ending. F06: SIGTERM with 1 GB behind and a dead sink, and amid a reload. F08: two agents on one state folder."""
import os
import signal
import time

import ledger
from sink import Fault, Reply

BACKLOG = 1 << 30


class Silent(Fault):
    """Takes the request and never answers."""

    def on_request(self, sink, request):
        self.fired += 1
        return Reply(status=0, after_s=60)


class Shutdown(ledger.LedgerCase):
    def test_f06_term_with_a_backlog_and_a_dead_sink(self):
        silent = Silent()
        self.sink.faults = [silent]
        writer = self.writer(sizes=[8000])
        writer.write_bulk(BACKLOG)
        size = os.path.getsize(self.path())
        agent = self.make_agent({"outputs": {"elasticsearch": {"concurrency": {"max": 2}}}})
        agent.start()
        self.until(lambda: silent.fired >= 1, 20, "a request to the dead sink")
        code, seconds = agent.stop(30)
        self.facts += [f"backlog {size >> 20} MiB", f"exit {code} in {seconds:.2f} s"]
        self.fired("requests without an answer", silent.fired)
        self.assertEqual(0, code)
        self.assertLessEqual(seconds, 10)
        self.assertEqual(0, self.sink.created)
        self.sink.faults = []
        self.sink.wait_unconnected()
        self.mark_life()
        began = time.monotonic()
        agent.start()
        self.facts.append(f"start {time.monotonic() - began:.2f} s")
        self.assertLess(time.monotonic() - began, 2)
        self.measure_recovery()
        self.facts.append(f"peak {agent.memory() >> 20} MiB")
        self.finish(out_of_order=None)  # two requests at once

    def test_term_while_a_reload_drains(self):
        """The first SIGTERM is the first, whatever the agent drains for."""
        agent = self.make_agent({"limits": {"shutdown_timeout": "2s"}}, url="http://127.0.0.1:9")  # nobody answers
        agent.start()
        writer = self.writer()
        writer.write(100)
        self.until(lambda: agent.metric("tapewatch_input_events_total") >= 100, 10, "the lines read")
        agent.signal(signal.SIGHUP)
        agent.wait_log("stopping")
        agent.signal(signal.SIGTERM)
        self.assertEqual(0, agent.wait(10))
        self.assertNotIn("second signal", agent.tail_log())

    def test_f08_two_agents_one_state_folder(self):
        writer = self.writer()
        first = self.start()
        writer.write(100)
        self.until_delivered(20)
        second = self.make_agent()
        second.start(wait=False)
        code = second.wait(10)
        said = second.tail_log()
        self.fired("second agents refused", int(code != 0))
        self.assertEqual(1, code)
        self.assertIn(str(first.pid), said, "the refusal must name the pid that holds the folder")
        self.assertIn(first.config["state_dir"], said, "and the folder")
        self.assertTrue(first.running())
        # A lock is the process's own: none stays behind after kill -9.
        first.kill()
        writer.write(100)
        self.mark_life()
        self.agent = second
        second.start()
        self.finish()


if __name__ == "__main__":
    ledger.main()
