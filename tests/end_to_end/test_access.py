"""Who gets in by a token, how far, and what of a caller goes on to Vapi: over real HTTP."""

import json
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp_types import PromptReference, ResourceTemplateReference
from openapi_spec_validator import validate

from support.command import Run, refused
from support.faces import (
    ARGUMENTS,
    BOTH,
    FACES,
    JSON,
    KEY,
    SAID,
    Faces,
    Field,
    bearer,
    challenge,
    refuses,
    serving,
    tool_call,
)
from support.http_calls import message
from support.rest_calls import refused as refusal
from support.tools import (
    CREATE,
    DELETE,
    ERAS,
    GET,
    LIST,
    UPDATE,
)
from vapi_sessions_mcp import __version__

pytestmark = pytest.mark.anyio

WRITE = ("write-0123456789abcdef", "write-next-0123456789abcdef")
READ = ("read-0123456789abcdef", "read-next-0123456789abcdef")
NAME = "sessions.example.com"
ASKED = {"scheme": "Bearer", "realm": "vapi-sessions-mcp", "scope": "sessions:read sessions:write"}
UNKNOWN = {"error": "invalid_token", "error_description": "The token is not one of this server's"}
LACKING = {
    "error": "insufficient_scope",
    "error_description": "This needs the right to change sessions",
}
CALLED, NAMED = '"method": "tools/call"', f'"name": "{UPDATE}"'
WRITES: dict[str, dict[str, Any]] = {
    CREATE: {"body": {"name": "a"}},
    UPDATE: {"id": "s-1", "body": {"name": "a"}},
    DELETE: {"id": "s-1"},
}
SHORT = {CREATE: "create_session", UPDATE: "update_session", DELETE: "delete_session"}
MIB = 2**20
CHUNKED: Field = ("Transfer-Encoding", "chunked")


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def token_server() -> AsyncGenerator[Faces]:
    """Two tokens of each kind, one of which could be on its way out."""
    tokens = {"VAPI_MCP_TOKENS": ",".join(WRITE), "VAPI_MCP_READ_TOKENS": "\n".join(READ)}
    async with serving("--allowed-host", NAME, **tokens) as faces:
        faces.way_in = (bearer(READ[0]),)
        yield faces


@pytest.fixture(scope="module")
async def open_server() -> AsyncGenerator[Faces]:
    """A server on loopback that asks nobody."""
    async with serving() as faces:
        yield faces


@pytest.fixture
async def tokens(token_server: Faces) -> Faces:
    return await token_server.fresh()


@pytest.fixture
async def unasked(open_server: Faces) -> Faces:
    return await open_server.fresh()


@pytest.fixture(params=FACES)
def face(request: pytest.FixtureRequest) -> str:
    """REST, and MCP in both eras."""
    return str(request.param)


def worked(face: str, answer: httpx2.Response) -> bool:
    """Whether a face passed on what Vapi said."""
    if face == "rest":
        return answer.status_code == 200 and answer.json() == SAID
    return message(answer)["result"]["structuredContent"] == SAID


WRONG: dict[str, tuple[tuple[Field, ...], dict[str, str]]] = {
    "nothing": ((), {}),
    "an empty header": ((("Authorization", ""),), {}),
    "another scheme": ((("Authorization", "Basic d3JpdGUtMDEyMzQ1Njc4OWFiY2RlZg=="),), {}),
    "no scheme": ((("Authorization", WRITE[0]),), {}),
    "no token": ((("Authorization", "Bearer"),), {}),
    "space for a token": ((("Authorization", "Bearer  "),), {}),
    "a tab between": ((("Authorization", f"Bearer\t{WRITE[0]}"),), {}),
    "nothing between": ((("Authorization", f"Bearer{WRITE[0]}"),), {}),
    "a header for proxies": ((("Proxy-Authorization", f"Bearer {WRITE[0]}"),), {}),
    "a cookie": ((("Cookie", f"Authorization=Bearer {WRITE[0]}"),), {}),
    "the same twice": ((bearer(WRITE[0]), bearer(WRITE[0])), {}),
    "a wrong one before": ((bearer("nobody"), bearer(WRITE[0])), {}),
    "another case": ((bearer(WRITE[0].upper()),), UNKNOWN),
    "its beginning": ((bearer(WRITE[0][:-1]),), UNKNOWN),
    "its end": ((bearer(WRITE[0][1:]),), UNKNOWN),
    "one letter more": ((bearer(f"{WRITE[0]}f"),), UNKNOWN),
    "the list": ((bearer(",".join(WRITE)),), UNKNOWN),
    "two words": ((bearer(" ".join(WRITE)),), UNKNOWN),
    "quotes": ((bearer(f'"{WRITE[0]}"'),), UNKNOWN),
    "the scheme twice": ((bearer(f"Bearer {WRITE[0]}"),), UNKNOWN),
    "a space of another kind": ((bearer(WRITE[0].encode() + b"\xa0"),), UNKNOWN),
    "a control character": ((bearer(b"\x1f" + WRITE[0].encode()),), UNKNOWN),
    "other letters": ((bearer("wr\u0456te-0123456789abcdef"),), UNKNOWN),
    "not even UTF-8": ((bearer(b"\xff\xfe\xc0\x80"),), UNKNOWN),
    "the key of Vapi's": ((bearer(KEY),), UNKNOWN),
    "60 KB": ((bearer("x" * 60_000),), UNKNOWN),
}


@pytest.mark.parametrize(("fields", "error"), WRONG.values(), ids=WRONG)
async def test_nobody_gets_in_without_exactly_one_of_the_tokens(
    tokens: Faces, face: str, fields: tuple[Field, ...], error: dict[str, str]
) -> None:
    # Everybody who can reach the port could read and delete every session.
    answer = await tokens.call(face, GET, *fields)
    refusal(answer, 401)
    assert challenge(answer) == {**ASKED, **error}
    assert tokens.vapi.requests == []
    assert await tokens.refusals() == [401]


async def test_a_token_longer_than_any_header_may_be_gets_nowhere(tokens: Faces, face: str) -> None:
    # How much of it is read is for the HTTP server to say; that it is not let in is for us.
    answer = await tokens.call(face, GET, bearer("x" * 100_000))
    assert answer.status_code in (0, 400, 401, 431)
    assert tokens.vapi.requests == []


@pytest.mark.parametrize("token", [*WRITE, *READ])
@pytest.mark.parametrize("spelling", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer   {} "])
async def test_each_of_several_tokens_works(
    tokens: Faces, face: str, token: str, spelling: str
) -> None:
    # While a token is replaced the old one and the new one are both in use.
    shown = ("Authorization", spelling.format(token))
    assert worked(face, await tokens.call(face, GET, shown))
    changed = await tokens.call(face, UPDATE, shown)
    assert worked(face, changed) if token in WRITE else changed.status_code == 403


@pytest.mark.parametrize("era", ERAS)
async def test_who_may_only_read_sees_and_uses_what_reads(tokens: Faces, era: str) -> None:
    # An agent that is shown a tool will try it; everything else must go on working.
    async with tokens.client(era, bearer(READ[1])) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == [LIST, GET]
        for name in (LIST, "list_sessions"):
            assert not (await client.call_tool(name, {"limit": 1})).is_error
        for name in (GET, "get_session"):
            assert (await client.call_tool(name, {"id": "s-1"})).structured_content == SAID
        found = await client.read_resource("vapi-session://s-1")
        assert [part.uri for part in found.contents] == ["vapi-session://s-1"]
        assert len((await client.list_resource_templates()).resource_templates) == 2
        assert len((await client.list_prompts()).prompts) == 2
        assert (await client.get_prompt("summarize_session", {"id": "s-1"})).messages
        for ref in (
            PromptReference(name="summarize_session"),
            ResourceTemplateReference(uri="vapi-session://{id}"),
        ):
            await client.complete(ref, {"name": "id", "value": ""})
        for name in (*WRITES, *SHORT.values()):
            assert await refuses(client, name, id="s-1")
    async with tokens.client(era, bearer(WRITE[1])) as client:
        listed = [tool.name for tool in (await client.list_tools()).tools]
        assert listed == [CREATE, LIST, GET, UPDATE, DELETE]
    assert {seen.method for seen in tokens.vapi.requests} == {"GET"}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("tool", [*WRITES, *SHORT.values()])
async def test_a_change_by_who_may_only_read_is_403_with_the_scope(
    tokens: Faces, era: str, tool: str
) -> None:
    # Only the status and the scope make an OAuth client ask its user for more.
    arguments = {**WRITES, **{SHORT[name]: given for name, given in WRITES.items()}}[tool]
    called, usual = tool_call(era, tool, arguments)
    posted = json.dumps(called).encode()
    answer = await tokens.send(tokens.mcp, bearer(READ[0]), *usual, method="POST", body=posted)
    assert "sessions:write" in refusal(answer, 403)
    assert challenge(answer) == {**ASKED, **LACKING}
    assert tokens.vapi.requests == []
    assert await tokens.refusals() == [403]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", ""),
        ("PATCH", "/s-1"),
        ("PATCH", "?id=s-1"),
        ("DELETE", "/s-1"),
        ("DELETE", "?id=s-1"),
        ("DELETE", "/s-1?confirm=s-1"),
        ("DELETE", ""),
        ("PATCH", "/s-1?limit=x"),
    ],
)
@pytest.mark.parametrize("body", [b'{"name": "a"}', b"{", b""])
async def test_a_change_over_rest_by_who_may_only_read_is_403_with_the_scope(
    tokens: Faces, method: str, path: str, body: bytes
) -> None:
    # What is wrong besides is nobody's business before the right to do it is shown.
    url = f"{tokens.rest}/session{path}"
    answer = await tokens.send(url, *JSON, bearer(READ[0]), method=method, body=body)
    assert refusal(answer, 403)
    assert challenge(answer) == {**ASKED, **LACKING}
    assert tokens.vapi.requests == []
    assert await tokens.refusals() == [403]


async def test_no_header_turns_a_read_into_a_change(tokens: Faces) -> None:
    # Frameworks honour these, and so did the caller's last API.
    fields = [("X-HTTP-Method-Override", "DELETE"), ("X-HTTP-Method", "DELETE")]
    url = f"{tokens.rest}/session/s-1?_method=DELETE"
    answer = await tokens.send(url, bearer(READ[0]), *fields)
    assert refusal(answer, 400)
    assert worked("rest", await tokens.call("rest", GET, bearer(READ[0]), *fields))
    assert [seen.method for seen in tokens.vapi.requests] == ["GET"]


def in_chunks(raw: bytes) -> bytes:
    """A body in three chunks."""
    third = len(raw) // 3 + 1
    parts = [raw[at : at + third] for at in range(0, len(raw), third)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))


ODD: dict[str, tuple[Callable[[str], str], int | None]] = {
    "as a client writes it": (lambda text: text, 403),
    "escapes in the name": (lambda text: text.replace("update", "\\u0075pdate"), 403),
    "escapes in the key": (lambda text: text.replace('"name"', '"n\\u0061me"', 1), 403),
    "the change last": (lambda text: text.replace('"name"', f'"name": "{GET}", "name"', 1), 403),
    "the read last": (lambda text: text.replace(NAMED, f'{NAMED}, "name": "{GET}"'), None),
    "another method first": (lambda text: text.replace(CALLED, f'"method": "x", {CALLED}'), 403),
    "another method last": (lambda text: text.replace(CALLED, f'{CALLED}, "method": "x"'), None),
    "other params first": (lambda text: text.replace('"params"', '"params": [], "params"'), 403),
    "a batch": (lambda text: f"[{text}]", None),
    "two messages": (lambda text: f"{text}\n{text}", None),
    "no id": (lambda text: text.replace('"id": 1, ', ""), 403),
    "not a number": (lambda text: text.replace('"id": 1', '"x": NaN, "id": 1'), 403),
    "more digits than are read": (lambda text: text.replace("1", "1" * 5000, 1), None),
    "nested beyond reason": (lambda text: text.replace("1", "[" * 99_999 + "]" * 99_999, 1), None),
    "a list of names": (lambda text: text.replace(NAMED, f'"name": ["{UPDATE}"]'), None),
    "an object for a name": (
        lambda text: text.replace(NAMED, f'"name": {{"x": "{UPDATE}"}}'),
        None,
    ),
    "space around the name": (lambda text: text.replace(NAMED, f'"name": " {UPDATE}\\n"'), None),
    "another case": (lambda text: text.replace(NAMED, f'"name": "{UPDATE.upper()}"'), None),
    "nearly as much as is read": (lambda text: f"{text}{' ' * (4 * MIB - len(text))}", 403),
}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(("spell", "status"), ODD.values(), ids=ODD)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("chunked", [False, True])
async def test_no_spelling_of_a_call_lets_who_may_only_read_change_anything(
    tokens: Faces,
    era: str,
    spell: Callable[[str], str],
    status: int | None,
    encoding: str,
    chunked: bool,
) -> None:
    # Two parsers read the body, ours and the SDK's, and what only one understands is a way in.
    called, usual = tool_call(era, UPDATE, WRITES[UPDATE])
    raw = spell(json.dumps(called)).encode(encoding)
    answer = await tokens.send(
        tokens.mcp,
        bearer(READ[0]),
        *usual,
        *([CHUNKED] if chunked else ()),
        method="POST",
        body=in_chunks(raw) if chunked else raw,
    )
    if status and encoding == "utf-8":
        assert answer.status_code == status
    if answer.status_code == 403:
        assert challenge(answer) == {**ASKED, **LACKING}
    assert SAID["name"] not in answer.text
    assert {seen.method for seen in tokens.vapi.requests} <= {"GET"}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(("named", "called"), [(UPDATE, GET), (GET, UPDATE), ("", UPDATE)])
async def test_the_name_in_a_header_grants_and_hides_nothing(
    tokens: Faces, era: str, named: str, called: str
) -> None:
    # Gateways route by it; what counts is what is performed.
    body, usual = tool_call(era, called, ARGUMENTS[called])
    fields = [field for field in usual if field[0] != "Mcp-Name"] + [("Mcp-Name", named)]
    posted = json.dumps(body).encode()
    answer = await tokens.send(tokens.mcp, bearer(READ[0]), *fields, method="POST", body=posted)
    if called == UPDATE:
        assert answer.status_code == 403
    assert {seen.method for seen in tokens.vapi.requests} <= {"GET"}


async def test_health_is_for_everybody(tokens: Faces) -> None:
    # Probes have no token, and come to an address with its name; it tells nothing.
    for root in (tokens.root, tokens.mcp.removesuffix("/mcp")):
        for health in ("live", "ready"):
            for fields in ([], [("Host", "10.1.2.3")], [("Origin", "https://evil.example")]):
                answer = await tokens.send(f"{root}/health/{health}", *fields)
                assert (answer.status_code, answer.json()) == (200, {"status": health})


@pytest.mark.parametrize(
    "path",
    ["/docs", "/docs/docs.js", "/openapi.json", "/skills", "/skills/vapi-sessions"],
)
async def test_what_describes_the_server_is_for_all_who_call_it_by_its_name(
    tokens: Faces, path: str
) -> None:
    # A person reads it before there is a token, but no web page elsewhere should.
    assert (await tokens.send(tokens.root + path)).status_code == 200
    assert refusal(await tokens.send(tokens.root + path, ("Host", "evil.example")), 421)
    elsewhere = ("Origin", "https://evil.example")
    assert refusal(await tokens.send(tokens.root + path, elsewhere), 403)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
async def test_all_else_asks_for_a_token_whether_it_exists_or_not(
    tokens: Faces, method: str
) -> None:
    # Who is not let in learns nothing of what there is.
    mcp = tokens.mcp.removesuffix("/mcp")
    for url in (
        *(
            tokens.root + path
            for path in ("/", "/v1", "/v1/session", "/v1/session/s-1", "/nothing")
        ),
        *(tokens.root + path for path in ("/docsx", "/openapi.json.bak", "/DOCS", "/mcp")),
        *(tokens.root + path for path in ("/.well-known/oauth-protected-resource", "/health")),
        *(mcp + path for path in ("/mcp", "/mcp/", "/MCP", "/", "/sse", "/docs", "/openapi.json")),
    ):
        answer = await tokens.send(url, method=method)
        assert answer.status_code == 401, url
        assert challenge(answer) == ASKED
    assert tokens.vapi.requests == []


@pytest.mark.parametrize(
    "target",
    [
        "//v1/session",
        "/v1//session",
        "/v1/../v1/session",
        "/./v1/session",
        "/docs/../v1/session",
        "/docs/%2e%2e/v1/session",
        "/docs/..%2fv1/session",
        "/docs/..;/v1/session",
        "/docs\\..\\v1\\session",
        "/docs%00/../v1/session",
        "/docs/%252e%252e/v1/session",
        "/openapi.json/../v1/session",
        "/skills/../v1/session/s-1",
        "/skills/%2e%2e/v1/session",
        "/health/live/../../v1/session",
        "/health/live/",
        "/%76%31/session",
        "/v1/session/",
        "/V1/session",
        "/v1/session;/docs",
        "/v1/session?/docs",
        "/v1/session#/docs",
        "http://localhost/v1/session",
        "http://localhost/docs/../v1/session",
        "//localhost/docs/../v1/session",
        "*",
        "/docs/../mcp",
        "/health/live/../../mcp",
        "/MCP",
        "/mcp/",
        "//mcp",
        "/mcp/../mcp",
        "/%6dcp",
    ],
)
async def test_no_path_leads_around_the_token(tokens: Faces, target: str) -> None:
    # What stands behind an open path for one part of a server may be another path for the next.
    body, usual = tool_call("legacy", UPDATE, WRITES[UPDATE])
    posted = json.dumps(body).encode()
    for url in (tokens.rest, tokens.mcp):
        for method in ("GET", "POST", "DELETE"):
            answer = await tokens.send(url, *usual, method=method, target=target, body=posted)
            assert answer.status_code in (400, 401, 404, 405)
            assert SAID["name"] not in answer.text
    assert tokens.vapi.requests == []


@pytest.mark.parametrize(
    ("field", "status"),
    [
        (("Host", "evil.example"), 421),
        (("Host", f"{NAME}.evil.example"), 421),
        (("Host", ""), 421),
        (("Origin", "https://evil.example"), 403),
        (("Origin", "null"), 403),
        (("Origin", f"https://{NAME}.evil.example"), 403),
    ],
)
async def test_a_page_elsewhere_is_refused_before_any_token_is_looked_at(
    tokens: Faces, face: str, field: Field, status: int
) -> None:
    # A challenge would make a browser or a proxy send what it holds to the wrong place.
    for shown in ([], [bearer("wrong-0123456789")], [bearer(WRITE[0])]):
        answer = await tokens.call(face, UPDATE, field, *shown)
        assert refusal(answer, status)
        assert "www-authenticate" not in answer.headers
        assert not [name for name in answer.headers if name.startswith("access-control")]
    assert tokens.vapi.requests == []
    assert await tokens.refusals() == [status] * 3


async def test_the_names_of_the_server_and_its_own_pages_get_in(tokens: Faces, face: str) -> None:
    # A proxy passes on the name that clients use, with or without a port.
    for field in (
        ("Host", NAME),
        ("Host", f"{NAME}:8443"),
        ("Host", "[::1]:9"),
        ("Origin", f"https://{NAME}"),
        ("Origin", "http://localhost:6274"),
    ):
        assert worked(face, await tokens.call(face, GET, field, bearer(READ[0])))


def upstream_headers(faces: Faces, tool: str, key: str = KEY) -> list[Field]:
    """All that a call of GET or UPDATE sends to Vapi."""
    usual: list[Field] = [
        ("Host", faces.vapi.netloc),
        ("Accept-Encoding", "gzip, deflate"),
        ("Connection", "keep-alive"),
        ("User-Agent", f"vapi-sessions-mcp/{__version__}"),
        ("Accept", "application/json"),
        ("Authorization", f"Bearer {key}"),
    ]
    if tool == UPDATE:
        usual += [("Content-Type", "application/json"), ("Content-Length", "12")]
    return sorted(usual)


FOREIGN: list[Field] = [
    ("Cookie", "session=of-the-client-0123456789"),
    ("Proxy-Authorization", "Basic b2YtdGhlLWNsaWVudA=="),
    ("X-Vapi-Api-Key", "key-of-the-client-0123456789"),
    ("X-Api-Key", "key-of-the-client-0123456789"),
    ("Vapi-Api-Key", "key-of-the-client-0123456789"),
    ("X-Forwarded-For", "203.0.113.7"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Proto", "http"),
    ("X-Original-URL", "/v1/session/other"),
    ("Forwarded", "for=203.0.113.7;host=evil.example"),
    ("X-Real-IP", "203.0.113.7"),
    ("User-Agent", "agent/1.0"),
    ("Accept-Language", "de"),
    ("Referer", "https://sessions.example.com/?secret=0123456789"),
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ("baggage", "user=of-the-client"),
    ("If-None-Match", '"x"'),
]


@pytest.mark.parametrize("tool", [GET, UPDATE])
async def test_nothing_that_a_caller_shows_goes_on_to_vapi(
    tokens: Faces, unasked: Faces, face: str, tool: str
) -> None:
    # A token that was issued for this server is nobody else's to see, Vapi included.
    for faces, shown in (
        (tokens, bearer(WRITE[0])),
        (unasked, bearer("of-the-client-0123456789")),
        (unasked, ("Authorization", "Basic b2YtdGhlLWNsaWVudA==")),
    ):
        assert worked(face, await faces.call(face, tool, shown, *FOREIGN))
        [seen] = faces.vapi.requests
        assert sorted(seen.headers.items()) == upstream_headers(faces, tool)
        assert seen.path == "/session/s-1"
        faces.vapi.requests.clear()


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
        "",
    ],
)
async def test_what_a_form_of_another_page_can_send_is_refused(
    unasked: Faces, face: str, kind: str
) -> None:
    # Browsers ask the server first for any other type, and for these never.
    answer = await unasked.call(face, UPDATE, ("Content-Type", kind))
    assert answer.status_code == (415 if face == "rest" else 400)
    assert unasked.vapi.requests == []


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_of_more_than_4_mib_is_refused(
    tokens: Faces, face: str, chunked: bool
) -> None:
    # Whoever may call at all could otherwise fill the memory.
    called, usual = tool_call("legacy" if face == "rest" else face, UPDATE, WRITES[UPDATE])
    raw = json.dumps(called).encode()
    raw += b" " * (4 * MIB - len(raw) + 1)
    # Nothing may be left unread when the connection closes, or the answer is lost:
    # chunks have no end here, and MCP goes by the length alone.
    declared, body = ("Content-Length", str(len(raw))), raw if face == "rest" else b""
    if chunked:
        declared, body = CHUNKED, b"%x\r\n%s" % (len(raw), raw)
    for token in WRITE[0], READ[0]:
        if face != "rest":
            fields = (*usual, declared, bearer(token))
            answer = await tokens.send(tokens.mcp, *fields, method="POST", body=body)
            assert answer.status_code == 413
    if face == "rest":
        url, fields = f"{tokens.rest}/session/s-1", (*JSON, declared, bearer(WRITE[0]))
        assert refusal(await tokens.send(url, *fields, method="PATCH", body=body), 413)
    assert tokens.vapi.requests == []


async def test_a_server_for_others_is_reached_by_its_name_and_with_a_token_only(
    tmp_path: Path,
) -> None:
    # The one way to open it that asks; tokens come from a file, as in containers.
    file = tmp_path / "tokens"
    file.write_text("\n".join(WRITE), encoding="utf-8")
    opened = ("--host", "0.0.0.0", "--auth", "token", "--allowed-host", NAME)
    async with serving(*opened, VAPI_MCP_TOKENS_FILE=str(file)) as faces:
        assert faces.mcp.startswith("http://0.0.0.0:")
        faces.mcp, faces.rest = (
            url.replace("0.0.0.0", "127.0.0.1") for url in (faces.mcp, faces.rest)
        )
        for face in FACES:
            for host in (NAME, f"{NAME}:9090", "127.0.0.1:9090"):
                answer = await faces.call(face, GET, ("Host", host), bearer(WRITE[1]))
                assert worked(face, answer)
            assert refusal(await faces.call(face, GET, ("Host", NAME)), 401)
            for host in ("0.0.0.0:9090", "192.168.1.5:9090", "evil.example"):
                answer = await faces.call(face, GET, ("Host", host), bearer(WRITE[1]))
                assert refusal(answer, 421)
        assert len(faces.vapi.requests) == 9


async def test_the_document_of_a_server_that_asks_tells_how_to_get_in(
    tokens: Faces, unasked: Faces
) -> None:
    # Generated clients would otherwise have no place for the token.
    made = (await tokens.send(f"{tokens.root}/openapi.json")).json()
    validate(made)
    assert made["security"] == [{"token": []}]
    scheme = made["components"]["securitySchemes"]["token"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert {"401", "403"} <= made["paths"]["/v1/session"]["post"]["responses"].keys()
    made = (await unasked.send(f"{unasked.root}/openapi.json")).json()
    validate(made)
    assert "security" not in made
    assert "securitySchemes" not in made["components"]


OPEN = (*BOTH, "--host", "0.0.0.0")
ISSUER = ("--oauth-issuer", "https://issuer.example.com")
PUBLIC = ("--public-url", f"https://{NAME}")


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        ([*OPEN], {}, "--host 0.0.0.0 lets other machines in, and nothing asks them who they are"),
        ([*OPEN, "--auth", "caller-key"], {}, "--host 0.0.0.0 needs --allowed-host"),
        ([*OPEN], {"VAPI_MCP_TOKENS": WRITE[0]}, "--host 0.0.0.0 needs --allowed-host"),
        ([*BOTH, "--auth", "token"], {}, "--auth token needs tokens to compare with"),
        ([*BOTH], {"VAPI_MCP_TOKENS": " ,"}, "VAPI_MCP_TOKENS is set but holds no token"),
        ([*BOTH], {"VAPI_MCP_TOKENS": "hunter2"}, "VAPI_MCP_TOKENS holds a token that is too easy"),
        ([*BOTH], {"VAPI_MCP_TOKEN": WRITE[0]}, "VAPI_MCP_TOKEN is not a setting: did you mean"),
        ([*BOTH, "--token", WRITE[0]], {}, "No such option"),
        (
            [*BOTH],
            {"VAPI_MCP_TOKENS": WRITE[0], "VAPI_MCP_TOKENS_FILE": "tokens"},
            "VAPI_MCP_TOKENS and VAPI_MCP_TOKENS_FILE are both set",
        ),
        (
            [*BOTH],
            {"VAPI_MCP_READ_TOKENS_FILE": "no/such/file"},
            "VAPI_MCP_READ_TOKENS_FILE (no/such/file) cannot be read: No such file",
        ),
        (
            [*BOTH],
            {"VAPI_MCP_TOKENS": WRITE[0], "VAPI_MCP_READ_TOKENS": WRITE[0]},
            "VAPI_MCP_TOKENS and VAPI_MCP_READ_TOKENS hold the same token: make two.",
        ),
        ([*BOTH, "--auth", "basic"], {}, "Invalid value for '--auth'"),
        (["--auth", "token"], {"VAPI_MCP_TOKENS": WRITE[0]}, "--auth token asks who calls over"),
        ([], {"VAPI_MCP_AUTH": "caller-key"}, "--auth caller-key asks who calls over http"),
        (
            [*BOTH, "--auth", "caller-key", "--allow-unauthenticated"],
            {},
            "--allow-unauthenticated contradicts --auth",
        ),
        (
            [*BOTH, "--allow-unauthenticated"],
            {"VAPI_MCP_READ_TOKENS": READ[0]},
            "--allow-unauthenticated contradicts --auth and VAPI_MCP_TOKENS",
        ),
        ([*BOTH, "--auth", "oauth"], {}, "--auth oauth needs --oauth-issuer"),
        ([*BOTH, "--auth", "oauth", *ISSUER], {}, "--auth oauth needs --oauth-issuer"),
        ([*BOTH, "--auth", "oauth", *PUBLIC], {}, "--auth oauth needs --oauth-issuer"),
        ([*BOTH, *ISSUER], {}, "--oauth-issuer, --oauth-audience and --public-url are for"),
        ([*BOTH, *PUBLIC], {}, "--oauth-issuer, --oauth-audience and --public-url are for"),
        (
            [*BOTH, "--auth", "oauth", *ISSUER, *PUBLIC],
            {"VAPI_MCP_TOKENS": WRITE[0]},
            "--auth oauth and bearer tokens (VAPI_MCP_TOKENS, VAPI_MCP_READ_TOKENS) both read",
        ),
        (
            [*BOTH, "--auth", "oauth", *PUBLIC, "--oauth-issuer", "http://issuer.example.com"],
            {},
            "--oauth-issuer 'http://issuer.example.com' must be https, or http on this machine",
        ),
    ],
    ids=lambda value: f"{value}"[:60],
)
def test_what_contradicts_itself_does_not_start(
    run: Run, arguments: list[str], environment: dict[str, str], said: str
) -> None:
    # A server that started all the same would ask less than its owner believes.
    told = refused(run(*arguments, **environment))
    assert told.startswith(said)
    assert not [token for token in (*WRITE, *READ, "hunter2") if token in told]
