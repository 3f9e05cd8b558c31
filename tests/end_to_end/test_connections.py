"""What a process makes of connections to Vapi that end, stall or overflow."""

import json

import pytest

from support.faults import ARGUMENTS, KEY, MIB, PRIVATE, TOOLS, lost, silent
from support.faulty_vapi import (
    CLOSED_UNREAD,
    DEAF,
    RESET,
    RESET_UNREAD,
    SESSION,
    FaultyVapi,
    Reply,
    Seen,
    reply,
)
from support.hosts import SLACK, Host, hosted, logged, tool_of, words
from support.tools import CREATE, DELETE, GET, LIST, UPDATE

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("cut", ["reset", "closed", "reset unread", "closed unread"])
async def test_a_kept_connection_that_ends_under_a_request_is_told_of_changes_only(
    cut: str,
) -> None:
    # Node servers close idle connections after 5 s, now and then right under a request.
    ends = {
        "reset": RESET,
        "closed": Reply(then="close"),
        "reset unread": RESET_UNREAD,
        "closed unread": CLOSED_UNREAD,
    }
    fault = lost(ends[cut])
    script = [
        answer
        for tool in TOOLS
        for answer in (reply(), ends[cut], *[reply()] * (fault.requests[tool] > 1))
    ]
    async with FaultyVapi(*script) as vapi, hosted(vapi.url) as host:
        for tool in TOOLS:
            await host.one(GET)
            kept = vapi.connections
            result = await host.one(tool)
            if fault.requests[tool] > 1:
                assert result["structuredContent"] == SESSION
                assert vapi.connections == kept + 1
            else:
                assert words(result).replace(vapi.netloc, "HOST") == fault.sentence(tool)
                assert vapi.connections == kept
        await clean(host)


async def test_a_connection_that_was_closed_while_idle_costs_no_change_its_first_try() -> None:
    # Otherwise every create after a pause might have happened, or not.
    closed = Reply(raw=reply().raw, then="close")
    async with FaultyVapi(otherwise=closed) as vapi, hosted(vapi.url) as host:
        for count, tool in enumerate(TOOLS * 2, start=1):
            result = await host.one(tool)
            assert result["structuredContent"] == SESSION
            await vapi.until(lambda vapi: vapi.answered == count)  # noqa: B023 - at once
            assert (len(vapi.requests), vapi.connections) == (count, count)
        await clean(host)


async def test_a_vapi_that_stops_reading_holds_no_call_past_its_deadline() -> None:
    # What does not fit into the sockets between cannot even be sent.
    message = {"role": "user", "content": "x" * 10_000}
    fault = silent(DEAF)
    async with FaultyVapi(DEAF) as vapi, hosted(vapi.url, "--timeout", "1") as host:
        result = await host.one(CREATE, body={"messages": [message] * 800})
        assert words(result).replace(vapi.netloc, "HOST") == fault.sentence(CREATE)
        assert (vapi.connections, vapi.requests) == (1, [])
        assert (await host.one(CREATE))["structuredContent"] == SESSION
        err = await clean(host)
    (took, _) = (int(line["ms"]) for line in logged(err))
    assert took < 1_000 * (1 + SLACK)


async def test_thirty_megabytes_arrive_whole_and_what_is_long_leaves_the_memory_again() -> None:
    # A long conversation is answered, and one of them does not bring down what comes after it.
    message = {"role": "user", "content": "words " * 1_666}
    session, longest = ({"id": "s-1", "messages": [message] * n} for n in (1_000, 3_000))
    answers = {
        tool: reply(200, {"results": [session]} if tool == LIST else session) for tool in TOOLS
    }
    assert all(10 * 10**6 < len(answer.raw) < 11 * MIB for answer in answers.values())
    assert 30 * 10**6 < len(reply(200, longest).raw) < 32 * MIB
    left: list[int] = []

    def long(seen: Seen) -> Reply:
        return answers[tool_of(seen)]

    async with FaultyVapi() as vapi, hosted(vapi.url, "--timeout", "30") as host:
        for _ in range(2):
            vapi.otherwise = long
            results = await host.call(ARGUMENTS)
            for tool in (CREATE, UPDATE, DELETE):
                assert results[tool]["structuredContent"] == session
            assert results[LIST]["structuredContent"] == {"results": [session]}
            assert results[GET]["structuredContent"]["shown"]["of"] == 1_000
            assert len(results[GET]["content"][0]["text"]) <= 50_000
            vapi.otherwise = reply()
            await host.call(ARGUMENTS)
            left.append(host.memory("VmRSS"))
        peak = host.memory("VmHWM")
        vapi.otherwise = reply(200, longest)
        assert (await host.one(CREATE))["structuredContent"] == longest
        await clean(host)
    assert peak < 400
    # The allocator keeps some of it; two rounds of ten copies each are not left.
    assert max(left) < 250


async def test_an_answer_that_nobody_asked_for_is_given_to_nobody() -> None:
    # A proxy that is out of step would hand one customer's session to another one's agent.
    spare = Reply(raw=reply(200, {"id": "s-1"}).raw + reply(200, {"id": "s-2"}).raw)
    own = reply(200, {"id": "s-3"})
    async with FaultyVapi(*[spare, own, own] * 3, otherwise=own) as vapi, hosted(vapi.url) as host:
        for tool in (GET, UPDATE, DELETE):
            assert (await host.one(GET))["structuredContent"] == {"id": "s-1"}
            # Neither it nor what would have followed on that connection.
            for _ in range(2):
                result = await host.one(tool, **{**ARGUMENTS[tool], "id": "s-3"})
                assert result["structuredContent"] == {"id": "s-3"}
                assert "s-2" not in json.dumps(result)


async def clean(host: Host) -> str:
    """The server ends as it should and has told nobody the key; what stands on stderr."""
    code, out, err = await host.end()
    assert (code, out, host.leaked) == (0, b"", False)
    for part in (KEY, *PRIVATE, "Traceback", "words words"):
        assert part not in err
    return err
