# SPDX-License-Identifier: Apache-2.0
"""SQLite for asyncio through libtapewatch-storage: one writer with group commit, readers that never wait for it,
bulk writes, streams of bounded memory, and a loader that makes one fetch of many loads.

    store = Store.open("orders.db", schema="CREATE TABLE IF NOT EXISTS orders(id INTEGER PRIMARY KEY, symbol TEXT)")
    await store.insert_many("orders", ["id", "symbol"], [(1, "7203"), (2, "6758")], durable=True)
    rows = await store.fetch("SELECT id, symbol FROM orders WHERE id > ?", 0)
    async for batch in store.stream("SELECT id, symbol FROM orders WHERE id > ? ORDER BY id", 0, key_columns=1):
        ...
    store.close()
"""
from .errors import (Busy, Cancelled, Closed, Constraint, Corrupt, Full, QueueFull, ReadOnly, StorageError, Timeout,
                     WalFull)
from .loader import Loader
from .rows import Row, Rows, Value
from .store import BulkResult, Store, Stream, WriteResult

__all__ = ["BulkResult", "Busy", "Cancelled", "Closed", "Constraint", "Corrupt", "Full", "Loader", "QueueFull",
           "ReadOnly", "Row", "Rows", "StorageError", "Store", "Stream", "Timeout", "Value", "WalFull", "WriteResult"]
