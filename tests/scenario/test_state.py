# SPDX-License-Identifier: Apache-2.0
"""F52: the checkpoint is damaged in every way. What is left of it, or the generation before, is used; never "from the
end", never a refusal to start, and what is read twice comes under the same ids."""
import glob
import os
import shutil
import time

import ledger


class State(ledger.LedgerCase):
    def checkpoints(self):
        """The files of the state folder that hold positions, newest generation first."""
        return sorted((path for path in glob.glob(os.path.join(self.folder, "state", "*checkpoint*"))
                       if "corrupt" not in path), key=os.path.getmtime, reverse=True)

    def prepare(self):
        agent = self.start()
        writer = self.writer()
        for _ in range(3):  # several generations
            writer.write(20)
            self.until_delivered(20)
            time.sleep(0.3)
        agent.stop()
        self.saved = os.path.join(self.folder, "saved")
        shutil.copytree(os.path.join(self.folder, "state"), self.saved)
        self.assertGreaterEqual(len(self.checkpoints()), 1, os.listdir(os.path.join(self.folder, "state")))
        return agent, writer

    def restart_with(self, agent, damage):
        """Puts the saved state back, damages it, runs the agent until a fresh line has arrived."""
        state = os.path.join(self.folder, "state")
        shutil.rmtree(state)
        shutil.copytree(self.saved, state)
        damage()
        self.mark_life()
        began = time.monotonic()
        agent.start()
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.writers[0].write(1)
        self.until_delivered(20)
        self.assertEqual(self.intended.count(), self.sink.distinct(), "the line written after the damage")
        agent.kill()

    def damages(self, newest):
        with open(newest, "rb") as file:
            whole = file.read()

        def put(data):
            def damage():
                with open(newest, "wb") as out:
                    out.write(data)
            return damage
        size = len(whole)
        flips = sorted(set(self.rng.sample(range(size), min(size, 40)) + [0, 4, 8, size - 1]))
        for at in flips:
            yield f"flip {at}", put(whole[:at] + bytes([whole[at] ^ (1 << self.rng.randrange(8))]) + whole[at + 1:])
        for length in sorted(set(self.rng.sample(range(size), min(size, 20)) + [0, 1, size - 1])):
            yield f"cut {length}", put(whole[:length])
        yield "zeros", put(bytes(size))
        yield "garbage", put(self.rng.randbytes(size))
        yield "longer", put(whole + whole)
        yield "gone", lambda: os.unlink(newest)

    def test_f52_damaged_checkpoint(self):
        agent, _ = self.prepare()
        self.slowest = 0
        count = 0
        for what, damage in self.damages(self.checkpoints()[0]):
            with self.subTest(what):
                self.restart_with(agent, damage)
            count += 1
        self.fired("damaged checkpoints", count, 60)

        def all_gone():
            for path in self.checkpoints():
                with open(path, "wb") as out:
                    out.write(b"\0" * 100)
        with self.subTest("both generations"):
            self.restart_with(agent, all_gone)
        self.assertTrue(glob.glob(os.path.join(self.folder, "state", "*corrupt*")), "what is damaged is kept aside")
        self.facts.append(f"slowest start {self.slowest:.2f} s")
        self.assertLess(self.slowest, 2)
        self.mark_life()
        agent.start()
        self.finish()


if __name__ == "__main__":
    ledger.main()
