# SPDX-License-Identifier: Apache-2.0
"""Rotation by renaming. F11: 200 times under load; F12: once while the agent is down; F13: two to five times; F14: packed
while it is down."""
import gzip
import os
import shutil
import time

import ledger
from ledger import store_config


class Rotation(ledger.LedgerCase):
    def rotate_under_load(self, rotations):
        writer = self.writer()
        writer.start(rate=5000)
        for i in range(rotations):
            time.sleep(self.rng.uniform(0.05, 0.25))
            # Every third time the application finds out late and goes on writing into the renamed file.
            if i % 3:
                writer.rotate(keep=20)
            else:
                writer.rotate_late(keep=20)
        self.fired("rotations", rotations, rotations)

    def test_f11_rename_200_times_under_load(self):
        self.mark_life()
        self.start()
        self.rotate_under_load(200)
        self.measure_recovery()
        self.finish()

    def test_f11_rename_under_load_store(self):
        agent = self.start(store_config)
        self.rotate_under_load(40)
        self.settle_store(agent)

    def down_while_rotated(self, times, config=None):
        agent = self.start(config)
        writer = self.writer()
        writer.write(300)
        self.until_delivered(20)
        writer.write(50)
        agent.stop()
        accepted = self.sink.distinct()
        for _ in range(times):
            writer.write(100)
            writer.rotate()
        writer.write(100)
        self.fired("lines written while down", self.intended.count() - accepted, 100 * times)
        self.mark_life()
        agent.start()
        # Sequence numbers go through all files, so order says that the oldest was read first.
        self.finish()

    def test_f12_rotated_once_while_down(self):
        self.down_while_rotated(1)

    def test_f13_rotated_several_times_while_down(self):
        self.down_while_rotated(2)

    def test_f13_rotated_five_times_while_down(self):
        self.down_while_rotated(5)

    def test_f14_rotated_and_packed_while_down(self):
        """What was packed before it was read is not delivered; how much that is the archive itself tells, to the byte."""
        agent = self.start()
        writer = self.writer()
        writer.write(300)
        self.until_delivered(20)
        agent.stop()
        first, lost = self.intended.count(), 50
        writer.write(lost)
        writer.rotate()
        packed = self.path() + ".1"
        with open(packed, "rb") as source, gzip.open(packed + ".gz", "wb") as target:
            shutil.copyfileobj(source, target)
        os.unlink(packed)
        writer.write(100)
        self.fired("lines packed unread", lost)
        self.mark_life()
        agent.start()
        self.quiet()
        missing = sum(self.intended.lengths["a"][first:first + lost])
        self.assertEqual(missing, agent.bytes_told_lost(), "bytes told against bytes lost")
        agent.wait_log("bytes of a file were gone before they were read")
        told = {loss["name"]: loss["count"] for loss in agent.get_json("/api/v1/status")["losses"]}
        self.assertEqual(missing, told["missed bytes"])
        self.counters_equal()
        self.settle(lost=lost)

    def test_f13_rotated_while_killed_and_behind(self):
        """Killed in the middle of a backlog, then rotated three times."""
        writer = self.writer()
        writer.write_bulk(20 << 20)
        agent = self.start({"limits": {"in_flight_bytes": "1MiB"}})
        self.until(lambda: self.sink.distinct() > 500, 20, "some lines")
        agent.kill()
        self.fired("lines behind", self.intended.count() - self.sink.distinct())
        for _ in range(3):
            writer.rotate()
            writer.write(200)
        self.mark_life()
        agent.start()
        self.finish()


if __name__ == "__main__":
    ledger.main()
