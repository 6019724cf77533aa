# SPDX-License-Identifier: Apache-2.0
"""Which file is which. F18: a deleted inode is used again while the agent is down; F19: deleted before it was read."""
import os
import time

import ledger
from sink import Fault


class Full(Fault):
    """Takes nothing for the time being: every item is answered 429."""

    def on_item(self, sink, request, index):
        self.fired += 1
        return 429


class Identity(ledger.LedgerCase):
    def reuse_inode(self, writer):
        """Removes the file and makes a new one that has its inode."""
        before = os.stat(self.path())
        os.close(writer.fd)
        writer.fd = -1
        os.unlink(self.path())
        strangers = []
        for i in range(2000):
            name = self.path(f"try{i}")  # beside it: the file system looks there first
            with open(name, "wb"):
                pass
            if os.stat(name).st_ino == before.st_ino:
                os.rename(name, self.path())
                writer.open()
                for stranger in strangers:
                    os.unlink(stranger)
                return True
            strangers.append(name)
        for stranger in strangers:
            os.unlink(stranger)
        return False

    def reuse_while_down(self, lines_after):
        agent = self.start()
        writer = self.writer()
        reused = 0
        for _ in range(6):
            writer.write(100)
            self.until_delivered(20)
            time.sleep(0.3)
            agent.stop()
            reused += self.reuse_inode(writer)
            if writer.fd < 0:
                writer.open()
            writer.write(lines_after)
            self.mark_life()
            agent.start()
            self.until_delivered(20)
        self.fired("inodes used again", reused, 1)
        self.finish()

    def test_f18_inode_used_again_shorter(self):
        self.reuse_while_down(20)

    def test_f18_inode_used_again_longer(self):
        """The new file is longer than the old offset: only its contents tell that it is another."""
        self.reuse_while_down(300)

    def test_f19_deleted_before_it_was_read(self):
        full = Full()
        self.sink.faults = [full]
        self.mark_life()
        self.start({"limits": {"in_flight_bytes": "1MiB", "read_block_bytes": "64KiB"}})
        writer = self.writer()
        writer.write_bulk(12 << 20)
        self.until(lambda: full.fired > 0, 20, "a full sink")
        os.unlink(self.path())
        writer.open()
        writer.write(100)
        time.sleep(1)
        self.assertLess(self.sink.distinct(), self.intended.count())
        self.fired("bytes deleted unread", (12 << 20) - self.sink.created, 1 << 20)
        self.sink.faults = []
        self.measure_recovery()
        self.finish(out_of_order=None)  # the new file need not wait for the deleted one


if __name__ == "__main__":
    ledger.main()
