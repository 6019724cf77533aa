# SPDX-License-Identifier: Apache-2.0
"""Writer: a trading application that knows exactly what it has written.

Each line carries its stream, a gapless number, and a CRC over everything behind the "ledger" object, so that a sink
can tell for every document which line it is and whether its bytes are whole. A line counts as intended only once
write() has returned all of it.
"""
import array
import os
import random
import threading
import time
import zlib

WORDS = ("order accepted gateway venue 約定 latency book depth quote trader desk risk limit check passed route filled "
         "partial cancel replace amend session heartbeat snapshot 注文 settlement clearing margin").split()
SIZES = {"s": 60, "m": 400, "l": 3000}


class Lines:
    """Makes the lines of one stream, in sequence."""

    def __init__(self, stream, rng, sizes="ssmml"):
        self.stream = stream
        self.sizes = sizes
        # Payloads are drawn from a pool: making them anew would cost more than writing them.
        self.pool = {size: [self._payload(rng, SIZES.get(size, 0) or size) for _ in range(64)] for size in set(sizes)}
        self.rng = rng

    @staticmethod
    def _payload(rng, length):
        text = ""
        while len(text) < length:
            text += rng.choice(WORDS) + " "
        return text.strip().encode()

    def make(self, n):
        size = self.rng.choice(self.sizes)
        rest = b'"order":{"id":"ORD-%06d"},"qty":%d,"payload":"%b"' % (n // 7, n % 997, self.rng.choice(self.pool[size]))
        stamp = time.time_ns()
        return b'{"@timestamp":"%b.%09dZ","log.level":"INFO","message":"order event","ledger":{"stream":"%b","n":%d,' \
               b'"crc":"%08x","size":"%b","len":%d},%b}\n' % (
                   time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(stamp // 10**9)).encode(), stamp % 10**9,
                   self.stream.encode(), n, zlib.crc32(rest, n), str(size).encode(), len(rest), rest)


class Intended:
    """What was written: line n of a stream is there for every n below count(stream)."""

    def __init__(self):
        self.lock = threading.Lock()
        self.lengths = {}   # stream -> bytes of each line, by n
        self.marks = {}     # stream -> [(monotonic time, count)]: when how much had been written

    def add(self, stream, length):
        with self.lock:
            lengths = self.lengths.setdefault(stream, array.array("I"))
            lengths.append(length)
            marks = self.marks.setdefault(stream, [])
            now = time.monotonic()
            if not marks or now - marks[-1][0] > 0.02:
                marks.append((now, len(lengths)))
            else:
                marks[-1] = (marks[-1][0], len(lengths))

    def count(self, stream=None):
        with self.lock:
            if stream is not None:
                return len(self.lengths.get(stream, ()))
            return sum(len(lengths) for lengths in self.lengths.values())

    def streams(self):
        with self.lock:
            return list(self.lengths)

    def written_at(self, stream, n):
        """When line n had been written, to the length of a mark."""
        with self.lock:
            for when, count in self.marks.get(stream, ()):
                if count > n:
                    return when
        return time.monotonic()


class Writer:
    """Writes one stream into one path, by hand (write) or in the background at a rate (start, stop).

    append=False keeps its own file offset, as an application does that opened its log without O_APPEND: after a
    truncation it goes on behind a hole.
    """

    def __init__(self, intended, stream, path, rng=None, append=True, sizes="ssmml"):
        self.intended = intended
        self.stream = stream
        self.path = path
        self.append = append
        self.lines = Lines(stream, rng or random.Random(1), sizes)
        self.next = 0
        self.fd = -1
        self.lock = threading.RLock()
        self.thread = None
        self.stopping = threading.Event()
        self.failure = None
        self.open()

    def open(self):
        with self.lock:
            if self.fd >= 0:
                os.close(self.fd)
            flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (os.O_APPEND if self.append else 0)
            self.fd = os.open(self.path, flags, 0o644)

    def write(self, lines=1, end=b"\n"):
        """Writes whole lines, each with a write() of its own."""
        for _ in range(lines):
            with self.lock:
                line = self.lines.make(self.next)
                if end != b"\n":
                    line = line[:-1] + end
                if os.write(self.fd, line) != len(line):
                    raise OSError("a short write: " + self.path)
                self.intended.add(self.stream, len(line))
                self.next += 1

    def write_bulk(self, total_bytes):
        """Writes about so many bytes, many lines a write()."""
        written = 0
        with self.lock:
            while written < total_bytes:
                batch = [self.lines.make(n) for n in range(self.next, self.next + 500)]
                block = b"".join(batch)
                if os.write(self.fd, block) != len(block):
                    raise OSError("a short write: " + self.path)
                for line in batch:
                    self.intended.add(self.stream, len(line))
                self.next += len(batch)
                written += len(block)

    def write_part(self, fraction=0.5):
        """The first part of the next line; finish_part() writes the rest, and only then is it intended."""
        line = self.lines.make(self.next)
        cut = int(len(line) * fraction)
        os.write(self.fd, line[:cut])
        self.rest, self.whole = line[cut:], len(line)

    def finish_part(self):
        os.write(self.fd, self.rest)
        self.intended.add(self.stream, self.whole)
        self.next += 1

    # Rotations. All hold the writer still only for the moment in which it reopens its file, as a SIGHUP would.

    def rotate(self, keep=None):
        """Rename and create: path -> path.1 -> path.2 ...; at most `keep` old ones stay."""
        with self.lock:
            shift(self.path, keep)
            self.open()

    def rotate_late(self, keep=None, lines_between=3):
        """As above, but the application goes on writing into the renamed file for a while before it reopens."""
        shift(self.path, keep)
        self.write(lines_between)
        with self.lock:
            self.open()

    def copytruncate(self, keep=None):
        """What logrotate's copytruncate does. Returns the bytes written between its copying and its truncating: they
        are in neither file, and nobody can read them any more unless he has already."""
        shift(self.path, keep, move_live=False)
        with open(self.path, "rb") as source, open(self.path + ".1", "wb") as copy:
            while True:
                block = source.read(1 << 20)
                if not block:
                    break
                copy.write(block)
            copied = source.tell()
        raced = os.stat(self.path).st_size - copied
        os.truncate(self.path, 0)
        return raced

    # In the background.

    def start(self, rate, burst_ms=5):
        self.stopping.clear()
        self.thread = threading.Thread(target=self._run, args=(rate, burst_ms / 1000), daemon=True)
        self.thread.start()

    def _run(self, rate, pause):
        try:
            began, done = time.monotonic(), 0
            while not self.stopping.is_set():
                due = int((time.monotonic() - began) * rate)
                # A machine that was busy owes lines; they are written in small steps, so that others get the lock.
                self.write(min(due - done, 200))
                done += min(due - done, 200)
                time.sleep(pause)
        except Exception as error:  # told by stop(), in the thread of the test
            self.failure = error

    def stop(self):
        self.stopping.set()
        if self.thread:
            self.thread.join()
            self.thread = None
        if self.failure:
            raise self.failure

    def close(self):
        self.stop()
        with self.lock:
            if self.fd >= 0:
                os.close(self.fd)
                self.fd = -1


def shift(path, keep=None, move_live=True):
    """path.2 -> path.3, path.1 -> path.2, path -> path.1; what is beyond `keep` is deleted."""
    top = 1
    while os.path.exists(f"{path}.{top}"):
        top += 1
    for i in range(top - 1, 0, -1):
        if keep is not None and i >= keep:
            os.unlink(f"{path}.{i}")
        else:
            os.rename(f"{path}.{i}", f"{path}.{i + 1}")
    if move_live:
        os.rename(path, path + ".1")
