"""Whoever is let in has a name by which it can be told from others, and nobody can choose it."""

from typing import Any

import pytest
from starlette.datastructures import Headers

from support.authorization_server import AUDIENCE, AuthorizationServer
from vapi_sessions_mcp.access.gate import Denied, Gate
from vapi_sessions_mcp.access.oauth import Issuer
from vapi_sessions_mcp.caller import Caller
from vapi_sessions_mcp.settings import Settings

pytestmark = [pytest.mark.anyio, pytest.mark.clock]

KEY = "key-0123456789abcdef"
TOKENS = ("writes-0123456789abcdef", "also-writes-0123456789", "reads-0123456789abcdef")


def a_gate(issuer: Issuer | None = None, **given: Any) -> Gate:
    return Gate(Settings(transports=("http",), api_key=KEY, **given), "/mcp", issuer)


async def let_in(gate: Gate, token: str) -> Caller:
    return await gate.let_in(Headers({"Authorization": f"Bearer {token}"}))


async def test_each_token_is_a_caller_of_its_own_and_its_name_is_not_the_token() -> None:
    # What one may take, such as streams, is counted by the name, which may get into a log.
    gate = a_gate(tokens=TOKENS[:2], read_tokens=TOKENS[2:])
    callers = [await let_in(gate, token) for token in TOKENS]
    assert [caller.may_write for caller in callers] == [True, True, False]
    assert {caller.api_key for caller in callers} == {KEY}
    names = [caller.name for caller in callers]
    assert len({*names, ""}) == 4
    assert not any(token in name for token in TOKENS for name in names)
    assert [(await let_in(gate, token)).name for token in TOKENS] == names
    assert not any(name in repr(callers) for name in names)


async def test_where_nobody_is_asked_nobody_has_a_name() -> None:
    # All are one then, and what they send says nothing about who they are.
    assert await let_in(a_gate(), TOKENS[0]) == Caller(api_key=KEY)


async def test_a_new_token_of_the_same_person_is_no_other_caller(
    server: AuthorizationServer, issuer: Issuer
) -> None:
    # An issuer gives out as many as are asked for.
    oauth: dict[str, Any] = {"auth": ("oauth",), "oauth_issuer": server.url}
    gate = a_gate(issuer, **oauth, public_url=AUDIENCE)
    one, again = await server.token(), await server.token(jti="another")
    assert one != again
    assert (await let_in(gate, one)).name == (await let_in(gate, again)).name == "user-1"
    other, machine = await server.token(sub="user-2"), await server.token(sub=None)
    assert (await let_in(gate, other)).name == "user-2"
    assert (await let_in(gate, machine)).name == "client-1"


@pytest.mark.parametrize("path", ["", "/", "/mcp", "/v1"])
async def test_a_public_url_is_advertised_with_the_path_once(issuer: Issuer, path: str) -> None:
    # `--public-url https://…/mcp` was advertised as …/mcp/mcp.
    oauth: dict[str, Any] = {"auth": ("oauth",), "oauth_issuer": "http://127.0.0.1:9"}
    gate = a_gate(issuer, **oauth, public_url=f"https://sessions.example.com{path}")
    with pytest.raises(Denied) as denied:
        await gate.let_in(Headers())
    answer = denied.value.response
    assert answer.status_code == 401
    metadata = "https://sessions.example.com/.well-known/oauth-protected-resource/mcp"
    assert f'resource_metadata="{metadata}"' in answer.headers["WWW-Authenticate"]
