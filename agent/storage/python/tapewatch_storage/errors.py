# SPDX-License-Identifier: Apache-2.0
"""What a call can end with. `code` is the number that the library's documentation names."""
from __future__ import annotations


class StorageError(Exception):
    code: int = 0

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class Closed(StorageError):
    code = 6


class Timeout(StorageError):
    code = 7


class Cancelled(StorageError):
    code = 8


class Busy(StorageError):
    code = 9


class Full(StorageError):
    code = 10


class Corrupt(StorageError):
    code = 11


class Constraint(StorageError):
    code = 401


class QueueFull(StorageError):
    code = 402


class ReadOnly(StorageError):
    code = 403


class WalFull(StorageError):
    code = 406


_BY_CODE: dict[int, type[StorageError]] = {kind.code: kind for kind in StorageError.__subclasses__()}


def error_of(code: int, message: str) -> StorageError:
    return _BY_CODE.get(code, StorageError)(message or f"code {code}", code)
