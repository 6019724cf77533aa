# SPDX-License-Identifier: Apache-2.0
"""Reads the embedded store into a book, row by row, through the agent's own search."""
import re
import time
import urllib.parse

from sink import Book

ROW = re.compile(rb'\{"sequence":(\d+),"id":"([^"]+)",')
PAGE = 1000


def read_rows(agent, query="*"):
    """Every event that matches, as (sequence, id, its bytes as answered)."""
    rows, cursor = [], None
    while True:
        target = "/api/v1/search?" + urllib.parse.urlencode(
            {"query": query, "limit": PAGE, **({"cursor": cursor} if cursor else {})})
        body = agent.get(target).encode()
        found = list(ROW.finditer(body))
        ends = [match.start() for match in found[1:]] + [body.rfind(b'],"next_cursor":')]
        for match, end in zip(found, ends):
            text = body[match.start():end]
            rows.append((int(match[1]), match[2], text.rstrip(b",")))
        tail = re.search(rb'"next_cursor":(?:"([^"]+)"|null)', body[ends[-1]:] if found else body)
        cursor = tail[1].decode() if tail and tail[1] else None
        if cursor is None:
            return rows


def read_book(agent):
    book = Book()
    for _, identity, text in sorted(read_rows(agent)):
        if identity in book.ids:
            book.malformed += 1  # one id twice in the store
        book.create(identity, text)
    return book


def wait_book(agent, lines, seconds=60):
    """The book once it holds so many lines, or what it holds when nothing more came for a while."""
    last, flat_since = None, time.monotonic()
    deadline = time.monotonic() + seconds
    while True:
        records = agent.metric("tapewatch_store_records_total"), agent.metric("tapewatch_input_lag_bytes")
        if records != last:
            last, flat_since = records, time.monotonic()
        if (records[1] == 0 and time.monotonic() - flat_since > 1) or time.monotonic() > deadline:
            book = read_book(agent)
            if book.distinct() >= lines or time.monotonic() - flat_since > 5:
                return book
        time.sleep(0.1)
