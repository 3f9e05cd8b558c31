"""Many append to one session at the same time: nothing that is said to be stored is lost."""

import json
from collections.abc import Callable
from typing import Any, TypeAlias

import anyio
import anyio.lowlevel
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.properties import examples
from vapi_sessions_mcp.caller import Caller, CallRecord
from vapi_sessions_mcp.contract.operations import UPDATE
from vapi_sessions_mcp.contract.parsing import parse
from vapi_sessions_mcp.errors import Conflict, VapiError
from vapi_sessions_mcp.sessions.locks import Locks
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi

Json: TypeAlias = dict[str, Any]
Rule: TypeAlias = Callable[[Json], Json]

RULES: list[Rule] = [
    lambda message: message,
    lambda message: message | {"content": str(message["content"]).strip()},
    lambda message: {"role": message["role"], "content": message["content"], "time": 1},
    lambda message: message | {"content": str(message["content"]).replace("\r\n", "\n").upper()},
]


class Storing(httpx2.AsyncBaseTransport):
    """A Vapi that stores by a rule, is slow by turns, and fails after some writes or reads."""

    def __init__(self, rule: Rule, turns: list[int], failing: list[str]) -> None:
        self.session: Json = {"id": "s-1", "messages": []}
        self.writes = 0
        self._rule, self._turns, self._failing = rule, turns, failing

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await self._wait()
        if request.method == "PATCH":
            self.writes += 1
            messages = json.loads(request.content)["messages"]
            self.session = self.session | {"messages": [self._rule(m) for m in messages]}
        said = json.dumps(self.session)
        await self._wait()
        fails = self._failing.pop() if self._failing else "well"
        if fails == "garbled" or (fails != "well" and request.method == "GET"):
            return httpx2.Response(200, content=b"<html>")  # of reads the one that is not repeated
        if fails == "lost":
            raise httpx2.ReadError("reset")
        if fails == "failed":
            return httpx2.Response(500, content=b"{}")
        return httpx2.Response(200, content=said.encode())

    async def _wait(self) -> None:
        for _ in range(self._turns.pop() if self._turns else 0):
            await anyio.lowlevel.checkpoint()


async def run(vapi: Storing, count: int) -> list[str]:
    """`count` appends at once, each of its own message; "stored" or the error's class for each."""
    options = Settings(api_key="key", base_url="http://localhost:9")
    sessions = Sessions(Vapi(options, transport=vapi), options)
    ended = ["" for _ in range(count)]

    async def append(number: int) -> None:
        message = {"role": "user", "content": f" m{number}\r\n "}
        request = parse(UPDATE.request, {"id": "s-1", "appendMessages": [message]})
        record = CallRecord(caller=Caller(api_key="key"))
        try:
            await sessions.answer(UPDATE, request, record)
        except VapiError as exc:
            ended[number] = type(exc).__name__
        else:
            ended[number] = "stored"

    async with anyio.create_task_group() as tasks:
        for number in range(count):
            tasks.start_soon(append, number)
    return ended


@examples(2)
@given(
    rule=st.sampled_from(RULES),
    count=st.integers(1, 8),
    turns=st.lists(st.integers(0, 5), max_size=60),
    failing=st.lists(st.sampled_from(["well", "well", "lost", "garbled", "failed"]), max_size=20),
)
def test_each_message_that_is_said_to_be_stored_is_stored_once(
    rule: Rule, count: int, turns: list[int], failing: list[str]
) -> None:
    # Whatever Vapi makes of a message, in whatever order its answers come, whatever fails.
    vapi = Storing(rule, turns, failing)
    ended = anyio.run(run, vapi, count)
    stored = [str(message["content"]).strip().lower() for message in vapi.session["messages"]]
    for number, end in enumerate(ended):
        times = stored.count(f"m{number}")
        assert times == 1 if end == "stored" else times <= 1
    assert vapi.writes <= count


@pytest.mark.anyio
async def test_a_change_that_waits_too_long_says_that_nothing_was_changed() -> None:
    # Behind many others a caller needs an answer, not a place in a queue.
    locks = Locks(patience=0.01)
    done = anyio.Event()

    async def change(held: anyio.Event) -> None:
        async with locks.hold("s-1"), locks.hold("s-2"):
            held.set()
            await done.wait()

    async with anyio.create_task_group() as tasks:
        held = anyio.Event()
        tasks.start_soon(change, held)
        await held.wait()
        with pytest.raises(Conflict, match=r"^Nothing was changed: other changes of session S-1"):
            async with locks.hold("S-1"):
                raise AssertionError
        done.set()
    async with locks.hold("s-1"):
        pass
