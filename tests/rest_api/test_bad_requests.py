"""Whatever REST is asked: an answer, and nothing at Vapi that is not whole."""

import json
from typing import TypeAlias
from urllib.parse import parse_qs, unquote

import anyio
import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.applications import Starlette

from support.arguments import any_text
from support.hostile import (
    Echo,
    Spell,
    bodies,
    check_sent,
    content_types,
    escaped,
    methods,
    odd,
    plain,
    targets,
)
from support.judged import SETTINGS, asked
from support.refusals import refused
from support.upstream import Upstream
from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.access.bodies import MAX_BODY
from vapi_sessions_mcp.contract import operations
from vapi_sessions_mcp.contract.operations import Operation
from vapi_sessions_mcp.rest_api.app import build_rest
from vapi_sessions_mcp.rest_api.skill_routes import skill_routes
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.vapi.client import Vapi

Rest: TypeAlias = tuple[Starlette, Upstream]


@pytest.fixture(scope="module")
def rest() -> Rest:
    """The REST adapter as it is offered, and the watch over its Vapi."""
    upstream = Upstream(httpx2.MockTransport(Echo()))
    answers = Sessions(Vapi(SETTINGS, transport=upstream), SETTINGS)
    return build_rest(answers, SETTINGS, extra_routes=skill_routes()), upstream


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


@pytest.mark.measured
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
@given(data=st.data())
def test_any_body_is_stored_whole_or_refused(
    rest: Rest, method: str, path: str, operation: Operation, data: st.DataObject
) -> None:
    # Half a surrogate or an infinity that got through would break every later reader.
    body = data.draw(bodies(operation))
    answer = anyio.run(rested, rest, method, path, "application/json", body)
    assert answer.status_code in (operation.status, 400)


spelt = st.sampled_from([json.dumps, plain, escaped])


@pytest.mark.measured
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
