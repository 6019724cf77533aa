# SPDX-License-Identifier: Apache-2.0
"""The agent is killed, again and again. F01 at random moments, F02 between the sink's answer and the commit."""
import signal
import time

import ledger
from ledger import store_config
from sink import Fault

KILLS = 200
STORE_KILLS = 40


class KillAfterReply(Fault):
    """Kills the agent the moment a whole answer has left: what was taken is not committed yet."""

    def __init__(self, case):
        super().__init__()
        self.case = case
        self.armed = False

    def after_reply(self, sink, request):
        if self.armed and 201 in request.statuses:
            self.armed = False
            self.fired += 1
            self.case.agent.process.kill()


class Kill(ledger.LedgerCase):
    def churn(self, kills, config):
        """A writer that never stops and rotates every second; the agent lives for moments."""
        agent = self.make_agent(config)
        self.writer().start(rate=1500)
        # A quiet stream beside the busy one: what is idle must survive as well.
        self.writer("slow", "slow.log").start(rate=20)
        died = 0
        rotate_at = time.monotonic() + 1
        for _ in range(kills):
            agent.start(wait=False)
            time.sleep(self.rng.uniform(0.05, 0.6))
            died += agent.kill() == -signal.SIGKILL
            if time.monotonic() > rotate_at:
                self.writers[0].rotate()
                rotate_at = time.monotonic() + 1
        self.fired("kills", died, kills)
        self.mark_life()
        began = time.monotonic()
        agent.start()
        self.facts.append(f"start {time.monotonic() - began:.2f} s")
        self.assertLess(time.monotonic() - began, 2)
        return agent

    def test_f01_kill_at_random(self):
        self.churn(KILLS, {})
        self.measure_recovery()
        self.finish()

    def test_f01_kill_at_random_store(self):
        """The same against the embedded store: its rows are the ledger."""
        agent = self.churn(STORE_KILLS, store_config)
        self.settle_store(agent)

    def test_f02_kill_between_answer_and_commit(self):
        kill = KillAfterReply(self)
        self.sink.faults = [kill]
        agent = self.make_agent({"limits": {"checkpoint_interval": "50ms"}})
        writer = self.writer()
        batch = 40
        worst = 0
        for _ in range(20):
            self.sink.wait_unconnected()
            self.mark_life()
            agent.start()
            # What earlier lives left is settled first, so that one batch is at stake.
            self.until(lambda: self.sink.distinct() >= self.intended.count(), 20, "the batches before")
            time.sleep(0.2)
            resent = self.sink.resent
            kill.armed = True
            writer.write(batch)
            self.until(lambda: not agent.running(), 20, "the kill")
            agent.wait()
            self.sink.wait_unconnected()
            self.mark_life()
            agent.start()
            self.until(lambda: self.sink.distinct() >= self.intended.count(), 20, "the batch after the kill")
            time.sleep(0.3)
            worst = max(worst, self.sink.resent - resent)
            agent.stop()
        self.fired("kills after the answer", kill.fired, 20)
        self.facts.append(f"resent at most {worst} of {batch}")
        self.assertLessEqual(worst, batch, "more than the one batch came again")
        self.assertGreater(self.sink.resent, 0, "no batch came again: the kill came too late each time")
        self.mark_life()
        agent.start()
        self.finish()


if __name__ == "__main__":
    ledger.main()
