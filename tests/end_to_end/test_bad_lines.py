"""Whatever is written on stdin: an answer where one can be given, and a process that serves."""

import json

import pytest

from support.faulty_vapi import FaultyVapi
from support.hostile import KEY, check_parts
from support.judged import failed
from support.processes import logged_calls, started
from support.stdio_calls import META, call
from support.tools import CREATE, GET, LIST

pytestmark = pytest.mark.no_cover


def frame(rest: str, id: str = '"h"') -> bytes:
    """A request, all of it as it is but for META."""
    rest = rest.replace("META", json.dumps(META))
    return f'{{"jsonrpc": "2.0", "id": {id}, {rest}}}'.encode()


def line(arguments: str, name: str = LIST, id: str = '"h"') -> bytes:
    """A call of a tool."""
    params = f'{{"_meta": META, "name": "{name}", "arguments": {arguments}}}'
    return frame(f'"method": "tools/call", "params": {params}', id)


MIB = 2**20
REFUSED = [
    *(line(f'{{"limit": {number}}}') for number in ("1e400", "NaN", "-Infinity", "9" * 4000)),
    line('{"assistantOverrides": {"a": 1e400}}'),
    line('{"assistantOverrides": "%s"}' % ("[" * 100_000)),
    line('{"id": "s-1", "id": ["s-2"]}'),
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
    line('{"limit": 1, "limit": 2}'),
    line('{"name": "a\\u0000b\\r\\nHost: evil.example"}'),
    line('{"name": "\\ud83d"}'),
    line('{"body": {"assistant": {"a": "%s"}}}' % ("x" * 10 * MIB), CREATE),
    line('{"body": {"x": %s}}' % ("9" * 4000), CREATE),
    *(line("{}", id=id) for id in ("-1", "9" * 99, '"\\u0000"', '"\\ud83d"', f'"{"x" * 10**5}"')),
]


# No request that the SDK can read: there is nobody to answer.
DROPPED = [
    *(b"", b"   ", b"\r", b"\0", b"\xff\xfe", b"[]", b"{}", b"null", b"7", b'"text"'),
    *(b"[" + line("{}") + b"]", b"[" * 100_000, b"x" * 4 * MIB, b'"' + b"x" * 4 * MIB),
    *(line("{}", id=id) for id in ("1.5", "1e400", "NaN", "null", "true", "{}", "[]")),
    line('{"x": %s}' % ("[" * 100_000 + "]" * 100_000)),
    line('{"limit": %s}' % ("9" * 5000)),
    line('{"name": "a\0b"}'),
    line("{}")[:-1],
    frame('"method": 5'),
    *(frame(f'"method": "tools/call", "params": {params}') for params in ("[]", '"x"', "7")),
    frame('"result": {}'),
    b'{"jsonrpc": "1.0", "id": "h", "method": "tools/list"}',
    b'{"jsonrpc": "2.0", "id": null, "error": {"code": 1e400, "message": "\\ud83d"}}',
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
        for lines, answers, reach in ((REFUSED, 1, 0), (TAKEN, 1, 1), (DROPPED, 0, 0)):
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
        logged_calls(log)


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
