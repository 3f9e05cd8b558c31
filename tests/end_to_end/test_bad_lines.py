"""Whatever is written on stdin: an answer where one can be given, and a process that serves."""

import json
import sys
from typing import Any

import pytest

from support.faulty_vapi import FaultyVapi
from support.hostile import KEY, check_parts
from support.judged import failed
from support.processes import logged_calls, started
from support.stdio_calls import META, call
from support.tools import CREATE, GET, LIST


def frame(rest: str, id: str = '"h"') -> bytes:
    """A request, all of it as it is but for META."""
    rest = rest.replace("META", json.dumps(META))
    return f'{{"jsonrpc": "2.0", "id": {id}, {rest}}}'.encode()


def line(arguments: str, name: str = LIST, id: str = '"h"') -> bytes:
    """A call of a tool."""
    params = f'{{"_meta": META, "name": "{name}", "arguments": {arguments}}}'
    return frame(f'"method": "tools/call", "params": {params}', id)


MIB = 2**20
REFUSAL = " WARNING vapi_sessions_mcp.stdio: refused code="
REFUSED = [
    *(line(f'{{"limit": {number}}}') for number in ("1e400", "NaN", "-Infinity", "9" * 4000)),
    line('{"assistantOverrides": {"a": 1e400}}'),
    line('{"assistantOverrides": "%s"}' % ("[" * 100_000)),
    line('{"id": "s-1", "id": ["s-2"]}'),
    line('{"limit": 1, "limit": 2}'),
    line('{"\\udc00": 1}'),
    line('{"x": %s}' % ("[" * 150 + "]" * 150)),
    line('{"name": "%s"}' % ("x" * 4 * MIB)),
    line('{"contains": "%s"}' % ("x" * 10 * MIB)),
    line('{"body": {"messages": [{"role": "user", "content": "%s"}]}}' % ("x" * 10 * MIB), CREATE),
    line('{"body": {"assistant": {"a": [NaN]}}}', CREATE),
    line('{"id": "../assistant"}', GET),
    *(line(arguments) for arguments in ("[1]", '"{}"', "7", "true")),
    *(line("{}", name) for name in ("__class__", "", "x" * 100_000, "\\ud83d", "\\u0000")),
    frame('"method": "nope"'),
    frame('"method": "__class__", "params": {"_meta": META}'),
    frame('"method": "\\ud83d", "params": {"_meta": META}'),
    frame('"method": "tools/call"'),
    frame('"method": "tools/call", "params": {}'),
    frame('"method": "tools/call", "params": {"_meta": META}'),
    frame('"method": "tools/call", "params": {"_meta": META, "name": 5}'),
    frame('"method": "tools/call", "params": {"_meta": [], "name": "x"}'),
    frame('"method": "tools/call", "params": {"_meta": {"\\udc00": 1e400}, "name": "x"}'),
]
TAKEN = [
    line("null"),
    line('{"name": "a\\u0000b\\r\\nHost: evil.example"}'),
    line('{"name": "\\ud83d"}'),
    line('{"body": {"assistant": {"a": "%s"}}}' % ("x" * 10 * MIB), CREATE),
    line('{"body": {"x": %s}}' % ("9" * 4000), CREATE),
    *(line("{}", id=id) for id in ("-1", "9" * 99, '"\\u0000"', '"\\ud83d"', f'"{"x" * 10**5}"')),
]


# No message of JSON-RPC, or none that may be read: what is said about it, and to which id.
WRONG, NO_JSON = -32600, -32700
JUDGED: list[tuple[bytes, int, Any]] = [
    *((text, NO_JSON, None) for text in (b"\0", b"\xff\xfe", b"x" * 4 * MIB, b'"' * 3)),
    *((text, WRONG, None) for text in (b"[]", b"{}", b"null", b"7", b'"text"', b"NaN")),
    (b"[" + line("{}") + b"]", WRONG, None),
    (b"[" * 100_000, WRONG, None),
    (b'"' + b"x" * 4 * MIB, NO_JSON, None),
    (line("{}")[:-1], NO_JSON, None),
    (line('{"name": "a\0b"}'), NO_JSON, None),
    (line('{"name": "\xe9"}').decode().encode("latin-1"), NO_JSON, "h"),
    *(
        (line("{}", id=id), WRONG, None)
        for id in ("1.5", "1e400", "NaN", "null", "true", "{}", "[]", "9" * 5000)
    ),
    (frame('"id": 2, "method": "tools/list"'), WRONG, None),
    (line('{"x": %s}' % ("[" * 200 + "]" * 200)), WRONG, "h"),
    (line('{"x": %s}' % ("[" * 100_000 + "]" * 100_000)), WRONG, None),
    (line('{"limit": %s}' % ("9" * 5000)), WRONG, "h"),
    (line('{"x": [%s0]}' % ("0," * 250_000)), WRONG, "h"),
    (line('{"x": [%s0]}' % ("0," * 1_000_001)), WRONG, None),
    (line('{"limit": 1, "limit": 2}', id="7"), WRONG, 7),
    (line('{"limit": 1, "limit": 2}', id='"\\ud83d"'), WRONG, "\ufffd"),
    (frame('"method": 5'), WRONG, "h"),
    (frame('"x": 5'), WRONG, "h"),
    *((frame(f'"method": "tools/call", "params": {p}'), WRONG, "h") for p in ("[]", '"x"', "7")),
    (b'{"jsonrpc": "1.0", "id": "h", "method": "tools/list"}', WRONG, "h"),
    (b'{"id": "h", "method": "tools/list"}', WRONG, "h"),
    # What looks like an answer has an id of ours.
    *((frame(rest), WRONG, None) for rest in ('"result": []', '"error": {}', '"error": 1')),
    (b'{"jsonrpc": "2.0", "result": {}}', WRONG, None),
    (b'{"jsonrpc": "2.0", "id": null, "error": {"code": 1e400, "message": "m"}}', WRONG, None),
    (b"x" * 32 * MIB + b"y" * MIB, WRONG, None),
]
# Blank lines, and messages that nobody answers.
UNANSWERED = [
    *(b"", b"   ", b"\r", b"\t"),
    frame('"result": {}'),
    b'{"jsonrpc": "2.0", "id": null, "error": {"code": 1, "message": "\\ud83d"}}',
    b'{"jsonrpc": "2.0", "method": "notifications/nope", "params": {"\\udc00": NaN}}',
]


@pytest.mark.anyio
async def test_lines_that_no_client_would_write_leave_a_process_that_serves() -> None:
    # A host cannot tell a server that died from one that thinks.
    async with (
        FaultyVapi() as vapi,
        started(VAPI_BASE_URL=vapi.url, VAPI_API_KEY=KEY) as running,
    ):
        number = 0
        for lines, answers, reach in ((REFUSED, 1, 0), (TAKEN, 1, 1), (UNANSWERED, 0, 0)):
            for sent in lines:
                number += 1
                vapi.requests.clear()
                await running.send(sent, call(number, GET, id="s-1"))
                got = [await running.receive() for _ in range(answers + 1)]
                [good] = [answer for answer in got if answer["id"] == number]
                assert good["result"]["structuredContent"]["id"] == "s-1"
                got.remove(good)
                assert [failed(answer) for answer in got] == [not reach] * answers, sent[:300]
                assert len(vapi.requests) == reach + 1
                for seen in vapi.requests:
                    check_parts(seen.method, seen.path, seen.body)
                    assert seen.headers.get_all("Host") == [vapi.netloc]
                    assert seen.headers.get_all("Authorization") == [f"Bearer {KEY}"]
        await running.end_input()
        assert await running.ended() == 0
        out, log = await running.rest()
        assert out == ""
        refused = [each for each in log.splitlines() if REFUSAL in each]
        assert len(refused) == 2  # where a name is given twice
        logged_calls("\n".join(each for each in log.splitlines() if each not in refused))


@pytest.mark.measured
@pytest.mark.anyio
async def test_what_is_no_message_is_answered_with_its_id_where_it_has_one() -> None:
    # A client that waits for an answer which never comes hangs until somebody kills it.
    async with FaultyVapi() as vapi, started(VAPI_BASE_URL=vapi.url, VAPI_API_KEY=KEY) as running:
        # Nor does it matter that the first message is no request.
        await running.send(b'{"jsonrpc": "2.0", "method": "notifications/nope"}')
        for number, (sent, code, id) in enumerate(JUDGED):
            await running.send(sent, call(number, GET, id="s-1"))
            got = [await running.receive() for _ in range(2)]
            refused = next(answer for answer in got if "error" in answer)
            got.remove(refused)
            assert (refused["error"]["code"], refused["id"]) == (code, id), sent[:300]
            assert len(refused["error"]["message"]) < 150
            assert got[0]["result"]["structuredContent"]["id"] == "s-1"
        await running.end_input()
        assert await running.ended() == 0
        out, log = await running.rest()
    assert out == ""
    lines = log.splitlines()
    refusals = [each.partition(REFUSAL)[2] for each in lines if REFUSAL in each]
    # One each, which says nothing but the code.
    assert refusals == [str(code) for _, code, _ in JUDGED]
    assert len(logged_calls("\n".join(each for each in lines if REFUSAL not in each))) == len(
        JUDGED
    )


@pytest.mark.anyio
async def test_a_byte_order_mark_before_the_first_message_is_dropped() -> None:
    # Some shells of Windows write one before whatever they pipe.
    async with FaultyVapi() as vapi, started(VAPI_BASE_URL=vapi.url, VAPI_API_KEY=KEY) as running:
        await running.send(b"\xef\xbb\xbf" + line('{"id": "s-1"}', GET))
        assert (await running.receive())["result"]["structuredContent"]["id"] == "s-1"


@pytest.mark.measured
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how much memory was taken")
@pytest.mark.anyio
async def test_a_line_without_end_is_refused_while_it_arrives_and_takes_no_memory() -> None:
    # Whoever pipes the wrong file into the server must not take the machine with it.
    async with FaultyVapi() as vapi, started(VAPI_BASE_URL=vapi.url, VAPI_API_KEY=KEY) as running:
        await running.send(call(1, GET, id="s-1"))
        assert (await running.receive())["id"] == 1
        before = running.most_memory()
        await running.send(b'{"jsonrpc": "2.0", "id": 2, "x": "' + b"x" * 32 * MIB, end=b"")
        refused = await running.receive()
        assert (refused["error"]["code"], refused["id"]) == (WRONG, None)
        assert refused["error"]["message"] == "A message may have 32 MiB at most."
        for _ in range(10):
            await running.send(b"x" * 32 * MIB, end=b"")
        await running.send(b'"}', call(3, GET, id="s-1"))
        assert (await running.receive())["id"] == 3
        # What was begun, twice where it grew, and little else.
        assert running.most_memory() - before < 100 * MIB


@pytest.mark.measured
@pytest.mark.anyio
async def test_a_cancellation_of_nothing_cancels_nothing() -> None:
    # One frame that nobody waits for must not end the server for all that follows.
    async with FaultyVapi() as vapi, started(VAPI_BASE_URL=vapi.url, VAPI_API_KEY=KEY) as running:
        for id in ("{}", "[]", "[[1]]", "1e400", "null", '"\\ud83d"', "true", "-1"):
            params = f'{{"requestId": {id}, "reason": [1e400]}}'
            cancel = (
                f'{{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {params}}}'
            )
            await running.send(cancel.encode(), call(2, GET, id="s-1"))
            assert (await running.receive())["id"] == 2
