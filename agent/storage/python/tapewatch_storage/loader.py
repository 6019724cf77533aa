# SPDX-License-Identifier: Apache-2.0
"""Loader: what many coroutines ask for key by key in one turn of the loop becomes one fetch. One per request."""
from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar, Union

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Found = Union[Mapping[K, V], Sequence[Union[V, None, Exception]]]


class Loader(Generic[K, V]):
    """`fetch` gets the keys of a batch, without duplicates and in the order of asking, and returns a mapping (a key that
    it lacks is None) or one value per key in their order; an exception among them is that key's alone. What failed is
    not remembered. The loader belongs to the loop that it is first used on."""

    def __init__(self, fetch: Callable[[list[K]], Awaitable[Found[K, V]]], *, batch_keys_max: int = 500,
                 cache: bool = True) -> None:
        self._fetch = fetch
        self._batch_keys_max = batch_keys_max
        self._remember = cache
        self._known: dict[K, asyncio.Future[V | None]] = {}
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._sending: set[asyncio.Task[None]] = set()
        self.batches = 0

    def load(self, key: K) -> asyncio.Future[V | None]:
        known = self._known.get(key) or self._waiting.get(key)
        if known is not None:
            return asyncio.shield(known)  # who is cancelled takes nobody with him
        loop = asyncio.get_running_loop()
        future: asyncio.Future[V | None] = loop.create_future()
        if not self._waiting:
            # Twice: loads made by what this turn's answers wake join, too.
            loop.call_soon(lambda: loop.call_soon(self._send))
        self._waiting[key] = future
        if self._remember:
            self._known[key] = future
        return asyncio.shield(future)

    async def load_many(self, keys: Sequence[K]) -> list[V | None]:
        return list(await asyncio.gather(*[self.load(key) for key in keys]))

    def prime(self, key: K, value: V | None) -> None:
        if key not in self._known:
            future: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
            future.set_result(value)
            self._known[key] = future

    def clear(self, key: K) -> None:
        self._known.pop(key, None)

    def clear_all(self) -> None:
        self._known.clear()

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, {}
        keys = list(waiting)
        for begin in range(0, len(keys), self._batch_keys_max):
            part = {key: waiting[key] for key in keys[begin:begin + self._batch_keys_max]}
            task = asyncio.get_running_loop().create_task(self._run(part))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _run(self, batch: dict[K, asyncio.Future[V | None]]) -> None:
        self.batches += 1
        keys = list(batch)
        try:
            found = await self._fetch(keys)
            if not isinstance(found, Mapping) and len(found) != len(keys):
                raise ValueError(f"a fetch of {len(keys)} keys returned {len(found)} values")
            values = [found.get(key) for key in keys] if isinstance(found, Mapping) else list(found)
        except BaseException as error:  # pylint: disable=broad-except
            failure = error if isinstance(error, Exception) else asyncio.CancelledError()
            values = [failure] * len(keys)  # type: ignore[list-item]
        for key, value in zip(keys, values):
            self._settle(key, batch[key], value)

    def _settle(self, key: K, future: asyncio.Future[V | None], value: V | None | BaseException) -> None:
        if isinstance(value, BaseException):
            if self._known.get(key) is future:
                del self._known[key]
            if not future.done():
                future.set_exception(value)
                future.exception()  # seen: who asked has it from his own
        elif not future.done():
            future.set_result(value)
