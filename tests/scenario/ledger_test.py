#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The ledger must be able to fail: each figure is made wrong by hand, and must say so. No agent is needed."""
import random
import unittest

from ledger import FIGURES, Verdict
from sink import Book
from writer import Intended, Lines


class LedgerTest(unittest.TestCase):
    def setUp(self):
        self.intended = Intended()
        lines = Lines("a", random.Random(7))
        self.lines = [lines.make(n) for n in range(20)]
        for line in self.lines:
            self.intended.add("a", len(line))

    def figures(self, documents, **told):
        book = Book()
        for number, line in enumerate(documents):
            book.create(b"id%d" % number, line.rstrip(b"\n"))
        got = Verdict(self.intended, book, **told).figures()
        return {name: value for name, value in got.items() if value}

    def test_all_well(self):
        self.assertEqual({}, self.figures(self.lines))
        self.assertEqual(6, len(FIGURES))

    def test_lost(self):
        self.assertEqual({"lost": 2, "unreported": 2}, self.figures(self.lines[:5] + self.lines[7:]))
        self.assertEqual({"lost": 1, "unreported": 1}, self.figures(self.lines[:-1]))

    def test_lost_and_told(self):
        lost = len(self.lines[5]) + len(self.lines[6])
        self.assertEqual({"lost": 2}, self.figures(self.lines[:5] + self.lines[7:], told_lost=lost))
        self.assertEqual({"lost": 2}, self.figures(self.lines[:5] + self.lines[7:], unavoidable=lost))
        self.assertEqual({"lost": 2, "unreported": 1}, self.figures(self.lines[:5] + self.lines[7:], told_lost=lost - 10))

    def test_doubled_under_another_id(self):
        self.assertEqual({"dup_id": 1}, self.figures(self.lines + self.lines[3:4]))

    def test_out_of_order(self):
        self.assertEqual({"out_of_order": 1}, self.figures(self.lines[:3] + self.lines[4:5] + self.lines[3:4] + self.lines[5:]))

    def test_mangled(self):
        for find, put in ((b'"qty":', b'"QTY":'), (b"ORD-", b"XRD-"), (b'"}\n', b'"\n')):
            with self.subTest(put):
                broken = self.lines[8].replace(find, put, 1)
                self.assertNotEqual(broken, self.lines[8])
                self.assertEqual({"mangled": 1}, self.figures(self.lines[:8] + [broken] + self.lines[9:]))

    def test_phantom(self):
        never_written = Lines("a", random.Random(8)).make(20)
        of_nobody = Lines("b", random.Random(8)).make(0)
        self.assertEqual({"phantom": 2}, self.figures(self.lines + [never_written, of_nobody]))


if __name__ == "__main__":
    unittest.main()
