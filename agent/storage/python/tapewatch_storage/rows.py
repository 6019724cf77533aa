# SPDX-License-Identifier: Apache-2.0
"""Values as the library carries them (storage_c.h), and rows as tuples with the names of their columns."""
from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Union

Value = Union[None, int, float, str, bytes, bytearray, memoryview, bool]
Row = tuple[Union[None, int, float, str, bytes], ...]

_INTEGER, _REAL, _LENGTH = struct.Struct("=Bq"), struct.Struct("=Bd"), struct.Struct("=BI")


def pack_into(out: bytearray, value: Value) -> None:
    kind = type(value)
    if value is None:
        out.append(0)
    elif kind is int or kind is bool:
        out += _INTEGER.pack(1, value)
    elif kind is float:
        out += _REAL.pack(2, value)
    elif kind is str:
        text = value.encode()  # type: ignore[union-attr]
        out += _LENGTH.pack(3, len(text))
        out += text
    elif isinstance(value, (bytes, bytearray, memoryview)):
        out += _LENGTH.pack(4, len(value))
        out += value
    elif isinstance(value, int):
        out += _INTEGER.pack(1, int(value))
    else:
        raise TypeError(f"a {kind.__name__} is no value: None, int, float, str or bytes")


def pack(values: Iterable[Value]) -> bytes:
    out = bytearray()
    for value in values:
        pack_into(out, value)
    return bytes(out)


def pack_rows(rows: Iterable[Sequence[Value]], width: int) -> bytes:
    out = bytearray()
    for row in rows:
        if len(row) != width:
            raise ValueError(f"a row of {len(row)} values for {width} columns")
        for value in row:
            pack_into(out, value)
    return bytes(out)


class Rows(list[Row]):
    """A list of tuples; `columns` are their names."""

    def __init__(self, rows: Iterable[Row], columns: tuple[str, ...]) -> None:
        super().__init__(rows)
        self.columns = columns

    def dicts(self) -> list[dict[str, Value]]:
        return [dict(zip(self.columns, row)) for row in self]


def unpack_rows(packed: bytes, width: int) -> list[Row]:
    integer, real, length = (s.unpack_from for s in (_INTEGER, _REAL, _LENGTH))
    rows: list[Row] = []
    row: list[None | int | float | str | bytes] = []
    at, end = 0, len(packed)
    while at < end:
        kind = packed[at]
        if kind == 1:
            row.append(integer(packed, at)[1])
            at += 9
        elif kind == 3:
            begin = at + 5
            at = begin + length(packed, at)[1]
            row.append(packed[begin:at].decode(errors="replace"))
        elif kind == 2:
            row.append(real(packed, at)[1])
            at += 9
        elif kind == 0:
            row.append(None)
            at += 1
        else:
            begin = at + 5
            at = begin + length(packed, at)[1]
            row.append(packed[begin:at])
        if len(row) == width:
            rows.append(tuple(row))
            row = []
    return rows
