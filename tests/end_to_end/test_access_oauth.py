"""Who gets in by a token of an issuer's, which is a real authorization server, over real HTTP."""

import socket
from base64 import b64decode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from openapi_spec_validator import validate

from support.authorization_server import AuthorizationServer, authorization_server
from support.faces import FACES, KEY, SAID, Faces, Field, bearer, challenge, refuses, serving
from support.faulty_vapi import FaultyVapi, Reply, Seen, reply
from support.http_calls import message
from support.processes import PATIENCE
from support.refusals import refused
from support.tools import ERAS, GET, LIST, UPDATE
from vapi_sessions_mcp.access.gate import Gate
from vapi_sessions_mcp.settings import Settings

pytestmark = [pytest.mark.anyio, pytest.mark.clock, pytest.mark.measured]

NAME = "sessions.example.com"
PUBLIC = f"https://{NAME}"
METADATA = "/.well-known/oauth-protected-resource"
PATHS = {"rest": "/v1", "legacy": "/mcp", "auto": "/mcp"}
READ, WRITE = "sessions:read", "sessions:write"
BOTH = f"{READ} {WRITE}"
MINE = "key-of-mine-0123456789abcdef"


@pytest.fixture(scope="module")
async def issuer() -> AsyncGenerator[AuthorizationServer]:
    """An authorization server that the servers of this module trust."""
    async with authorization_server() as issuer:
        yield issuer


@pytest.fixture(scope="module")
async def oauth_server(issuer: AuthorizationServer) -> AsyncGenerator[Faces]:
    """A server that trusts the issuer, as clients call it through a proxy."""
    async with serving(*trusting(issuer.url), "--allowed-host", NAME) as faces:
        faces.way_in = (bearer(await issuer.token()),)
        yield faces


@pytest.fixture
async def faces(oauth_server: Faces) -> Faces:
    return await oauth_server.fresh()


@pytest.fixture(params=FACES)
def face(request: pytest.FixtureRequest) -> str:
    """REST, and MCP in both eras."""
    return str(request.param)


def trusting(issuer: str, public_url: str = PUBLIC) -> tuple[str, ...]:
    """The options of a server that trusts `issuer`."""
    return ("--auth", "oauth", "--oauth-issuer", issuer, "--public-url", public_url)


def free_port() -> int:
    """A port that nothing listens on, and that no other test is given at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def asked(face: str, scope: str = BOTH, **more: str) -> dict[str, str]:
    """The challenge of a face of the server."""
    known = {"scheme": "Bearer", "realm": "vapi-sessions-mcp", "scope": scope}
    return {**known, "resource_metadata": f"{PUBLIC}{METADATA}{PATHS[face]}", **more}


async def test_who_shows_nothing_is_led_to_the_issuer(
    faces: Faces, face: str, issuer: AuthorizationServer
) -> None:
    # From here on a client finds its way by itself: that is all it is told.
    answer = await faces.call(face, GET)
    refused(answer, 401)
    assert challenge(answer) == asked(face)
    led = urlsplit(challenge(answer)["resource_metadata"])
    root = faces.root if face == "rest" else faces.mcp.removesuffix("/mcp")
    # The page of a client that runs in a browser reads it, by whatever name the proxy calls.
    for fields in (
        [("Host", led.netloc)],
        [("Host", "10.1.2.3")],
        [("Origin", "https://inspector.example")],
    ):
        told = await faces.send(root + led.path, *fields)
        assert told.status_code == 200
        if fields[0][0] == "Origin":
            assert told.headers["access-control-allow-origin"] == "*"
        assert told.json() == {
            "resource": f"{PUBLIC}{PATHS[face]}",
            "authorization_servers": [issuer.url],
            "scopes_supported": [READ, WRITE],
            "bearer_methods_supported": ["header"],
            "resource_name": "Vapi Sessions",
        }
    assert faces.vapi.requests == []
    assert await faces.refusals() == [401]


async def test_nothing_but_the_metadata_is_readable_from_any_origin(
    faces: Faces, issuer: AuthorizationServer
) -> None:
    # It is open to every page, so what stands beside it must not be.
    shown = bearer(await issuer.token(scope=BOTH))
    for path in ("", "/", "/v1//", "/v1/session", "/../../v1/session", "/mcp/v1"):
        for origin in ([], [("Origin", "https://evil.example")]):
            answer = await faces.send(f"{faces.root}/", *origin, target=METADATA + path)
            assert answer.status_code == (403 if origin else 401)
            assert "access-control-allow-origin" not in answer.headers
    for method in ("POST", "DELETE", "PUT"):
        assert (await faces.send(f"{faces.root}{METADATA}/v1", shown, method=method)).is_error
    assert faces.vapi.requests == []


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"aud": PUBLIC},
        {"aud": f"{PUBLIC}/v1"},
        {"aud": ["https://other.example.com", f"{PUBLIC}/mcp"]},
        {"key": "ec"},
        {"key": "ed", "scp": [READ, WRITE], "scope": None},
    ],
    ids=str,
)
async def test_a_good_token_reads_and_writes(
    faces: Faces, face: str, issuer: AuthorizationServer, claims: dict[str, Any]
) -> None:
    # One person has one token for both faces, whatever software issued it.
    claims = {"scope": f"openid {BOTH}", **claims}
    token = await issuer.token(**claims)
    for tool in (GET, UPDATE):
        answer = await faces.call(face, tool, bearer(token))
        assert answer.status_code == 200
        got = answer.json() if face == "rest" else message(answer)["result"]["structuredContent"]
        assert got == SAID
    assert [seen.headers["Authorization"] for seen in faces.vapi.requests] == [f"Bearer {KEY}"] * 2
    assert [line.split()[3] for line in await faces.logged()] == [
        "tool=get_session",
        "tool=update_session",
    ]


async def test_a_token_with_the_right_to_read_only_reads(
    faces: Faces, face: str, issuer: AuthorizationServer
) -> None:
    # The scope in the refusal is what a client asks its user for next.
    shown = bearer(await issuer.token(scope=READ))
    for tool in (LIST, GET):
        assert (await faces.call(face, tool, shown)).status_code == 200
    answer = await faces.call(face, UPDATE, shown)
    assert WRITE in refused(answer, 403)
    said = {"error_description": "This needs the right to change sessions"}
    assert challenge(answer) == asked(face, WRITE, error="insufficient_scope", **said)
    assert [seen.method for seen in faces.vapi.requests] == ["GET", "GET"]


@pytest.mark.parametrize("era", ERAS)
async def test_who_may_only_read_is_shown_only_what_reads(
    faces: Faces, era: str, issuer: AuthorizationServer
) -> None:
    # An agent that is shown a tool will try it.
    async with faces.client(era, bearer(await issuer.token(scope=READ))) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == [LIST, GET]
        assert (await client.call_tool("get_session", {"id": "s-1"})).structured_content == SAID
        assert await refuses(client, UPDATE, id="s-1", body={"name": "a"})
    async with faces.client(era, bearer(await issuer.token(scope=BOTH))) as client:
        assert len((await client.list_tools()).tools) == 5
    assert [seen.method for seen in faces.vapi.requests] == ["GET"]


@pytest.mark.parametrize(
    "claims",
    [
        {"scope": None},
        {"scope": ""},
        {"scope": WRITE},
        {"scope": "openid sessions"},
        {"scope": "sessions:readonly"},
        {"scope": READ.upper()},
        {"scope": {READ: True}},
        {"roles": [READ], "scope": "profile"},
    ],
    ids=str,
)
async def test_a_token_without_the_right_to_read_is_403_with_the_scope(
    faces: Faces, face: str, issuer: AuthorizationServer, claims: dict[str, Any]
) -> None:
    # It is good for something else of the same issuer's, which is no reason to show it sessions.
    shown = bearer(await issuer.token(**claims))
    for tool in (GET, UPDATE):
        answer = await faces.call(face, tool, shown)
        assert READ in refused(answer, 403)
        said = {"error_description": "This needs the right to read sessions"}
        assert challenge(answer) == asked(face, READ, error="insufficient_scope", **said)
    assert faces.vapi.requests == []
    assert await faces.refusals() == [403, 403]


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"exp": 1_000_000_000}, "The token has expired"),
        ({"exp": None}, "The token has no exp claim"),
        ({"nbf": 9_999_999_999}, "The token is not valid yet"),
        ({"aud": "https://other.example.com"}, "The token is for another audience"),
        ({"aud": f"{PUBLIC}/mcp/"}, "The token is for another audience"),
        ({"aud": None}, "The token has no aud claim"),
        ({"iss": "https://evil.example"}, "The token is of another issuer"),
        ({"iss": None}, "The token has no iss claim"),
        ({"algorithm": "none"}, "The token is signed with an algorithm that is not accepted here"),
        ({"algorithm": "HS256"}, "The token is signed with an algorithm that is not accepted here"),
        (
            {"headers": {"alg": "RS256"}, "algorithm": "HS256"},
            "The signature of the token is wrong",
        ),
        (
            {"key": "foreign", "headers": {"kid": "rsa"}},
            "The signature of the token is wrong",
        ),
        ({"key": "foreign"}, "The issuer has no key that fits the token"),
        ({"key": "weak"}, "The issuer has no key that fits the token"),
        (
            {"key": "foreign", "headers": {"jku": "https://evil.example/jwks", "kid": None}},
            "The signature of the token is wrong",
        ),
        ({"client_id": None, "sub": None}, "The token names no client and no subject"),
    ],
    ids=str,
)
async def test_a_token_that_is_not_good_here_is_401(
    faces: Faces, face: str, issuer: AuthorizationServer, claims: dict[str, Any], said: str
) -> None:
    # Each of these has let strangers into somebody's server before.
    claims = {"scope": BOTH, **claims}
    token = await issuer.token(**claims)
    answer = await faces.call(face, GET, bearer(token))
    assert refused(answer, 401) == f"{said}."
    assert challenge(answer) == asked(face, error="invalid_token", error_description=said)
    assert faces.vapi.requests == []
    assert await faces.refusals() == [401]


async def test_what_is_no_token_of_an_issuers_is_401(
    faces: Faces, face: str, issuer: AuthorizationServer
) -> None:
    # What a client shows by mistake must not come back in an answer or a log.
    good = await issuer.token(scope=BOTH)
    head, claims, signature = good.split(".")
    other = (await issuer.token(scope=BOTH, sub="user-2")).split(".")[1]
    for wrong in (
        KEY,
        "a.b.c",
        f"{head}.{claims}.",
        f"{head}.{claims}",
        f"{head}.{other}.{signature}",
        f"{good}.{good}",
        f"{good},",
        f"\u00e9{good}",
        b"\xff" + good.encode(),
        "e30." * 15_000,
    ):
        answer = await faces.call(face, GET, bearer(wrong))
        refused(answer, 401)
        assert challenge(answer)["error"] == "invalid_token"
    for nothing in (
        [("Authorization", f"Basic {good}")],
        [bearer(good), bearer(good)],
        [bearer("")],
    ):
        answer = await faces.call(face, GET, *nothing)
        refused(answer, 401)
        assert challenge(answer) == asked(face)
    assert faces.vapi.requests == []
    assert await faces.refusals() == [401] * 13


async def test_a_page_elsewhere_is_refused_before_any_token_is_looked_at(
    faces: Faces, face: str, issuer: AuthorizationServer
) -> None:
    # A page must not be able to try tokens, nor have the issuer's keys fetched.
    shown = bearer(await issuer.token(key="foreign", headers={"kid": "made-up"}))
    for field, status in (
        (("Host", "evil.example"), 421),
        (("Origin", "https://evil.example"), 403),
    ):
        answer = await faces.call(face, GET, field, shown)
        refused(answer, status)
        assert "www-authenticate" not in answer.headers


async def until_let_in(faces: Faces, face: str, *fields: Field) -> None:
    """Return once a read works, as it must when the issuer was asked again."""
    with anyio.fail_after(PATIENCE):
        while (await faces.call(face, GET, *fields)).status_code != 200:  # noqa: ASYNC110
            # Each refusal is a line of the log, whose pipe nobody reads here: it must not fill.
            await anyio.sleep(0.1)


async def test_keys_may_be_rotated_while_callers_hold_tokens_of_both(
    faces: Faces, face: str, issuer: AuthorizationServer
) -> None:
    # Issuers do it every few weeks, and nobody restarts anything for it.
    old = bearer(await issuer.token())
    assert (await faces.call(face, GET, old)).status_code == 200
    new = bearer(await issuer.token(key=await issuer.rotate()))
    await until_let_in(faces, face, new)
    for shown in (old, new):
        assert (await faces.call(face, GET, shown)).status_code == 200


async def test_an_issuer_that_is_down_is_503_until_it_is_back() -> None:
    # Nobody is at fault, least of all the caller, whose client would throw its token away at a 401.
    port = free_port()
    async with serving(*trusting(f"http://127.0.0.1:{port}")) as faces:
        async with authorization_server() as other:
            shown = bearer(await other.token(scope=BOTH, iss=f"http://127.0.0.1:{port}"))
        for face in FACES:
            for tool in (GET, UPDATE):
                answer = await faces.call(face, tool, shown)
                assert "Tokens cannot be checked just now" in refused(answer, 503)
                assert answer.headers["retry-after"] == "10"
                assert "www-authenticate" not in answer.headers
            # Who shows nothing that an issuer could judge is told what to show.
            refused(await faces.call(face, GET), 401)
        # What is wrong there is said in the log only, for anybody at all can get that answer.
        line = await faces.running.told(" WARNING ")
        assert f"The issuer http://127.0.0.1:{port} gave no keys: " in line
        assert faces.vapi.requests == []
        async with authorization_server(port) as issuer:
            faces.way_in = (bearer(await issuer.token()),)
            await until_let_in(faces, "rest", *faces.way_in)
        # It is gone again, and what is known is known.
        for face in FACES:
            assert (await faces.call(face, GET, *faces.way_in)).status_code == 200


class Kept:
    """Where the SDK's client keeps what it was given."""

    def __init__(self) -> None:
        self._tokens: OAuthToken | None = None
        self._client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self._tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self._tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self._client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self._client = client_info


@asynccontextmanager
async def signing_in(
    issuer: AuthorizationServer, era: str, port: int, kept: Kept
) -> AsyncGenerator[tuple[Client, FaultyVapi, Faces]]:
    """The SDK's own client of a server, the endpoint that grants it whatever, and the server."""
    url = f"http://127.0.0.1:{port}"
    granted = await issuer.token(scope=BOTH, aud=f"{url}/mcp")

    def grant(seen: Seen) -> Reply:
        return reply(said={"access_token": granted, "token_type": "Bearer", "expires_in": 300})

    async with (
        FaultyVapi(otherwise=grant) as endpoint,
        serving(*trusting(issuer.url, url), "--port", str(port)) as faces,
    ):
        await issuer.describe(
            authorization_endpoint=f"{issuer.url}/authorize",
            token_endpoint=f"{endpoint.url}/token",
            grant_types_supported=["client_credentials"],
        )
        auth = ClientCredentialsOAuthProvider(
            faces.mcp, kept, "client-1", "secret-0123456789", issuer=issuer.url
        )
        with anyio.fail_after(PATIENCE):
            async with (
                httpx2.AsyncClient(auth=auth, timeout=PATIENCE) as http,
                Client(streamable_http_client(faces.mcp, http_client=http), mode=era) as client,
            ):
                yield client, endpoint, faces


@pytest.mark.parametrize("era", ERAS)
async def test_the_sdks_client_finds_its_way_in_by_itself(
    issuer: AuthorizationServer, era: str
) -> None:
    # What hosts do with a URL and nothing else: discover, ask for the scopes, come back.
    async with signing_in(issuer, era, free_port(), Kept()) as (client, endpoint, faces):
        assert len((await client.list_tools()).tools) == 5
        for tool, arguments in ((GET, {"id": "s-1"}), ("delete_session", {"id": "s-1"})):
            called = await client.call_tool(tool, arguments)
            assert called.structured_content == SAID
        [seen] = endpoint.requests
        form = parse_qs(seen.body.decode())
        assert form["scope"] == [BOTH]
        assert form["resource"] == [faces.mcp]
        assert b64decode(seen.headers["Authorization"].split()[1]) == b"client-1:secret-0123456789"
        assert [seen.method for seen in faces.vapi.requests] == ["GET", "DELETE"]


@pytest.mark.parametrize("era", ERAS)
async def test_the_sdks_client_asks_for_the_right_that_it_lacks_and_keeps_the_other(
    issuer: AuthorizationServer, era: str
) -> None:
    # The refusal names what this call lacks; what was granted before, the client knows.
    kept, port = Kept(), free_port()
    token = await issuer.token(scope=READ, aud=f"http://127.0.0.1:{port}")
    await kept.set_tokens(OAuthToken(access_token=token, scope=READ, expires_in=300))
    async with signing_in(issuer, era, port, kept) as (client, endpoint, faces):
        called = await client.call_tool("delete_session", {"id": "s-1"})
        assert called.structured_content == SAID
        [seen] = endpoint.requests
        assert parse_qs(seen.body.decode())["scope"] == [BOTH]
        assert [seen.method for seen in faces.vapi.requests] == ["DELETE"]
        faces.way_in = (bearer(token),)
        refusals = [line for line in await faces.logged() if "refused status=" in line]
        assert [line.rpartition("=")[2] for line in refusals] == ["403"]


async def test_with_a_token_and_a_key_on_a_server_that_only_reads_both_are_needed(
    issuer: AuthorizationServer,
) -> None:
    # Each setting bounds what the next may grant: a scope cannot widen --read-only.
    more = ("--auth", "caller-key", "--read-only", "--oauth-audience", "sessions")
    async with serving(*trusting(issuer.url), *more) as faces:
        shown, brought = (
            bearer(await issuer.token(aud="sessions", scope=BOTH)),
            ("X-Vapi-Api-Key", MINE),
        )
        other = bearer(await issuer.token(aud=f"{PUBLIC}/mcp", scope=BOTH))
        faces.way_in = (shown, brought)
        for face in FACES:
            answer = await faces.call(face, GET, brought)
            assert challenge(answer) == asked(face, READ)
            answer = await faces.call(face, GET, shown)
            assert challenge(answer)["scheme"] == "ApiKey"
            answer = await faces.call(face, GET, other, brought)
            assert challenge(answer)["error_description"] == "The token is for another audience"
            assert faces.vapi.requests == []
            assert (await faces.call(face, GET, shown, brought)).status_code == 200
            answer = await faces.call(face, UPDATE, shown, brought)
            assert answer.status_code == 405 if face == "rest" else "No tool" in answer.text
            [seen] = faces.vapi.requests
            assert (seen.method, seen.headers["Authorization"]) == ("GET", f"Bearer {MINE}")
            faces.vapi.requests.clear()
        told = await faces.send(f"{faces.root}{METADATA}/v1")
        assert told.json()["scopes_supported"] == [READ]


def test_a_gate_that_asks_an_issuer_cannot_be_made_without_one() -> None:
    # It would let everybody in, and nobody would notice.
    settings = Settings(
        transports=("rest",), auth=("oauth",), oauth_issuer="https://i.example", public_url=PUBLIC
    )
    with pytest.raises(ValueError, match="needs an issuer"):
        Gate(settings, "/v1")


async def test_the_document_of_a_server_with_an_issuer_asks_for_its_token(faces: Faces) -> None:
    # Generated clients would otherwise have no place for it.
    made = (await faces.send(f"{faces.root}/openapi.json", ("Host", NAME))).json()
    validate(made)
    assert made["security"] == [{"token": []}]
    scheme = made["components"]["securitySchemes"]["token"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
