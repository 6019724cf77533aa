# SPDX-License-Identifier: Apache-2.0
"""Truncation in place. F15: copytruncate in a loop; F16: a writer without O_APPEND leaves a hole; F17: truncated and
grown past the old offset while nobody looked."""
import os
import signal
import time

import ledger


class Copytruncate(ledger.LedgerCase):
    def copytruncate_loop(self, times, rate, more=None):
        self.mark_life()
        self.start(more)
        writer = self.writer()
        writer.start(rate=rate)
        raced = 0
        for _ in range(times):
            time.sleep(self.rng.uniform(0.2, 0.5))
            raced += writer.copytruncate(keep=5)
        self.fired("truncations", times, times)
        self.facts.append(f"bytes in neither file {raced}")
        self.measure_recovery()
        self.quiet()
        self.counters_equal()
        return raced

    def test_f15_copytruncate_with_append(self):
        raced = self.copytruncate_loop(40, 1000)
        # Lost may be no more than what stood in neither file.
        self.facts.append(f"told lost {int(self.agent.bytes_told_lost())}")
        verdict = self.settle(unavoidable=raced, lost=None, out_of_order=None)  # a copy's tail is found after new lines
        self.assertLessEqual(verdict.lost_bytes, raced)

    def test_f15_copytruncate_of_a_pausing_application(self):
        """Nothing is written between copy and truncation, so nothing may be lost, however far behind the reader is."""
        self.mark_life()
        agent = self.start()
        writer = self.writer()
        for _ in range(10):
            agent.signal(signal.SIGSTOP)
            writer.write(300)
            writer.copytruncate(keep=5)
            agent.signal(signal.SIGCONT)
            writer.write(50)
            time.sleep(self.rng.uniform(0.1, 0.4))
        self.fired("truncations behind the reader's back", 10)
        self.finish(out_of_order=None)

    def test_f16_copytruncate_without_append(self):
        """The application's own offset stays where it was: zeros stand before the next line."""
        self.mark_life()
        self.start()
        writer = self.writer(append=False)
        holes = 0
        for _ in range(8):
            writer.write(200)
            self.until_delivered(20)
            writer.copytruncate(keep=3)
            writer.write(30)
            with open(self.path(), "rb") as log:
                holes += log.read(1) == b"\0"
            self.until_delivered(20)
        self.fired("files that begin with zeros", holes, 8)
        self.finish()

    def test_f17_truncated_and_grown_while_stopped(self):
        self.mark_life()
        agent = self.start()
        writer = self.writer()
        for _ in range(5):
            writer.write(100)
            self.until_delivered(20)
            time.sleep(0.3)
            size = os.path.getsize(self.path())
            agent.signal(signal.SIGSTOP)
            os.truncate(self.path(), 0)
            writer.write(50)
            while os.path.getsize(self.path()) <= size + 1000:
                writer.write(20)
            agent.signal(signal.SIGCONT)
            self.until_delivered(20)
        self.fired("grown past the old offset", 5, 5)
        self.finish()


if __name__ == "__main__":
    ledger.main()
