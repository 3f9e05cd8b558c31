"""An issuer's metadata is found where the standards put it, and believed only if safe."""

import asyncio
import json
import logging
import traceback
from asyncio import StreamReader, StreamWriter
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from support.authorization_server import AUDIENCE, JWKS, OAUTH, OPENID, AuthorizationServer
from support.certificates import self_signed
from support.issuers import NO_KEY, accepted, refused, unreachable
from vapi_sessions_mcp.access.issuer_keys import IssuerKeys, IssuerUnreachable
from vapi_sessions_mcp.access.oauth import Issuer, TokenRefused

pytestmark = [pytest.mark.anyio, pytest.mark.clock]

Json: TypeAlias = dict[str, Any]


@pytest.mark.parametrize(
    ("tenant", "path"),
    [
        ("", OAUTH),
        ("", OPENID),
        ("/", OPENID),
        ("/a/b", f"{OAUTH}/a/b"),
        ("/a/b", f"/a/b{OPENID}"),
        ("/a/b", f"{OPENID}/a/b"),
        ("/a/b/", f"{OAUTH}/a/b"),
    ],
)
async def test_metadata_is_found_wherever_the_standards_put_it(
    server: AuthorizationServer, tenant: str, path: str
) -> None:
    # Each product serves another of them.
    name = server.url + tenant
    await server.describe(path, issuer=name)
    async with Issuer(name, [AUDIENCE]) as issuer:
        await accepted(issuer, await server.token(iss=name))
    assert await server.fetches(path) == 1


async def test_metadata_of_another_issuer_is_not_believed_and_both_names_are_told(
    server: AuthorizationServer, issuer: Issuer
) -> None:
    # A slash too many is the commonest mistake, and invisible unless it is shown.
    await server.describe(issuer=f"{server.url}/")
    at, names = server.url, f"is of '{server.url}/' and not of '{server.url}'"
    said = f"{at}{OAUTH} {names}; {at}{OPENID} {names}."
    assert await unreachable(issuer, await server.token()) == said
    assert await server.fetches() == 0


async def test_metadata_without_keys_gives_way_to_metadata_with_them(
    server: AuthorizationServer, issuer: Issuer
) -> None:
    # RFC 8414 leaves the keys optional, OpenID demands them.
    no_keys = json.dumps({"issuer": server.url})
    await server.answer(200, no_keys, at=OAUTH)
    await accepted(issuer, await server.token())


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        (None, None),
        (["https://keys.example.com"], None),
        (
            "http://0.0.0.0:9/jwks",
            "'http://0.0.0.0:9/jwks' is neither https nor http on this machine",
        ),
        ("/jwks", "'/jwks' is neither https nor http on this machine"),
        ("https:///jwks", "'https:///jwks' is neither https nor http on this machine"),
        (
            "http://127.0.0.1:99999",
            "'http://127.0.0.1:99999' is neither https nor http on this machine",
        ),
        ("file:///etc/hosts", "'file:///etc/hosts' is neither https nor http on this machine"),
        ("http://local\nhost", r"'http://local\nhost' is not a URL"),
        ("x" * 2**17, f"'{'x' * 199} is not a URL"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_keys_come_from_a_safe_address_only(
    server: AuthorizationServer, issuer: Issuer, uri: Any, said: str | None
) -> None:
    # Whoever can change the keys on the way can issue tokens.
    await server.describe(jwks_uri=uri)
    at = server.url
    said = said or f"{at}{OAUTH} names no jwks_uri; {at}{OPENID} names no jwks_uri"
    assert await unreachable(issuer, await server.token()) == f"{said}."
    assert await server.fetches() == 0


async def test_an_issuer_on_plain_http_elsewhere_is_not_asked(server: AuthorizationServer) -> None:
    # Its metadata says where the keys are.
    async with Issuer("http://0.0.0.0:9", [AUDIENCE]) as issuer:
        assert (await unreachable(issuer, await server.token())).startswith(
            f"'http://0.0.0.0:9{OAUTH}' is neither https nor http on this machine; "
        )


@pytest.mark.parametrize("at", [OAUTH, JWKS])
async def test_a_redirect_is_not_followed(
    server: AuthorizationServer, issuer: Issuer, at: str
) -> None:
    # It could lead to any address in our network, or to keys of somebody else.
    await server.describe(OAUTH)
    await server.answer(302, at=at, location=f"{server.url}/elsewhere")
    said = await unreachable(issuer, await server.token())
    assert said.startswith(f"{server.url}{at} answered 302")
    assert await server.fetches("/elsewhere") == 0


@pytest.mark.parametrize("at", [OAUTH, JWKS])
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "is no JSON object"),
        ("<html></html>", "is no JSON object"),
        ("[]", "is no JSON object"),
        ("null", "is no JSON object"),
        ('{"keys": NaN}', "is no JSON object"),
        ("[" * 10_000, "is no JSON object"),
        (" " * (2**20 + 1), "is larger than 1 MiB"),
    ],
    ids=lambda value: str(value)[:12],
)
async def test_a_document_that_is_none_is_told_by_its_address(
    server: AuthorizationServer, issuer: Issuer, at: str, body: str, said: str
) -> None:
    # A page of a proxy or of a firewall is what usually comes instead.
    await server.describe(OAUTH)
    await server.answer(200, body, at=at)
    told = await unreachable(issuer, await server.token())
    assert told.startswith(f"{server.url}{at} {said}")


@pytest.mark.parametrize("body", ["{}", '{"keys": null}', '{"keys": {"rsa": {}}}'])
async def test_an_object_that_is_no_key_set_is_told(
    server: AuthorizationServer, issuer: Issuer, body: str
) -> None:
    # The metadata may point at the wrong document.
    await server.answer(200, body, at=JWKS)
    assert await unreachable(issuer, await server.token()) == f"{server.url}{JWKS} is no key set."


@pytest.mark.parametrize("body", ['{"keys": []}', '{"keys": [null, 5, "rsa", [], {}]}'])
async def test_a_set_without_usable_keys_refuses_every_token(
    server: AuthorizationServer, issuer: Issuer, body: str
) -> None:
    # An issuer that withdraws all its keys means it. A document may be as large as this, too.
    await server.answer(200, body.ljust(2**20), at=JWKS)
    assert await refused(issuer, await server.token()) == NO_KEY


async def test_an_answer_that_cannot_be_decompressed_is_told(
    server: AuthorizationServer, issuer: Issuer
) -> None:
    # It would otherwise be an error of ours.
    await server.answer(200, "{}", **{"content-encoding": "gzip"})
    said = await unreachable(issuer, await server.token())
    assert said.startswith("no usable answer from 127.0.0.1 (")


async def test_no_log_and_no_stack_trace_holds_a_token(
    server: AuthorizationServer, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    # Logs are read by more people than may use the token.
    caplog.set_level(logging.DEBUG)
    secret = "s3cr3t" * 4
    malformed: tuple[Json, ...] = (
        {"aud": secret},
        {"exp": secret},
        {"sub": [secret]},
        {"client_id": [secret]},
        {"scope": [[secret]]},
    )
    for claims in malformed:
        token = await server.token(headers={"typ": secret}, **claims)
        for sent in (token, token[:-1], f"{token}\ud800"):
            with pytest.raises(TokenRefused) as raised:
                await issuer.verify(sent)
            told = caplog.text + "".join(traceback.format_exception(raised.value))
            assert not any(part in told for part in (secret, *token.split(".")))


async def test_a_certificate_of_the_issuer_that_is_not_accepted_names_the_way_out(
    tmp_path: Path,
) -> None:
    # A company's own identity provider has a certificate of the company's own.
    _, tls = self_signed(tmp_path)

    async def never(reader: StreamReader, writer: StreamWriter) -> None:
        raise AssertionError

    async with await asyncio.start_server(never, "127.0.0.1", 0, ssl=tls) as server:
        url = "https://{}:{}".format(*server.sockets[0].getsockname())
        async with IssuerKeys(url, timeout=20) as keys:
            with pytest.raises(IssuerUnreachable) as caught:
                await keys.fitting("RS256", None)
    assert "no usable answer from 127.0.0.1 (self-signed certificate; SSL_CERT_FILE names a" in str(
        caught.value
    )
