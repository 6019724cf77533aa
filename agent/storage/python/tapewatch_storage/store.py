# SPDX-License-Identifier: Apache-2.0
"""Store: the library's calls as coroutines of one asyncio loop."""
from __future__ import annotations

import asyncio
import ctypes
import os
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Callable, NamedTuple

from . import library
from .errors import Closed, error_of
from .rows import Row, Rows, Value, pack, pack_rows, unpack_rows

_KINDS = {"insert": 0, "upsert": 1, "update": 2}
_CONFLICTS = {"fail": 0, "skip": 1, "report": 2}


class WriteResult(NamedTuple):
    changes: int
    last_insert_id: int
    rows: Rows  # of a RETURNING


class BulkResult(NamedTuple):
    written: int
    left_out: int
    faults: list[str]  # of on_conflict="report"


class _Result:
    """A result of the library, taken apart and freed."""

    def __init__(self, lib: ctypes.CDLL, handle: int) -> None:
        self.code: int = lib.tws_result_code(handle)
        self.message: str = lib.tws_result_message(handle).decode(errors="replace")
        self.changes: int = lib.tws_result_changes(handle)
        self.left_out: int = lib.tws_result_left_out(handle)
        self.last_insert_id: int = lib.tws_result_last_insert_id(handle)
        count = lib.tws_result_columns(handle)
        names = tuple(lib.tws_result_column_name(handle, i).decode() for i in range(count))
        size = ctypes.c_size_t()
        packed = lib.tws_result_packed(handle, ctypes.byref(size))
        bytes_ = ctypes.string_at(packed, size.value) if size.value else b""
        self.rows = Rows(unpack_rows(bytes_, count) if count else [], names)
        lib.tws_result_free(handle)


class Store:
    """Made by Store.open; used from the one loop that first awaits something of it. `limit` is in seconds, from the call
    to its answer. A task that is cancelled cancels its call: a read stops, a write that has not begun is not run."""

    def __init__(self, lib: ctypes.CDLL, handle: int) -> None:
        self._lib = lib
        self._handle: int | None = handle
        self._loop: asyncio.AbstractEventLoop | None = None
        self._fd: int = lib.tws_completion_fd(handle)
        self._calls: dict[int, asyncio.Future[_Result]] = {}
        self._last = 0
        self._streams: set[Stream] = set()
        self._done = library.Done(self._on_done)

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, schema: str = "", readers_max: int = 0, call_threads: int = 0,
             read_age_max: float = 0, queue_jobs_max: int = 0, library_path: str | None = None) -> Store:
        """Raises Busy when another process owns the file."""
        lib = library.load(library_path)
        options = library.OpenOptions(path=os.fsencode(path), schema=schema.encode(), readers_max=readers_max,
                                      call_threads=call_threads, read_age_max_ms=int(read_age_max * 1000),
                                      queue_jobs_max=queue_jobs_max)
        failed = ctypes.c_void_p()
        handle = lib.tws_open(ctypes.byref(options), ctypes.byref(failed))
        if handle:
            return cls(lib, handle)
        result = _Result(lib, failed.value or 0)
        raise error_of(result.code, result.message)

    def close(self) -> None:
        """What still waits is answered with Closed."""
        if self._handle is None:
            return
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._fd)
        for stream in list(self._streams):
            stream.close()
        handle, self._handle = self._handle, None
        self._lib.tws_close(handle)

    async def __aenter__(self) -> Store:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    async def fetch(self, sql: str, *values: Value, limit: float = 0) -> Rows:
        statement = self._statement(sql, values)
        return (await self.call(lambda call, number: self._lib.tws_read(
            self._handle, ctypes.byref(statement), call, self._done, number), limit)).rows

    async def fetch_one(self, sql: str, *values: Value, limit: float = 0) -> Row | None:
        rows = await self.fetch(sql, *values, limit=limit)
        return rows[0] if rows else None

    async def execute(self, sql: str, *values: Value, durable: bool = False, limit: float = 0) -> WriteResult:
        return await self.transact([(sql, values)], durable=durable, limit=limit)

    async def transact(self, statements: Sequence[tuple[str, Sequence[Value]]], *, durable: bool = False,
                       limit: float = 0) -> WriteResult:
        """All of the statements or none."""
        array = (library.Statement * len(statements))(*[self._statement(*each) for each in statements])
        result = await self.call(lambda call, number: self._lib.tws_write(
            self._handle, array, len(statements), call, self._done, number), limit, durable)
        return WriteResult(result.changes, result.last_insert_id, result.rows)

    async def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]], *,
                          on_conflict: str = "fail", durable: bool = False) -> BulkResult:
        return await self._bulk("insert", table, columns, (), rows, on_conflict, durable)

    async def upsert_many(self, table: str, columns: Sequence[str], keys: Sequence[str],
                          rows: Iterable[Sequence[Value]], *, on_conflict: str = "fail",
                          durable: bool = False) -> BulkResult:
        return await self._bulk("upsert", table, columns, keys, rows, on_conflict, durable)

    async def update_many(self, table: str, columns: Sequence[str], keys: Sequence[str],
                          rows: Iterable[Sequence[Value]], *, on_conflict: str = "fail",
                          durable: bool = False) -> BulkResult:
        return await self._bulk("update", table, columns, keys, rows, on_conflict, durable)

    def stream(self, sql: str, *values: Value, key_columns: int = 0, batch_bytes: int = 0, batch_rows: int = 0,
               age_max: float = 0) -> Stream:
        """Batches of bounded memory; see stream.h for key_columns. Close it, or read it to its end."""
        options = library.StreamOptions(batch_bytes=batch_bytes, batch_rows=batch_rows,
                                        age_max_ms=int(age_max * 1000), key_columns=key_columns)
        if self._handle is None:
            raise Closed("the store is closed")
        statement = self._statement(sql, values)
        handle = self._lib.tws_stream_open(self._handle, ctypes.byref(statement), ctypes.byref(options))
        stream = Stream(self, self._lib, handle)
        self._streams.add(stream)
        return stream

    def forget(self, stream: Stream) -> None:
        self._streams.discard(stream)

    @property
    def done(self) -> object:
        return self._done

    @staticmethod
    def _statement(sql: str, values: Sequence[Value]) -> library.Statement:
        text, packed = sql.encode(), pack(values)
        return library.Statement(sql=text, sql_bytes=len(text), values=packed, values_bytes=len(packed))

    async def _bulk(self, kind: str, table: str, columns: Sequence[str], keys: Sequence[str],
                    rows: Iterable[Sequence[Value]], on_conflict: str, durable: bool) -> BulkResult:
        packed = pack_rows(rows, len(columns))
        names = (ctypes.c_char_p * len(columns))(*[name.encode() for name in columns])
        key_names = (ctypes.c_char_p * max(len(keys), 1))(*[name.encode() for name in keys])
        bulk = library.BulkRows(kind=_KINDS[kind], on_conflict=_CONFLICTS[on_conflict], table=table.encode(),
                                columns=names, column_count=len(columns), keys=key_names, key_count=len(keys),
                                rows=packed, rows_bytes=len(packed))
        result = await self.call(lambda call, number: self._lib.tws_bulk(
            self._handle, ctypes.byref(bulk), call, self._done, number), 0, durable)
        return BulkResult(result.changes, result.left_out, result.message.splitlines())

    async def call(self, make: Callable[[object, int], int], limit: float = 0, durable: bool = False) -> _Result:
        if self._handle is None:
            raise Closed("the store is closed")
        self._follow(asyncio.get_running_loop())
        stop = self._lib.tws_stop_new()
        try:
            self._last += 1
            number = self._last
            call = library.Call(limit_ms=int(limit * 1000), stop=stop, durable=int(durable))
            future = asyncio.get_running_loop().create_future()
            self._calls[number] = future
            refused = make(ctypes.byref(call), number)
            if refused:
                del self._calls[number]
                raise error_of(refused, f"the call was refused ({refused})")
            try:
                result: _Result = await asyncio.shield(future)
            except asyncio.CancelledError:
                self._lib.tws_stop_request(stop)
                raise
        finally:
            self._lib.tws_stop_free(stop)
        if result.code:
            raise error_of(result.code, result.message)
        return result

    def _follow(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._loop is loop:
            return
        if self._loop is not None and not self._loop.is_closed():
            raise RuntimeError("a store belongs to the loop that it was first used on")
        self._loop = loop
        loop.add_reader(self._fd, self._on_readable)

    def _on_readable(self) -> None:
        if self._handle is not None:
            self._lib.tws_run_completions(self._handle)

    def _on_done(self, number: int, handle: int) -> None:
        result = _Result(self._lib, handle)
        future = self._calls.pop(number, None)
        if future is not None and not future.done() and not future.get_loop().is_closed():
            future.set_result(result)


class Stream:
    """async for batch in stream: each a Rows. One consumer."""

    def __init__(self, store: Store, lib: ctypes.CDLL, handle: int) -> None:
        self._store = store
        self._lib = lib
        self._handle: int | None = handle
        self.busy = False

    async def next(self) -> Rows:
        """The next batch; an empty one is the end."""
        if self._handle is None:
            raise Closed("the stream is closed")
        if self.busy:
            raise RuntimeError("one batch at a time")
        handle = self._handle
        self.busy = True

        def make(call: object, number: int) -> int:
            return self._lib.tws_stream_next(handle, call, self._store.done, number)
        try:
            return (await self._store.call(make)).rows
        finally:
            self.busy = False

    async def __aiter__(self) -> AsyncIterator[Rows]:
        try:
            while batch := await self.next():
                yield batch
        finally:
            self.close()

    def cancel(self) -> None:
        if self._handle is not None:
            self._lib.tws_stream_cancel(self._handle)

    def close(self) -> None:
        self._store.forget(self)
        handle, self._handle = self._handle, None
        if handle is not None:
            self._lib.tws_stream_close(handle)
