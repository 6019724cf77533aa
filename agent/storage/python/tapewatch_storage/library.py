# SPDX-License-Identifier: Apache-2.0
"""libtapewatch-storage by ctypes: the structs and calls of storage_c.h."""
from __future__ import annotations

import ctypes
import os
import pathlib
from ctypes import POINTER, Structure, c_char_p, c_int, c_int32, c_int64, c_size_t, c_void_p

ABI_VERSION = 1
NAME = "libtapewatch-storage.so.0"


class _Sized(Structure):
    """A struct that tells its own size first."""

    def __init__(self, **members: object) -> None:
        super().__init__(struct_size=ctypes.sizeof(type(self)), **members)


class OpenOptions(_Sized):
    _fields_ = [("struct_size", c_size_t), ("path", c_char_p), ("schema", c_char_p), ("readers_max", c_int32),
                ("call_threads", c_int32), ("read_age_max_ms", c_int64), ("queue_jobs_max", c_int64),
                ("wal_bytes_max", c_int64)]


class Statement(_Sized):
    _fields_ = [("struct_size", c_size_t), ("sql", c_char_p), ("sql_bytes", c_size_t), ("values", c_char_p),
                ("values_bytes", c_size_t)]


class Call(_Sized):
    _fields_ = [("struct_size", c_size_t), ("limit_ms", c_int64), ("stop", c_void_p), ("durable", c_int32)]


class BulkRows(_Sized):
    _fields_ = [("struct_size", c_size_t), ("kind", c_int32), ("on_conflict", c_int32), ("table", c_char_p),
                ("columns", POINTER(c_char_p)), ("column_count", c_size_t), ("keys", POINTER(c_char_p)),
                ("key_count", c_size_t), ("rows", c_char_p), ("rows_bytes", c_size_t)]


class StreamOptions(_Sized):
    _fields_ = [("struct_size", c_size_t), ("batch_bytes", c_int64), ("batch_rows", c_int64),
                ("age_max_ms", c_int64), ("key_columns", c_int32)]


Done = ctypes.CFUNCTYPE(None, c_void_p, c_void_p)

_CALLS: dict[str, tuple[object, list[object]]] = {
    "tws_abi_version": (c_int32, []),
    "tws_open": (c_void_p, [POINTER(OpenOptions), POINTER(c_void_p)]),
    "tws_close": (None, [c_void_p]),
    "tws_completion_fd": (c_int, [c_void_p]),
    "tws_run_completions": (c_size_t, [c_void_p]),
    "tws_read": (c_int32, [c_void_p, POINTER(Statement), POINTER(Call), Done, c_void_p]),
    "tws_write": (c_int32, [c_void_p, POINTER(Statement), c_size_t, POINTER(Call), Done, c_void_p]),
    "tws_bulk": (c_int32, [c_void_p, POINTER(BulkRows), POINTER(Call), Done, c_void_p]),
    "tws_stream_open": (c_void_p, [c_void_p, POINTER(Statement), POINTER(StreamOptions)]),
    "tws_stream_next": (c_int32, [c_void_p, POINTER(Call), Done, c_void_p]),
    "tws_stream_cancel": (None, [c_void_p]),
    "tws_stream_close": (None, [c_void_p]),
    "tws_stop_new": (c_void_p, []),
    "tws_stop_request": (None, [c_void_p]),
    "tws_stop_free": (None, [c_void_p]),
    "tws_result_code": (c_int32, [c_void_p]),
    "tws_result_message": (c_char_p, [c_void_p]),
    "tws_result_changes": (c_int64, [c_void_p]),
    "tws_result_left_out": (c_int64, [c_void_p]),
    "tws_result_last_insert_id": (c_int64, [c_void_p]),
    "tws_result_columns": (c_size_t, [c_void_p]),
    "tws_result_column_name": (c_char_p, [c_void_p, c_size_t]),
    "tws_result_packed": (c_void_p, [c_void_p, POINTER(c_size_t)]),
    "tws_result_free": (None, [c_void_p]),
}


def load(path: str | None = None) -> ctypes.CDLL:
    """The library at `path`, at TAPEWATCH_STORAGE_LIBRARY, beside this file, or where the system looks."""
    beside = pathlib.Path(__file__).with_name(NAME)
    found = path or os.environ.get("TAPEWATCH_STORAGE_LIBRARY") or (str(beside) if beside.exists() else NAME)
    library = ctypes.CDLL(found)
    for name, (result, arguments) in _CALLS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    version = library.tws_abi_version()
    if version != ABI_VERSION:
        raise ImportError(f"{found} has interface {version}, and {ABI_VERSION} is needed")
    return library
