"""The REST adapter in this process, and a Vapi that answers as told."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

import httpx2

Rest: TypeAlias = Callable[..., AbstractAsyncContextManager[httpx2.AsyncClient]]
Answering: TypeAlias = Callable[[httpx2.Request], httpx2.Response]


def answering(status: int, content: bytes, **headers: str) -> Answering:
    """A Vapi that always answers this."""
    return lambda request: httpx2.Response(status, content=content, headers=headers)
