"""Whatever arrives, at any face: an answer, no crash, and nothing at Vapi that is not whole."""

import json
import re
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias
from urllib.parse import parse_qs, unquote

import anyio
import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mcp.shared.memory import create_client_server_memory_streams
from mcp.shared.message import SessionMessage
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, jsonrpc_message_adapter
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message

from support.arguments import Given, any_text, bounded, every_operation
from support.faces import BOTH
from support.faulty_vapi import FaultyVapi
from support.hostile import (
    BASE_URL,
    KEY,
    Echo,
    Spell,
    arguments,
    bodies,
    check_parts,
    check_sent,
    content_types,
    escaped,
    methods,
    odd,
    plain,
    posts,
    strict,
    targets,
    tool_names,
)
from support.http_calls import LEGACY, tool_call
from support.processes import PATIENCE, logged_calls, started
from support.rest_calls import refused
from support.stdio_calls import (
    INITIALIZED,
    META,
    call,
    initialize,
    legacy,
    modern,
)
from support.tools import CREATE, ERAS, GET, LIST
from support.upstream import Upstream
from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.access.gate import Gate
from vapi_sessions_mcp.contract import operations
from vapi_sessions_mcp.contract.operations import Operation
from vapi_sessions_mcp.mcp_server.app import MCP, build_app
from vapi_sessions_mcp.mcp_server.server import build_server
from vapi_sessions_mcp.rest_api.app import MAX_BODY, build_rest
from vapi_sessions_mcp.rest_api.skill_routes import skill_routes
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi

Ask: TypeAlias = Callable[..., Awaitable[Given]]
Rest: TypeAlias = tuple[Starlette, Upstream]

every_era = pytest.mark.parametrize("era", ERAS)
SETTINGS = Settings(api_key=KEY, base_url=BASE_URL)


@asynccontextmanager
async def connected(era: str) -> AsyncGenerator[tuple[Ask, Upstream]]:
    """What asks a server as a transport does, where no client library mends the frames first."""
    upstream = Upstream(httpx2.MockTransport(Echo()))
    server = build_server(Sessions(Vapi(SETTINGS, transport=upstream), SETTINGS), SETTINGS)
    options = server.create_initialization_options()
    with anyio.fail_after(PATIENCE):
        async with (
            create_client_server_memory_streams() as ((answers, frames), ends),
            anyio.create_task_group() as tasks,
        ):

            async def send(frame: Given) -> None:
                await frames.send(SessionMessage(jsonrpc_message_adapter.validate_python(frame)))

            async def ask(method: str, **params: Any) -> Given:
                await send((legacy if era == "legacy" else modern)(1, method, **params))
                answer = await answers.receive()
                assert isinstance(answer, SessionMessage)
                return strict(answer.message.model_dump_json(exclude_unset=True).encode())

            tasks.start_soon(server.run, *ends, options)
            if era == "legacy":
                handshake = initialize(0, "2025-11-25")["params"]
                assert "result" in await ask("initialize", **handshake)
                await send(INITIALIZED)
            yield ask, upstream
            await frames.aclose()


async def called(era: str, tool: str, given: Given) -> tuple[Given, list[httpx2.Request]]:
    """What a call answers and what reached Vapi, on a connection that then serves a good one."""
    async with connected(era) as (ask, upstream):
        answer = await ask("tools/call", name=tool, arguments=given)
        sent = [*upstream.requests]
        good = await ask("tools/call", name=LIST, arguments={"limit": 1})
        assert not failed(good)
    return answer, sent


def failed(answer: Given) -> bool:
    """Whether the caller is told, briefly, that nothing came of it."""
    if "error" in answer:
        assert answer["error"]["code"] not in (0, INTERNAL_ERROR)
        assert len(answer["error"]["message"]) < 400
        return True
    return answer["result"]["isError"]


@every_era
@every_operation
@bounded
@given(data=st.data())
def test_any_arguments_get_an_answer_and_reach_vapi_whole_or_not_at_all(
    operation: Operation, era: str, data: st.DataObject
) -> None:
    # A model can write anything, and with the key in hand we would send it.
    answer, sent = anyio.run(called, era, operation.name, data.draw(arguments(operation)))
    result = answer["result"]
    said = result["content"][0]["text"]
    if result["isError"]:
        assert sent == []
        assert said.endswith("Nothing was sent to Vapi.")
        assert len(said) < 8_000
    else:
        assert sent
        assert isinstance(strict(said.encode()), dict)
    for request in sent:
        check_sent(request)


@every_era
@bounded
@given(name=tool_names)
@example(name="__class__")
@example(name="x" * 100_000)
def test_any_other_name_of_a_tool_is_a_short_protocol_error(era: str, name: str) -> None:
    # Names are looked up, never got from an object, and an echo must not flood a log.
    answer, sent = anyio.run(called, era, name, Given())
    assert answer["error"]["code"] == INVALID_PARAMS
    assert answer["error"]["message"].startswith("No tool ")
    assert len(answer["error"]["message"]) < 400
    assert sent == []


# Filters that the request model takes, but no URL.
TOO_LONG: dict[str, Given] = {
    "text": {"idAny": "a" * 70_000},
    "escaped": {"idAny": "\0" * 30_000},
    "array": {"phoneNumberIdAny": ["a" * 100] * 700},
    "object": {"assistantOverrides": {"a": "a" * 70_000}},
}


@every_era
@pytest.mark.parametrize("filters", TOO_LONG.values(), ids=TOO_LONG)
def test_filters_too_long_for_a_url_are_refused_by_name(era: str, filters: Given) -> None:
    # The HTTP client raises at them, and an agent would read of a fault of the server.
    answer, sent = anyio.run(called, era, LIST, filters)
    assert answer["result"]["isError"]
    assert next(iter(filters)) in answer["result"]["content"][0]["text"]
    assert sent == []


@pytest.mark.anyio
@pytest.mark.parametrize("depth", [90, 98, 99, 100, 101, 300, 900])
async def test_what_is_nested_too_deeply_to_be_read_again_is_not_written(depth: int) -> None:
    # It would be stored, and then neither its session nor a page with it could be read.
    given: Any = {}
    for _ in range(depth - 2):
        given = {"a": given}
    async with connected("auto") as (ask, upstream):
        made = await ask("tools/call", name=CREATE, arguments={"body": {"assistant": given}})
        if made["result"]["isError"]:
            assert depth > 90
            assert upstream.requests == []
        for tool, asked in ((GET, {"id": "s-1", "view": "full"}), (LIST, {"view": "full"})):
            read = await ask("tools/call", name=tool, arguments=asked)
            assert not read["result"]["isError"]


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
    line('{"contains": "%s"}' % ("x" * 10 * MIB)),
    line('{"body": {"assistant": {"a": "%s"}}}' % ("x" * 4 * MIB), CREATE),
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


@pytest.fixture(scope="module")
def rest() -> Rest:
    """The REST adapter as it is offered, and the watch over its Vapi."""
    upstream = Upstream(httpx2.MockTransport(Echo()))
    answers = Sessions(Vapi(SETTINGS, transport=upstream), SETTINGS)
    return build_rest(answers, SETTINGS, extra_routes=skill_routes()), upstream


async def asked(
    app: ASGIApp, method: str, target: str, fields: Iterable[tuple[str, str]], *body: bytes
) -> httpx2.Response:
    """What an ASGI app answers to a request whose every byte is as given."""
    path, _, query = target.partition("?")
    headers = [("host", "localhost:8080"), *fields]
    scope: Given = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode("ascii"),
        "query_string": query.encode("ascii"),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8080),
    }
    parts, sent, answered = [*body, b""], list[Message](), anyio.Event()

    async def receive() -> Message:
        if parts:
            return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            answered.set()

    with anyio.fail_after(PATIENCE):
        await app(scope, receive, send)
    content = b"".join(message.get("body", b"") for message in sent)
    return httpx2.Response(sent[0]["status"], headers=sent[0]["headers"], content=content)


async def rested(rest: Rest, method: str, target: str, kind: str, *body: bytes) -> httpx2.Response:
    """An answer that keeps every promise of REST, and what reached a fresh Vapi."""
    app, upstream = rest
    upstream.requests.clear()
    upstream.answers = httpx2.MockTransport(Echo())
    async with app.router.lifespan_context(app):
        answer = await asked(app, method, target, [("content-type", kind)], *body)
    path, _, query = target.partition("?")
    for request in upstream.requests:
        check_sent(request)
        ids = parse_qs(query, keep_blank_values=True).get("id", [""])
        assert request.url.path in (unquote(path).removeprefix("/v1"), f"/session/{ids[-1]}")
    if 200 <= answer.status_code < 300:
        return answer
    assert 400 <= answer.status_code < 500
    assert upstream.requests == []
    said = refused(answer, answer.status_code)
    assert len("".join(said)) < 9_000
    return answer


@bounded
@given(method=methods, target=targets, kind=content_types, body=st.binary() | bodies())
@example(method="GET", target="/v1/session%0a", kind="", body=b"")
def test_any_request_gets_an_answer_and_reaches_vapi_whole_or_not_at_all(
    rest: Rest, method: str, target: str, kind: str, body: bytes
) -> None:
    # Programs, scanners and fuzzers send all of this to whatever listens.
    anyio.run(rested, rest, method, target, kind, body)


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [("POST", "/v1/session", operations.CREATE), ("PATCH", "/v1/session/s-1", operations.UPDATE)],
)
@bounded
@given(data=st.data())
def test_any_body_is_stored_whole_or_refused(
    rest: Rest, method: str, path: str, operation: Operation, data: st.DataObject
) -> None:
    # Half a surrogate or an infinity that got through would break every later reader.
    body = data.draw(bodies(operation))
    answer = anyio.run(rested, rest, method, path, "application/json", body)
    assert answer.status_code in (operation.status, 400)


spelt = st.sampled_from([json.dumps, plain, escaped])


@bounded
@given(
    name=(any_text | odd | st.just("x" * 1000)).map(lambda name: json.loads(json.dumps(name))),
    first=spelt,
    second=spelt,
    around=st.lists(st.sampled_from(["[%s]", '{"a": %s}', '[1, {"b": 2}, %s, {}]']), max_size=20),
)
def test_a_name_given_twice_is_refused_at_any_depth_and_in_any_spelling(
    rest: Rest, name: str, first: Spell, second: Spell, around: list[str]
) -> None:
    # Of two values, we would check one and another reader might take the other.
    text = f'{{{first(name)}: 1, "": {{}}, "z": [], {second(name)}: {{}}}}'
    for part in ['{"name": "a", "x": %s}', *around]:
        text = part % text
    body = text.encode(errors="surrogatepass")
    answer = anyio.run(rested, rest, "POST", "/v1/session", "application/json", body)
    assert refused(answer, 400) == [json_text.clean(f"`{name:.60}` is given twice.")]


FULL = b'{"assistant": {"a": "%s"}}'
SIZES = {
    "spaces": (b" " * (MAX_BODY - 2) + b"{}", 201),
    "text": (FULL % (b"x" * (MAX_BODY - len(FULL) + 2)), 201),
    "one byte more": (b" " * (MAX_BODY - 1) + b"{}", 413),
    "twice as much": (b"[" * MAX_BODY * 2, 413),
    "deep": (b"[" * 100_000 + b"]" * 100_000, 400),
    "deep object": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400),
    "deep message": (b'{"messages": [{"role": "user", "x": %s}]}' % (b"[" * 5_000), 400),
    "digits": (b'{"x": %s}' % (b"9" * 5_000), 400),
    "infinite": (b'{"x": [1e400]}', 400),
    "half": (b'{"x": ["\\ud83d"]}', 400),
    "bytes of a half": (b'{"x": ["\xed\xa0\x80"]}', 400),
    "not a number": (b'{"messages": [{"role": "user", "time": NaN}]}', 400),
    "byte order mark": (b'\xef\xbb\xbf{"name": "a"}', 201),
    "NUL": (b'{"name": "a\\u0000b"}', 201),
    "NUL as it is": (b'{"name": "a\0b"}', 400),
}


@pytest.mark.anyio
@pytest.mark.parametrize(("body", "status"), SIZES.values(), ids=SIZES)
async def test_a_body_at_the_edge_is_stored_or_refused(
    rest: Rest, body: bytes, status: int
) -> None:
    # What is stored must be what any reader can read; what is refused, refused before Vapi.
    pieces = [body[at : at + 2**16] for at in range(0, len(body), 2**16)]
    answer = await rested(rest, "POST", "/v1/session", "application/json", *pieces)
    assert answer.status_code == status


CALLS = b'{"messages": [{"role": "assistant", "tool_calls": [%s1]}]}'
COSTLY = {
    "wrong messages": ("POST", "", b'{"messages": [%s1]}' % (b"1," * (MAX_BODY // 2 - 20))),
    "empty messages": ("PATCH", "/s-1", b'{"messages": [%s{}]}' % (b"{}," * (MAX_BODY // 3 - 20))),
    "wrong calls": ("POST", "", CALLS % (b"1," * (MAX_BODY // 2 - 40))),
    "names": ("POST", "", b'{%s "0": 1}' % b"".join(b'"%x":1,' % n for n in range(MAX_BODY // 12))),
    "queries": ("GET", "?" + "&".join(f"{n:x}" for n in range(20_000)), b""),
    "repeated": ("GET", "?" + "&".join(["limit=1"] * 8_000), b""),
}


@pytest.mark.anyio
@pytest.mark.parametrize(("method", "target", "body"), COSTLY.values(), ids=COSTLY)
async def test_a_million_mistakes_are_refused_in_a_few_sentences(
    rest: Rest, method: str, target: str, body: bytes
) -> None:
    # While one caller's mistakes are counted, all others wait (benchmarks/refusals.py).
    answer = await rested(rest, method, f"/v1/session{target}", "application/json", body)
    assert answer.status_code == 400
    assert len(answer.json()["message"]) <= 9


Http: TypeAlias = tuple[ASGIApp, Upstream]


@asynccontextmanager
async def over_http() -> AsyncGenerator[Http]:
    """MCP over HTTP, in this process."""
    upstream = Upstream(httpx2.MockTransport(Echo()))
    vapi = Vapi(SETTINGS, transport=upstream)
    server = build_server(Sessions(vapi, SETTINGS), SETTINGS)
    app = build_app(server, SETTINGS, Gate(SETTINGS, MCP))
    async with server.session_manager.run():
        yield app, upstream


async def posted(kind: str, fields: dict[str, str], body: bytes) -> None:
    """Something posted to MCP, judged, and then a good call on the same server."""
    async with over_http() as (app, upstream):
        headers = [*{**fields, "Content-Type": kind}.items()]
        answer = await asked(app, "POST", MCP, headers, body)
        assert answer.status_code < 500
        for request in upstream.requests:
            check_sent(request)
        if answer.status_code != 200 or failed(told(answer)):
            assert upstream.requests == []
        for era in ERAS:
            good = tool_call(era, GET)
            text = json.dumps(good["json"]).encode()
            fine = await asked(app, "POST", MCP, good["headers"].items(), text)
            assert not failed(told(fine))


def told(answer: httpx2.Response) -> Given:
    """The JSON-RPC message in an answer, in which an event ends with its line and nothing else."""
    assert answer.status_code == 200, answer.text
    events = re.findall(r"^data: (\{.*)", answer.text, re.MULTILINE)
    return strict((events or [answer.text])[-1].encode())


@bounded
@given(post=posts() | st.tuples(st.just(LEGACY), bodies() | st.binary()), kind=content_types)
def test_whatever_is_posted_to_mcp_is_no_fault_of_the_server(
    post: tuple[dict[str, str], bytes], kind: str
) -> None:
    # The same junk comes to this port as to any other.
    anyio.run(posted, kind, *post)


@every_era
@pytest.mark.parametrize(("size", "status"), [(MAX_BODY, 200), (MAX_BODY + 1, 413)])
@pytest.mark.anyio
async def test_mcp_over_http_takes_4_mib_and_no_byte_more(era: str, size: int, status: int) -> None:
    # The limit is the same on both ports, so that one proxy rule fits both.
    good = tool_call(era, GET)
    body = json.dumps(good["json"]).encode().ljust(size)
    async with over_http() as (app, upstream):
        answer = await asked(app, "POST", MCP, good["headers"].items(), body)
    assert answer.status_code == status
    assert len(upstream.requests) == (status == 200)


CLOSE = b"Host: localhost\r\nConnection: close\r\n"
JSON_BODY = CLOSE + b"Content-Type: application/json\r\n"


def got(target: bytes = b"/v1/session", fields: bytes = CLOSE, start: bytes = b"") -> bytes:
    """A request without a body, byte by byte."""
    return (start or b"GET %s HTTP/1.1" % target) + b"\r\n" + fields + b"\r\n"


def put(fields: bytes, body: bytes) -> bytes:
    """A request with a body, byte by byte."""
    return b"POST /v1/session HTTP/1.1\r\n" + JSON_BODY + fields + b"\r\n" + body


SIZED, CHUNKED = b"Content-Length: 2\r\n", b"Transfer-Encoding: chunked\r\n"
LONG = b"a" * 70_000
WHOLE = {
    "good": (got(), 200),
    "NUL in the target": (got(b"/v1/session\0"), 400),
    "line feed in the target": (got(b"/v1/session?name=a\nX-Injected: b"), 400),
    "second line in the target": (got(b"/v1/session?name=a HTTP/1.1\r\nX-Injected: b\r\nX:"), 200),
    "space in the target": (got(b"/v1/ses sion"), 400),
    "high byte in the target": (got(b"/v1/session/\xff"), 400),
    "NUL in a field": (got(fields=CLOSE + b"Authorization: Bearer a\0b\r\n"), 400),
    "lone carriage return": (got(fields=CLOSE + b"X: a\rAuthorization: Bearer b\r\n"), 400),
    "folded field": (got(fields=CLOSE + b"X: a\r\n b\r\n"), 200),
    "two hosts": (got(fields=CLOSE + b"Host: evil.example\r\n"), 400),
    "no host": (got(fields=b"Connection: close\r\n"), 400),
    "no colon": (got(fields=CLOSE + b"nonsense\r\n"), 400),
    "space before the colon": (got(fields=CLOSE + b"Content-Length : 5\r\n"), 400),
    "many fields": (got(fields=CLOSE + b"X: a\r\n" * 5_000), 200),
    "long field": (got(fields=CLOSE + b"X: " + LONG + b"\r\n"), 200),
    "long target": (got(b"/v1/session?name=" + LONG), 400),
    "HTTP/0.9": (got(start=b"GET /v1/session", fields=b""), 400),
    "no version": (got(start=b"GET /v1/session HTTP/x"), 400),
    "long method": (got(start=b"A" * 10_000 + b" /v1/session HTTP/1.1"), 405),
    "small letters": (got(start=b"get /v1/session HTTP/1.1"), 405),
    "a proxy's": (got(b"http://evil.example/v1/session"), 404),
    "a tunnel's": (got(start=b"CONNECT evil.example:443 HTTP/1.1"), 404),
    "of all": (got(start=b"OPTIONS * HTTP/1.1"), 404),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 421, 400),
    "TLS": (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"x" * 500, 400),
    "NULs": (b"\0" * 200 + b"\r\n\r\n", 400),
    "web socket": (got(fields=CLOSE + b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"), 200),
    "good body": (put(SIZED, b"{}"), 201),
    "both lengths": (put(SIZED + CHUNKED, b"2\r\n{}\r\n0\r\n\r\n"), 201),
    "a request in the body": (put(CHUNKED + SIZED, b"0\r\n\r\n" + got()), 400),
    "two lengths": (put(SIZED + b"Content-Length: 3\r\n", b"{}}"), 400),
    "negative length": (put(b"Content-Length: -1\r\n", b"{}"), 400),
    "length with a sign": (put(b"Content-Length: +2\r\n", b"{}"), 400),
    "huge length": (put(b"Content-Length: %s\r\n" % (b"9" * 40), b"{}"), 400),
    "chunked twice": (put(b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n"), 400),
    "packed": (put(b"Transfer-Encoding: gzip\r\n", b"{}"), 400),
    "tab before chunked": (put(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n"), 400),
    "chunks": (put(CHUNKED, b"1\r\n{\r\n1;x=y\r\n}\r\n0\r\n\r\n"), 201),
    "no size of a chunk": (put(CHUNKED, b"zz\r\n{}\r\n0\r\n\r\n"), 400),
    "negative chunk": (put(CHUNKED, b"-2\r\n{}\r\n0\r\n\r\n"), 400),
    "chunk longer than it says": (put(CHUNKED, b"1\r\n{}\r\n0\r\n\r\n"), 400),
    "bad trailer": (put(CHUNKED, b"2\r\n{}\r\n0\r\nX: a\0\r\n\r\n"), 400),
    "go on": (put(SIZED + b"Expect: 100-continue\r\n", b"{}"), 100, 201),
    "unknown expectation": (put(SIZED + b"Expect: 200-maybe\r\n", b"{}"), 201),
    "said to be packed": (put(SIZED + b"Content-Encoding: gzip\r\n", b"\x1f\x8b"), 400),
    "pipelined": (got(fields=b"Host: localhost\r\n") * 20 + got(), *[200] * 21),
    "pipelined with junk": (
        got(fields=b"Host: localhost\r\n") * 3 + b"\0\r\n\r\n",
        200,
        200,
        200,
        400,
    ),
}
CUT = {
    "nothing": b"",
    "half a line": b"GET /v1/ses",
    "half the fields": b"GET /v1/session HTTP/1.1\r\nHost: local",
    "half a body": put(SIZED, b"{"),
    "no body after go on": put(SIZED + b"Expect: 100-continue\r\n", b""),
    "half a chunk": put(CHUNKED, b"2\r\n{"),
    "huge chunk": put(CHUNKED, b"%s\r\n{}\r\n" % (b"f" * 16)),
}


async def answered(url: str, raw: bytes, *, cut: bool = False) -> bytes:
    """All that comes back until the server hangs up; with `cut`, we do once `raw` is sent."""
    address = httpx2.URL(url)
    received = b""
    assert address.port
    with anyio.fail_after(PATIENCE):
        async with await anyio.connect_tcp(address.host, address.port) as stream:
            with suppress(anyio.BrokenResourceError, anyio.EndOfStream):
                await stream.send(raw)
                if cut:
                    await stream.send_eof()
                while True:
                    received += await stream.receive()
    return received


@pytest.mark.anyio
async def test_bytes_that_no_client_would_send_leave_a_server_that_serves() -> None:
    # Whoever can reach the port can send anything, before any library of ours sees a request.
    async with started(*BOTH, "--sandbox") as running:
        mcp, rest = await running.url(), await running.url()
        for name, (raw, *statuses) in WHOLE.items():
            answer = await answered(rest, raw)
            told = re.findall(rb"HTTP/1.1 ([0-9]{3}) ", answer)
            assert [*map(int, told)] == statuses, name
            answer = await answered(mcp, raw.replace(b"/v1/session", b"/mcp"))
            assert answer.startswith((b"HTTP/1.1 100 ", b"HTTP/1.1 4")), name
            await both_serve(mcp, rest)
        for name, raw in CUT.items():
            for url in (mcp, rest):
                answer = await answered(url, raw.replace(b"/v1/session", b"/mcp"), cut=True)
                assert answer[:10] in (b"", b"HTTP/1.1 1", b"HTTP/1.1 4"), name
            await both_serve(mcp, rest)
        running.signal(signal.SIGTERM)
        assert await running.ended() == 0
        out, log = await running.rest()
        assert out == ""
        assert "Traceback" not in log
        assert " ERROR " not in log


async def both_serve(*urls: str) -> None:
    for url in urls:
        ready = await answered(url, got(b"/health/ready"))
        assert ready.endswith(b'{"status":"ready"}')
