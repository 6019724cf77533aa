# SPDX-License-Identifier: Apache-2.0
"""What stands in the lines. F21 partial last lines, F23 a giant line, F24 broken UTF-8, F29 torn and glued lines, F30
byte order marks, CRLF, blank lines and plain text."""
import base64
import json
import os
import time

import ledger

MIB = 1 << 20


class Lines(ledger.LedgerCase):
    def append(self, data, name="app.log"):
        with open(self.path(name), "ab") as log:
            log.write(data)

    def foreign(self, count, seconds=20):
        """The documents that are no ledger lines, once there are so many."""
        self.until(lambda: len(self.sink.foreign) >= count, seconds, f"{count} other documents")
        time.sleep(0.2)
        return [json.loads(doc) for doc in self.sink.foreign]

    def finish(self, **expected):
        super().finish(allow_foreign=True, **expected)

    def test_f21_partial_line_ends_later(self):
        self.mark_life()
        self.start()
        writer = self.writer()
        for wait, fraction in ((0.3, 0.5), (1.2, 0.1), (6.5, 0.9)):
            writer.write(10)
            writer.write_part(fraction)
            time.sleep(wait)
            self.assertEqual(self.intended.count(), self.sink.created, "nothing of a line before its end")
            writer.finish_part()
            self.until_delivered(20)
        self.fired("partial lines", 3)
        self.finish()
        self.assertEqual([], self.sink.foreign)

    def test_f21_partial_line_across_restart(self):
        agent = self.start()
        writer = self.writer()
        for kill in (False, True, False):
            writer.write(10)
            writer.write_part()
            time.sleep(0.5)
            agent.kill() if kill else agent.stop()
            writer.finish_part()
            writer.write(5)
            self.mark_life()
            agent.start()
            self.until_delivered(20)
        self.fired("partial lines across a restart", 3)
        self.finish()
        self.assertEqual([], self.sink.foreign)

    def test_f23_giant_line(self):
        self.mark_life()
        agent = self.start()
        writer = self.writer()
        writer.write_bulk(30 * MIB)  # warm: every buffer has met its usual size
        self.until_delivered(60)
        agent.reset_peak()
        before = agent.memory("VmRSS")
        writer.write(100)
        block = b"x" * MIB
        with open(self.path(), "ab") as log:
            log.write(b'{"message":"giant","blob":"')
            for _ in range(100):
                log.write(block)
            log.write(b'"}\n')
        writer.write(100)
        giant, = self.foreign(1, 60)
        self.until_delivered(60)
        grown = agent.memory("VmHWM") - before
        self.fired("bytes in one line", 100 * MIB)
        self.facts += [f"memory +{grown / MIB:.1f} MiB", f"document {len(json.dumps(giant)) // 1024} KiB"]
        self.assertLessEqual(len(json.dumps(giant)), 2 * MIB)
        length = 100 * MIB + 27 + 2
        self.assertIn(length, flat(giant).values(), "the document tells how long the line was: " + str(list(flat(giant))))
        self.finish()
        self.assertLessEqual(grown, 8 * MIB)

    def test_f24_broken_utf8(self):
        self.mark_life()
        agent = self.start()
        writer = self.writer()
        broken = [b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\x80", b"\xe3\x81", b"\xf4\x90\x80\x80"]
        lines = [b'{"message":"broken %d","name":"<%b>"}' % (i, bad) for i, bad in enumerate(broken)]
        for line in lines:
            writer.write(5)
            self.append(line + b"\n")
        writer.write(5)
        documents = self.foreign(len(lines))
        raw = []
        for line, document in zip(lines, documents):
            text = document["message"]
            self.assertTrue(text.startswith('{"message":"broken'), text)
            self.assertIn("\ufffd", text)
            raw += [value for value in flat(document).values()
                    if isinstance(value, str) and value == base64.b64encode(line).decode()]
        self.fired("broken lines", len(documents), len(lines))
        self.facts.append(f"with their bytes in base64: {len(raw)}")
        self.assertEqual(len(lines), agent.metric("tapewatch_parse_errors_total"), "each is counted")
        self.finish()
        self.assertEqual(len(lines), len(raw), "the bytes as they were, in base64")

    def test_f29_torn_and_glued_lines(self):
        self.mark_life()
        agent = self.start()
        writer = self.writer()
        broken = [b'{"k":"v"}{"k":"w"}', b'{"k":"v",}', b'{"k":"v"', b'"v"}', b'{"k":tru}', b'{"k":01.2.3}',
                  b'{"k":"v"} trailing', b'{"k" "v"}', b'[1,2', b'{"a":1}\x00\x00', b'{"k":"a\tb"}', b'{"k":"\\x"}']
        for line in broken:
            writer.write(7)
            self.append(line + b"\n")
        writer.write(7)
        documents = self.foreign(len(broken))
        self.fired("broken lines", len(documents), len(broken))
        for line, document in zip(broken, documents):
            self.assertEqual(line.decode(), document["message"])
            self.assertEqual("json", document.get("error.type") or document["error"]["type"])
        self.assertEqual(len(broken), agent.metric("tapewatch_parse_errors_total"))
        self.finish()

    def test_f29_two_writers_without_append(self):
        """They overwrite each other: what is left of their lines is delivered as it stands."""
        self.mark_life()
        self.start()
        with open(self.path(), "wb") as one, open(self.path(), "r+b") as two:
            for i in range(200):
                one.write(b'{"message":"one","i":%d}\n' % i)
                one.flush()
            for i in range(50):
                two.write(b'{"message":"the other","i":%d}\n' % i)
                two.flush()
        time.sleep(1)
        writer = self.writer("b", "b.log")
        writer.write(100)
        self.fired("documents of the two", len(self.sink.foreign))
        for document in self.sink.foreign:
            json.loads(document)
        self.finish()

    def test_f30_marks_and_line_ends(self):
        self.mark_life()
        agent = self.start()
        self.append(b"\xef\xbb\xbf")
        writer = self.writer()
        writer.write(20)
        writer.write(20, end=b"\r\n")
        texts = ["plain text", "  indented text", "2026-01-05 ERROR order 17 rejected: \"no\\limit\"", "注文を受け付けました", "0", "null",
                 "[1,2]", "\"a string\""]
        for text in texts:
            self.append(b"\n\r\n" + text.encode() + b"\r\n")
            writer.write(5)
        documents = self.foreign(len(texts))
        self.fired("lines that are no JSON object", len(documents), len(texts))
        self.assertEqual(sorted(texts), sorted(document["message"] for document in documents))
        self.assertEqual(len(texts), agent.metric("tapewatch_parse_errors_total"))
        with open(self.path(), "rb") as log:
            self.assertEqual(b"\xef\xbb\xbf", log.read(3))
        self.finish()
        self.assertEqual(len(texts), len(self.sink.foreign), "blank lines are no documents")


def flat(document, prefix=""):
    out = {}
    for key, value in document.items():
        if isinstance(value, dict):
            out.update(flat(value, prefix + key + "."))
        else:
            out[prefix + key] = value
    return out


if __name__ == "__main__":
    ledger.main()
