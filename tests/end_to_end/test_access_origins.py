"""Pages of browsers: those of an allowed origin may call and read, and no others."""

from collections.abc import AsyncGenerator

import pytest

from support.faces import FACES, Faces, Field, bearer, serving
from support.refusals import refused as refusal
from support.token_servers import NAME, READ, WRITE, worked
from support.tools import GET, UPDATE

pytestmark = pytest.mark.anyio

ORIGINS = (
    "https://app.example.com",
    "http://localhost.example:5173",
    "chrome-extension://abcdefghijklmnop",
    "app://inspector",
)
ASKED = "authorization,content-type,mcp-protocol-version,mcp-method,mcp-name,x-vapi-api-key"
every_face = pytest.mark.parametrize("face", FACES)


@pytest.fixture(scope="module")
async def page_server() -> AsyncGenerator[Faces]:
    """A server that some pages may call, with a token."""
    tokens = {"VAPI_MCP_TOKENS": WRITE[0], "VAPI_MCP_READ_TOKENS": READ[0]}
    options = [word for origin in ORIGINS for word in ("--allowed-origin", origin)]
    async with serving("--allowed-host", NAME, *options, **tokens) as faces:
        faces.way_in = (bearer(READ[0]),)
        yield faces


@pytest.fixture
async def pages(page_server: Faces) -> Faces:
    return await page_server.fresh()


def preflight(origin: str, method: str = "POST") -> list[Field]:
    """What a browser asks before it lets a page of `origin` call."""
    asked = ("Access-Control-Request-Method", method), ("Access-Control-Request-Headers", ASKED)
    return [("Origin", origin), *asked, ("Access-Control-Request-Private-Network", "true")]


@pytest.mark.parametrize("origin", ORIGINS)
async def test_a_browser_may_ask_before_any_token_is_shown(pages: Faces, origin: str) -> None:
    # It sends no token with the question, so a 401 would end every page's call.
    for url, method in ((pages.mcp, "POST"), (f"{pages.rest}/session", "PATCH")):
        answer = await pages.send(url, *preflight(origin, method), method="OPTIONS")
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == origin
        assert method in answer.headers["access-control-allow-methods"]
        assert answer.headers["access-control-allow-headers"] == ASKED
        assert answer.headers["access-control-allow-private-network"] == "true"
        assert "access-control-allow-credentials" not in answer.headers
    assert pages.vapi.requests == []


@every_face
async def test_a_page_of_an_allowed_origin_reads_every_answer(pages: Faces, face: str) -> None:
    # It must be able to read a refusal, too: the challenge says whom to ask for a token.
    for fields, status in (([bearer(READ[0])], 200), ([], 401), ([bearer("wrong")], 401)):
        answer = await pages.call(face, GET, ("Origin", ORIGINS[0]), *fields)
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == ORIGINS[0]
        exposed = answer.headers["access-control-expose-headers"].split(", ")
        assert {"WWW-Authenticate", "Mcp-Session-Id"} <= {*exposed}
        assert "Origin" in answer.headers["vary"]
        assert status == 401 or worked(face, answer)


@every_face
@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://app.example.com.evil.example",
        "https://app.example.com:8443",
        "http://app.example.com",
        "HTTPS://APP.EXAMPLE.COM",
        "chrome-extension://abcdefghijklmnopq",
        "app://inspector/",
        "null",
        "*",
        f"https://{NAME}",
    ],
)
async def test_any_other_origin_is_refused_with_the_option_to_set(
    pages: Faces, face: str, origin: str
) -> None:
    # Whoever runs the server reads the answer in a browser's console, and acts on it.
    said = (
        "This server takes no calls from pages of this origin: start it with --allowed-origin to"
        " add one."
    )
    answer = await pages.call(face, UPDATE, ("Origin", origin), bearer(WRITE[0]))
    assert refusal(answer, 403) == said
    url = pages.rest if face == "rest" else pages.mcp
    asked = await pages.send(url, *preflight(origin), method="OPTIONS")
    assert refusal(asked, 403) == said
    for each in (answer, asked):
        assert not [name for name in each.headers if name.startswith("access-control")]
    assert pages.vapi.requests == []


async def test_an_allowed_origin_is_no_way_around_the_name(pages: Faces) -> None:
    # DNS rebinding gives a page a name of its own for this server.
    for fields in (preflight(ORIGINS[0]), [("Origin", ORIGINS[0]), bearer(WRITE[0])]):
        answer = await pages.send(pages.mcp, ("Host", "evil.example"), *fields, method="OPTIONS")
        assert refusal(answer, 421)


async def test_a_name_of_the_server_opens_no_origin(tokens: Faces) -> None:
    # A name says how clients call it, and nothing about whose pages may.
    for origin in (f"https://{NAME}", "http://localhost:6274"):
        for host in ([], [("Host", NAME)]):
            answer = await tokens.send(
                tokens.mcp, *host, *preflight(origin), bearer(READ[0]), method="OPTIONS"
            )
            assert answer.status_code in (403, 405)
            assert not [name for name in answer.headers if name.startswith("access-control")]
