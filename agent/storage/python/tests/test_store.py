# SPDX-License-Identifier: Apache-2.0
import asyncio
import math

import pytest

from tapewatch_storage import (Busy, Cancelled, Closed, Constraint, Loader, ReadOnly, StorageError, Store, Timeout)

SCHEMA = "CREATE TABLE IF NOT EXISTS orders(id INTEGER PRIMARY KEY, symbol TEXT UNIQUE, price REAL, body BLOB)"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


@pytest.fixture(name="path")
def fixture_path(tmp_path):
    return tmp_path / "test.db"


def run(path, body):
    async def main():
        async with Store.open(path, schema=SCHEMA) as store:
            return await asyncio.wait_for(body(store), 30)
    return asyncio.run(main())


def test_every_type_comes_back_as_it_was(path):
    async def body(store):
        row = (1 << 62, "銘柄 7203\0!", -0.5, b"\0\xff")
        written = await store.execute("INSERT INTO orders VALUES(?, ?, ?, ?)", *row)
        assert (written.changes, written.last_insert_id) == (1, 1 << 62)
        rows = await store.fetch("SELECT * FROM orders")
        assert rows == [row]
        assert rows.columns == ("id", "symbol", "price", "body")
        assert rows.dicts()[0]["price"] == -0.5
        assert await store.fetch_one("SELECT ?, ?, ?, ?", None, True, "", b"") == (None, 1, "", b"")
        assert math.isinf((await store.fetch_one("SELECT ?", math.inf))[0])
        assert await store.fetch_one("SELECT 1 WHERE 0") is None
        with pytest.raises(TypeError):
            await store.fetch("SELECT ?", object())
    run(path, body)


def test_errors_have_kinds(path):
    async def body(store):
        await store.execute("INSERT INTO orders(symbol) VALUES('a')")
        with pytest.raises(Constraint, match="UNIQUE"):
            await store.execute("INSERT INTO orders(symbol) VALUES('a')")
        with pytest.raises(ReadOnly):
            await store.fetch("DELETE FROM orders")
        with pytest.raises(StorageError) as wrong:
            await store.fetch("SELECT nothing FROM nowhere")
        assert wrong.value.code == 400
        with pytest.raises(Busy):
            Store.open(path)
    run(path, body)


def test_a_transaction_is_all_or_nothing(path):
    async def body(store):
        insert = ("INSERT INTO orders(symbol) VALUES(?)", ("x",))
        with pytest.raises(Constraint):
            await store.transact([insert, insert])
        assert (await store.fetch_one("SELECT count(*) FROM orders"))[0] == 0
        done = await store.transact([insert, ("UPDATE orders SET price = 1 RETURNING symbol", ())], durable=True)
        assert done.changes == 2
        assert done.rows == [("x",)]
    run(path, body)


def test_bulk(path):
    async def body(store):
        rows = [(i, f"s{i}", None, b"x" * 10) for i in range(10_000)]
        columns = ["id", "symbol", "price", "body"]
        assert (await store.insert_many("orders", columns, rows, durable=True)).written == 10_000
        with pytest.raises(Constraint, match="row 1"):
            await store.insert_many("orders", columns, [(-1, "new", 1.0, None), rows[5]])
        report = await store.insert_many("orders", columns, [(-1, "new", 1.0, None), rows[5]], on_conflict="report")
        assert (report.written, report.left_out, len(report.faults)) == (1, 1, 1)
        await store.upsert_many("orders", ["id", "price"], ["id"], ((i, float(i)) for i in range(100)))
        assert (await store.fetch_one("SELECT sum(price) FROM orders"))[0] == 4951.0
        done = await store.update_many("orders", ["price", "id"], ["id"], [(7.5, 3), (1.0, 99_999)])
        assert (done.written, done.left_out) == (1, 1)
        with pytest.raises(ValueError):
            await store.insert_many("orders", columns, [(1,)])
    run(path, body)


def test_a_stream_is_read_in_batches(path):
    async def body(store):
        await store.insert_many("orders", ["id", "symbol"], [(i, f"s{i}") for i in range(1, 5001)])
        seen, batches = [], 0
        async for batch in store.stream("SELECT id FROM orders WHERE id > ? ORDER BY id", 0, key_columns=1,
                                        batch_rows=700):
            assert len(batch) <= 700
            seen += [row[0] for row in batch]
            batches += 1
        assert seen == list(range(1, 5001))
        assert batches == 8
        stream = store.stream("SELECT id FROM orders", batch_rows=1)
        assert await stream.next() == [(1,)]
        stream.cancel()
        with pytest.raises(Cancelled):
            await stream.next()
        stream.close()
        with pytest.raises(Closed):
            await stream.next()
    run(path, body)


def test_limits_and_cancelled_tasks(path):
    async def body(store):
        with pytest.raises(Timeout):
            await store.fetch(ENDLESS, limit=0.01)
        tasks = [asyncio.create_task(store.fetch(ENDLESS)) for _ in range(2)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        assert all(isinstance(each, asyncio.CancelledError)
                   for each in await asyncio.gather(*tasks, return_exceptions=True))
        # The threads that ran them are free again.
        assert await asyncio.gather(*[store.fetch("SELECT 1") for _ in range(4)]) == [[(1,)]] * 4
    run(path, body)


def test_closing_answers_what_waits(path):
    async def body():
        store = Store.open(path, schema=SCHEMA)
        waits = [asyncio.ensure_future(store.fetch("SELECT 1")) for _ in range(20)]
        stream = store.stream("SELECT 1")
        await asyncio.sleep(0)
        store.close()
        store.close()
        for each in await asyncio.gather(*waits, return_exceptions=True):
            assert each == [(1,)] or isinstance(each, Closed)
        with pytest.raises(Closed):
            await stream.next()
        with pytest.raises(Closed):
            await store.fetch("SELECT 1")
    asyncio.run(body())


def test_many_at_once(path):
    async def body(store):
        await asyncio.gather(*[store.execute("INSERT INTO orders(symbol) VALUES(?)", str(i)) for i in range(500)])
        rows = await asyncio.gather(*[store.fetch("SELECT id FROM orders WHERE symbol = ?", str(i))
                                      for i in range(500)])
        assert len({row[0][0] for row in rows}) == 500
    run(path, body)


def test_the_loader_makes_one_fetch_of_many_loads(path):
    async def body(store):
        await store.insert_many("orders", ["id", "symbol"], [(i, f"s{i}") for i in range(100)])
        fetched = []

        async def symbols(ids):
            fetched.append(ids)
            marks = ",".join("?" * len(ids))
            return dict(await store.fetch(f"SELECT id, symbol FROM orders WHERE id IN ({marks})", *ids))
        loader = Loader(symbols)

        async def one(key):
            first = await loader.load(key)
            return first, await loader.load(key + 50)
        found = await asyncio.gather(*[one(i % 10) for i in range(20)])
        assert found[3] == ("s3", "s53")
        assert [len(keys) for keys in fetched] == [10, 10]
        assert await loader.load_many([3, 1000]) == ["s3", None]
        loader.prime(2000, "primed")
        assert await loader.load(2000) == "primed"
        loader.clear(3)
        assert await loader.load(3) == "s3"
        assert loader.batches == 4
    run(path, body)


def test_a_failed_load_is_its_own_and_not_remembered():
    async def body():
        fail = True

        async def fetch(keys):
            if fail:
                raise OSError("away")
            return [KeyError(key) if key == 2 else key * 10 for key in keys]
        loader = Loader(fetch, batch_keys_max=2)
        for each in await asyncio.gather(*[loader.load(i) for i in range(3)], return_exceptions=True):
            assert isinstance(each, OSError)
        fail = False
        assert await loader.load(1) == 10
        waits = loader.load(3)
        other = loader.load(3)
        waits.cancel()
        assert await other == 30
        with pytest.raises(KeyError):
            await loader.load(2)

        async def short(_):
            return []
        with pytest.raises(ValueError):
            await Loader(short).load(1)
    asyncio.run(body())
