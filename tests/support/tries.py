"""Calls to a Vapi on real sockets, whose every try ends as a test says."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import anyio
import httpx2
import pytest

from support.faulty_vapi import RESET_UNREAD, FaultyVapi, Reply, Seen
from vapi_sessions_mcp.caller import Caller, CallRecord
from vapi_sessions_mcp.clock import Clock, real
from vapi_sessions_mcp.contract.operations import (
    CREATE,
    DELETE,
    GET,
    LIST,
    OPERATIONS,
    UPDATE,
    Operation,
)
from vapi_sessions_mcp.contract.parsing import parse
from vapi_sessions_mcp.contract.requests import Request
from vapi_sessions_mcp.errors import VapiError
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi

# A try that Vapi answers so, or that goes to one of the `dead_ends` and never gets there.
Step: TypeAlias = Reply | Callable[[Seen], Reply] | str
DeadEnds: TypeAlias = Mapping[str, Mapping[str, Any]]
STRAIGHT: Mapping[str, Any] = {}
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda row: row.short_name)
KEY = "key-0123456789abcdef"
ARGUMENTS: dict[Operation, dict[str, Any]] = {
    LIST: {"limit": 1},
    GET: {"id": "s-1"},
    CREATE: {"body": {"name": "a"}},
    UPDATE: {"id": "s-1", "body": {"name": "a"}},
    DELETE: {"id": "s-1"},
}
READS, CHANGES = (LIST, GET), (CREATE, UPDATE, DELETE)
CREATED = "Could not create the session in"
GOT, UPDATED, DELETED = (f"Could not {do} session s-1 in" for do in ("get", "update", "delete"))
MAY = "It may or may not have happened: "
LIST_FIRST = f"{MAY}list the sessions of the last minutes (createdAtGe) before you create it again."
COMPARE = f"{MAY}get session s-1 and compare before you update it again."
GET_IT = f"{MAY}get session s-1: when it is not found, it was deleted."
LATER = "Nothing was changed; call again in a minute."
NOT_SENT = "Nothing was sent; check the network and the base URL (VAPI_BASE_URL), then call again."


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What became of one call: its answer or its error, and what Vapi saw of it."""

    answer: dict[str, Any] | None
    error: VapiError | None
    seen: list[Seen]
    seconds: float
    tries: int
    status: int | None
    host: str

    @property
    def told(self) -> str:
        """What the error says, whatever Vapi's port."""
        return str(self.error).replace(self.host, "HOST")

    @property
    def wait(self) -> float:
        """Seconds between the first two requests."""
        return self.seen[1].at - self.seen[0].at


class Road(httpx2.AsyncBaseTransport):
    """The network, on which the first tries are led astray as `turns` say: real, but elsewhere."""

    def __init__(self, turns: Iterable[Mapping[str, Any]]) -> None:
        self._turns = iter(turns)
        # Reading the machine's certificates would take most of a test's time.
        self._network = httpx2.AsyncHTTPTransport(verify=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.url = request.url.copy_with(**next(self._turns, STRAIGHT))
        return await self._network.handle_async_request(request)

    async def aclose(self) -> None:
        await self._network.aclose()


@asynccontextmanager
async def reached(
    vapi: FaultyVapi,
    turns: Iterable[Mapping[str, Any]] = (),
    *,
    clock: Clock = real,
    **options: Any,
) -> AsyncGenerator[Vapi]:
    """Our way to `vapi`, open."""
    given: dict[str, Any] = {"base_url": vapi.url, "timeout": 20, **options}
    async with Vapi(Settings(**given), transport=Road(turns), clock=clock) as ours:
        yield ours


def calling(
    operation: Operation, key: str = KEY, *, keeps_writes: bool = False
) -> tuple[Operation, Request, CallRecord]:
    """The arguments of one call."""
    request = parse(operation.request, ARGUMENTS[operation])
    return operation, request, CallRecord(caller=Caller(api_key=key), keeps_writes=keeps_writes)


async def attempt(ours: Vapi, *arguments: Any) -> None:
    """A call whose end is of no interest."""
    with suppress(VapiError):
        await ours.call(*arguments)


async def run(dead_ends: DeadEnds, operation: Operation, *steps: Step, **options: Any) -> Ran:
    """One call whose tries end as `steps` say; whatever comes after them gets a good answer."""
    turns = [dead_ends[step] if isinstance(step, str) else STRAIGHT for step in steps]
    # A handshake that is broken off is one that began.
    replies = [RESET_UNREAD if step == "broken TLS" else step for step in steps]
    answer, error = None, None
    async with FaultyVapi(*(step for step in replies if not isinstance(step, str))) as vapi:
        async with reached(vapi, turns, **options) as ours:
            _, _, call = arguments = calling(operation)
            start = anyio.current_time()
            with anyio.fail_after(30):
                try:
                    answer = await ours.call(*arguments)
                except VapiError as exc:
                    error = exc
            seconds = anyio.current_time() - start
        return Ran(
            answer=answer,
            error=error,
            seen=vapi.requests,
            seconds=seconds,
            tries=call.tries,
            status=call.status,
            host=vapi.netloc,
        )


async def all_of(runs: Mapping[str, Awaitable[Ran]]) -> dict[str, Ran]:
    """What became of each, at the same time: most of a run is waiting."""
    ran: dict[str, Ran] = {}

    async def put(name: str, one: Awaitable[Ran]) -> None:
        ran[name] = await one

    async with anyio.create_task_group() as tasks:
        for name, one in runs.items():
            tasks.start_soon(put, name, one)
    return {name: ran[name] for name in runs}
