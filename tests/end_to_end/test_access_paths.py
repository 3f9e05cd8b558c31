"""What is open to everybody, what is not, and what of a caller goes on to Vapi: over real HTTP."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from support.faces import (
    FACES,
    JSON,
    KEY,
    SAID,
    Faces,
    Field,
    bearer,
    challenge,
    serving,
    tool_call,
)
from support.refusals import refused as refusal
from support.token_servers import ASKED, NAME, READ, WRITE, WRITES, worked
from support.tools import GET, UPDATE
from vapi_sessions_mcp import __version__

pytestmark = pytest.mark.anyio

MIB = 2**20
CHUNKED: Field = ("Transfer-Encoding", "chunked")


@pytest.fixture(scope="module")
async def open_server() -> AsyncGenerator[Faces]:
    """A server on loopback that asks nobody."""
    async with serving() as faces:
        yield faces


@pytest.fixture
async def unasked(open_server: Faces) -> Faces:
    return await open_server.fresh()


async def test_health_is_for_everybody(tokens: Faces) -> None:
    # Probes have no token, and come to an address with its name; it tells nothing.
    for root in (tokens.root, tokens.mcp.removesuffix("/mcp")):
        for path, health in (
            *((path, "live") for path in ("/health/live", "/health/live/", "/health", "/healthz")),
            ("/health/ready", "ready"),
        ):
            for fields in ([], [("Host", "10.1.2.3")], [("Origin", "https://evil.example")]):
                answer = await tokens.send(root + path, *fields)
                assert (answer.status_code, answer.json()) == (200, {"status": health})


@pytest.mark.parametrize(
    "path",
    ["/docs", "/docs/docs.css", "/openapi.json", "/skills", "/skills/vapi-sessions"],
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
            for path in (
                "/",
                "/v1",
                "/v1/session",
                "/v1/session/s-1",
                "/session",
                "/chat",
                "/nothing",
            )
        ),
        *(tokens.root + path for path in ("/docsx", "/openapi.json.bak", "/DOCS", "/mcp")),
        *(tokens.root + path for path in ("/.well-known/oauth-protected-resource", "/healthy")),
        *(
            mcp + path
            for path in ("/mcp", "/mcp/", "/mcp//", "/MCP", "/", "/sse", "/docs", "/openapi.json")
        ),
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
        "/health/live//v1/session",
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
        # The server's name, by which it was not called.
        (("Origin", f"https://{NAME}"), 403),
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
    for fields in (
        [("Host", NAME)],
        [("Host", f"{NAME}:8443")],
        [("Host", "[::1]:9")],
        [("Host", NAME), ("Origin", f"https://{NAME}")],
        [("Origin", "http://localhost:6274")],
    ):
        answer = await tokens.call(face, GET, *fields, bearer(READ[0]))
        assert worked(face, answer)
        assert not [name for name in answer.headers if name.startswith("access-control")]


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
