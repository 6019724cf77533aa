# SPDX-License-Identifier: Apache-2.0
"""Reads the embedded store into a book, row by row, through the agent's own search."""
import json
import time
import urllib.parse

from sink import Book

PAGE = 1000


def documents(page):
    """The bytes of each event of an answer, as they stand there."""
    decoder, found = json.JSONDecoder(), []
    at = page.index('"events":[') + len('"events":[')
    while page[at] != "]":
        _, end = decoder.raw_decode(page, at)
        found.append(page[at:end].encode())
        at = end + (page[end] == ",")
    return found, json.loads('{"x":0' + page[at + 1:])


def read_rows(agent, query="*"):
    """Every event that matches, in the order in which the store took it."""
    rows, cursor = [], None
    while True:
        target = "/api/v1/search?" + urllib.parse.urlencode(
            {"query": query, "limit": PAGE, **({"cursor": cursor} if cursor else {})})
        found, rest = documents(agent.get(target))
        rows += found
        cursor = rest["cursor"]
        if cursor is None:
            return rows[::-1]


def read_book(agent):
    book = Book()
    for number, row in enumerate(read_rows(agent)):
        book.create(number, row)  # answers carry no id: a line that came twice is found by its number
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
