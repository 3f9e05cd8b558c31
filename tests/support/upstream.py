"""A stand-in for Vapi that remembers what was asked."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

import httpx2
from mcp import Client


class Upstream(httpx2.AsyncBaseTransport):
    """Passes each request on to `answers` and remembers it."""

    def __init__(self, answers: httpx2.AsyncBaseTransport) -> None:
        self.answers = answers
        self.requests: list[httpx2.Request] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return await self.answers.handle_async_request(request)


Connect: TypeAlias = Callable[..., AbstractAsyncContextManager[Client]]
