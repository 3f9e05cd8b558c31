"""A token is accepted only with a signature, an audience and times that hold."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any, TypeAlias

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp.server.auth.provider import AccessToken

from support.authorization_server import AUDIENCE, JWKS, AuthorizationServer
from support.issuers import NO_KEY, Clock, accepted, refused, segment
from vapi_sessions_mcp.access.oauth import Issuer, TokenRefused

pytestmark = [pytest.mark.anyio, pytest.mark.clock]

Json: TypeAlias = dict[str, Any]
NO_JWT = "The token is not a JWT"
NO_ALGORITHM = "The token is signed with an algorithm that is not accepted here"
MALFORMED = "A claim of the token is malformed"
WRONG_SIGNATURE = "The signature of the token is wrong"
HOUR = 3600
# The examples leave both the server and the issuer as they were.
shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


async def test_a_good_token_tells_who_may_do_what(
    server: AuthorizationServer, issuer: Issuer
) -> None:
    # Scopes decide what is allowed, and the client and subject whose request state it is.
    soon = int(datetime.now(UTC).timestamp()) + 60
    token = await server.token(exp=soon, scope="sessions:read sessions:write")
    assert await accepted(issuer, token) == AccessToken(
        token=token,
        client_id="client-1",
        scopes=["sessions:read", "sessions:write"],
        expires_at=soon,
        resource=AUDIENCE,
        subject="user-1",
        claims={"iss": server.url},
    )


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        *(("rsa", f"{kind}{bits}") for kind in ("RS", "PS") for bits in (256, 384, 512)),
        *(("ec", "ES256"), ("ec384", "ES384"), ("ec521", "ES512"), ("ed", "EdDSA")),
    ],
)
async def test_every_asymmetric_algorithm_is_accepted(
    server: AuthorizationServer, issuer: Issuer, key: str, algorithm: str
) -> None:
    # Which one it is, the operator of the authorization server decides.
    await server.publish(*({"key": name} for name in ("rsa", "ec", "ec384", "ec521", "ed")))
    token = await server.token(key=key, algorithm=algorithm)
    assert (await accepted(issuer, token)).client_id == "client-1"


@pytest.mark.parametrize(
    ("claims", "client", "scopes"),
    [
        ({"scope": None}, "client-1", []),
        ({"scope": ""}, "client-1", []),
        ({"scope": ["a", "b"]}, "client-1", ["a", "b"]),
        ({"scope": None, "scp": "a b"}, "client-1", ["a", "b"]),
        ({"scope": None, "scp": ["a", "b"]}, "client-1", ["a", "b"]),
        ({"scope": 5, "scp": {"a": 1}}, "client-1", []),
        ({"azp": "azp-1"}, "client-1", ["sessions:read"]),
        ({"client_id": None, "azp": "azp-1"}, "azp-1", ["sessions:read"]),
        ({"client_id": None}, "user-1", ["sessions:read"]),
        ({"client_id": "", "sub": None, "azp": "azp-1"}, "azp-1", ["sessions:read"]),
    ],
    ids=str,
)
async def test_scopes_and_client_are_found_under_the_names_that_issuers_give_them(
    server: AuthorizationServer, issuer: Issuer, claims: Json, client: str, scopes: list[str]
) -> None:
    # Entra and Okta name them their own way, and a scope that is not seen locks everybody out.
    granted = await accepted(issuer, await server.token(**claims))
    assert (granted.client_id, granted.scopes) == (client, scopes)
    assert granted.subject == claims.get("sub", "user-1")


@pytest.mark.parametrize(
    ("aud", "resource"),
    [
        (AUDIENCE, AUDIENCE),
        (["https://other.example", AUDIENCE], AUDIENCE),
        ("api://sessions", "api://sessions"),
        (["api://sessions", AUDIENCE], "https://sessions.example.com/mcp"),
    ],
    ids=str,
)
async def test_a_token_for_any_of_our_names_is_accepted_and_tells_which(
    server: AuthorizationServer, aud: Any, resource: str
) -> None:
    # One of the names is the beginning of another, and must not be taken for it.
    names = ["https://sessions.example.com", AUDIENCE, "api://sessions"]
    async with Issuer(server.url, names) as issuer:
        assert (await accepted(issuer, await server.token(aud=aud))).resource == resource


# No machine's clock shows it: whoever reads that one is wrong by years.
TOKENS_NOW = datetime(2051, 3, 4, 5, 6, 7, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({}, None),
        ({"exp": -60}, "The token has expired"),
        ({"exp": -10}, "The token has expired"),
        ({"exp": -9}, None),
        ({"nbf": 60}, "The token is not valid yet"),
        ({"iat": 60}, "The token is not valid yet"),
        ({"nbf": 11}, "The token is not valid yet"),
        ({"iat": 11}, "The token is not valid yet"),
        ({"nbf": 10, "iat": 10}, None),
        ({"exp": -5, "nbf": 5, "iat": 5}, None),
        ({"exp": "4070908800", "nbf": "0", "iat": 0.5}, None),
        ({"exp": 10**400}, None),
        ({"nbf": 10**400}, "The token is not valid yet"),
        ({"iat": "today"}, MALFORMED),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_times_are_kept_with_a_leeway_of_ten_seconds(
    server: AuthorizationServer, claims: Json, said: str | None
) -> None:
    # Clocks differ by seconds; a stolen token must not work for longer than that.
    now = int(TOKENS_NOW.timestamp())
    given: Json = {"exp": 300, "iat": 0, **claims}
    times: Json = {
        name: now + value if isinstance(value, int) and abs(value) < HOUR else value
        for name, value in given.items()
    }
    async with Issuer(server.url, [AUDIENCE], clock=lambda: TOKENS_NOW) as issuer:
        token = await server.token(**times)
        if said is None:
            await accepted(issuer, token)
        else:
            assert await refused(issuer, token) == said


async def test_times_are_judged_by_this_machine_s_clock_unless_told_otherwise(
    server: AuthorizationServer, issuer: Issuer
) -> None:
    # A token that lasts five minutes from now is good now, and not in 2051.
    token = await server.token()
    await accepted(issuer, token)
    async with Issuer(server.url, [AUDIENCE], clock=lambda: TOKENS_NOW) as later:
        assert await refused(later, token) == "The token has expired"


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"exp": None}, "The token has no exp claim"),
        ({"iss": None}, "The token has no iss claim"),
        ({"aud": None}, "The token has no aud claim"),
        ({"aud": []}, "The token has no aud claim"),
        ({"aud": "https://other.example"}, "The token is for another audience"),
        ({"aud": f"{AUDIENCE}/"}, "The token is for another audience"),
        ({"aud": AUDIENCE[:-1]}, "The token is for another audience"),
        ({"aud": [AUDIENCE, 5]}, "The token is for another audience"),
        ({"aud": {AUDIENCE: 1}}, "The token is for another audience"),
        ({"iss": "https://other.example"}, "The token is of another issuer"),
        ({"iss": ["https://other.example"]}, "The token is of another issuer"),
        ({"client_id": None, "sub": None}, "The token names no client and no subject"),
        ({"client_id": 5}, MALFORMED),
        ({"client_id": "\ud800"}, MALFORMED),
        ({"sub": 5}, MALFORMED),
        ({"scope": ["sessions:read", 5]}, MALFORMED),
        ({"exp": "soon"}, MALFORMED),
        ({"exp": [1]}, MALFORMED),
        ({"exp": float("inf")}, MALFORMED),
        ({"nbf": {}}, MALFORMED),
        ({"jti": 5}, MALFORMED),
    ],
    ids=str,
)
async def test_a_claim_that_does_not_hold_refuses_the_token_by_name(
    server: AuthorizationServer, issuer: Issuer, claims: Json, said: str
) -> None:
    # A token for another service that leaks there would open this one.
    assert await refused(issuer, await server.token(**claims)) == said


@pytest.mark.parametrize(
    ("signed", "said"),
    [
        ({"algorithm": "none"}, NO_ALGORITHM),
        ({"headers": {"alg": "None"}}, NO_ALGORITHM),
        ({"headers": {"alg": None}}, NO_ALGORITHM),
        ({"headers": {"alg": ["RS256"]}}, NO_ALGORITHM),
        ({"algorithm": "HS256"}, NO_ALGORITHM),
        ({"algorithm": "HS256", "key": "ec"}, NO_ALGORITHM),
        ({"algorithm": "HS256", "headers": {"alg": "RS256"}}, WRONG_SIGNATURE),
        ({"algorithm": "none", "headers": {"alg": "ES256", "kid": "ec"}}, WRONG_SIGNATURE),
        ({"algorithm": "none", "headers": {"alg": "EdDSA", "kid": "ed"}}, WRONG_SIGNATURE),
        ({"key": "foreign", "headers": {"kid": "rsa"}}, WRONG_SIGNATURE),
        ({"headers": {"alg": "PS256"}}, WRONG_SIGNATURE),
        ({"key": "foreign"}, NO_KEY),
        ({"headers": {"kid": "made up"}}, NO_KEY),
        ({"headers": {"kid": ""}}, NO_KEY),
        ({"headers": {"alg": "ES256"}}, NO_KEY),
        ({"headers": {"kid": 5}}, NO_JWT),
        ({"headers": {"crit": ["exp"], "exp": 1}}, NO_JWT),
        ({"headers": {"b64": False, "crit": ["b64"]}}, NO_JWT),
    ],
    ids=str,
)
async def test_a_signature_that_the_issuer_did_not_make_is_refused(
    server: AuthorizationServer, issuer: Issuer, signed: Json, said: str
) -> None:
    # These are the classic ways to forge a JWT.
    assert await refused(issuer, await server.token(**signed)) == said


async def test_a_key_in_the_token_itself_is_not_used(
    server: AuthorizationServer, issuer: Issuer
) -> None:
    # Whoever forges a token can also say where to find the key for it.
    await server.publish({"key": "foreign"})
    async with httpx2.AsyncClient() as client:
        jwk = (await client.get(f"{server.url}{JWKS}")).json()["keys"][0]
    await server.publish({"key": "rsa"})
    headers = {"kid": "rsa", "jwk": jwk, "jku": f"{server.url}/others"}
    token = await server.token(key="foreign", headers=headers)
    assert await refused(issuer, token) == WRONG_SIGNATURE
    assert await server.fetches("/others") == 0


@pytest.mark.parametrize(
    ("entry", "signed"),
    [
        ({"key": "rsa", "use": "enc"}, {}),
        ({"key": "rsa", "private": True}, {}),
        ({"key": "weak"}, {"key": "weak"}),
        ({"key": "rsa", "alg": "RS256"}, {"algorithm": "PS256"}),
        ({"key": "rsa", "alg": "RSA-OAEP"}, {}),
        ({"key": "ec", "alg": "ES384"}, {"key": "ec"}),
        ({"key": "ec", "crv": "P-384"}, {"key": "ec"}),
        ({"key": "ec", "x": None}, {"key": "ec"}),
        ({"key": "rsa", "n": 5}, {}),
        ({"key": "rsa", "kid": ["rsa"]}, {}),
        ({"kty": "oct", "k": "c2VjcmV0", "kid": "rsa"}, {"algorithm": "HS256"}),
    ],
    ids=str,
)
async def test_a_published_key_that_is_not_for_this_signature_is_not_used(
    server: AuthorizationServer, issuer: Issuer, entry: Json, signed: Json
) -> None:
    # A key for encryption is often in weaker hands, and a private one that got out in anybody's.
    await server.publish(entry, {"key": "ed"})
    said = NO_ALGORITHM if signed.get("algorithm") == "HS256" else NO_KEY
    assert await refused(issuer, await server.token(**signed)) == said
    await accepted(issuer, await server.token(key="ed"))


@pytest.mark.parametrize("entry", [{"use": None}, {"alg": "RS256"}, {"x5c": ["?"], "extra": 1}])
async def test_a_key_may_say_more_or_less_of_itself(
    server: AuthorizationServer, issuer: Issuer, entry: Json
) -> None:
    # Entra leaves the algorithm out, others the use, and all may add what is their own.
    await server.publish({"key": "rsa", **entry})
    await accepted(issuer, await server.token())


async def test_a_token_without_a_key_id_is_accepted_when_only_one_key_fits(
    server: AuthorizationServer, issuer: Issuer, clock: Clock
) -> None:
    # The id is optional; trying one key after another would be guessing.
    unnamed: Json = {"headers": {"kid": None}}
    for key in ("rsa", "ec", "ed"):
        await accepted(issuer, await server.token(key=key, **unnamed))
    await server.publish({"key": "rsa"}, {"key": "foreign"}, {"key": "ec", "kid": None})
    clock.now += HOUR
    said = "The token does not say which key of the issuer signed it"
    assert await refused(issuer, await server.token(**unnamed)) == said
    await accepted(issuer, await server.token(key="ec", **unnamed))


any_text = st.text(st.characters(exclude_categories=()), max_size=80)
leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
names = st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "x5c", "zip", "enc"])
known = st.sampled_from(["RS256", "ES256", "EdDSA", "none", "HS256", "rsa", "ec", "ed", ["b64"]])
headers = st.dictionaries(names, known | anything)


def jwt(header: Any, payload: Any, signature: bytes) -> str:
    return f"{segment(header)}.{segment(payload)}.{urlsafe_b64encode(signature).decode()}"


@shared
@given(token=any_text | st.builds(jwt, headers, anything, st.binary(max_size=80)))
async def test_any_text_at_all_is_refused_and_nothing_worse(issuer: Issuer, token: str) -> None:
    # This is the first thing that anybody on the network can send, before they are known.
    assert await refused(issuer, token) in (NO_JWT, NO_ALGORITHM, NO_KEY, WRONG_SIGNATURE)


@pytest.fixture
async def tokens(server: AuthorizationServer) -> list[str]:
    return [
        *[await server.token(key=key) for key in ("rsa", "ec", "ed")],
        await server.token(scope="sessions:read sessions:write"),
    ]


@shared
@given(
    which=st.integers(0, 3),
    at=st.integers(0, 2**10),
    cut=st.sampled_from([0, 1, 2, 2**10]),
    put=st.characters(exclude_categories=()) | st.just(""),
)
async def test_a_good_token_with_any_edit_is_refused(
    issuer: Issuer, tokens: list[str], which: int, at: int, cut: int, put: str
) -> None:
    # One bit that may change is one scope that may be added.
    token = tokens[which]
    at %= len(token)
    edited = token[:at] + put + token[at + cut :]
    if edited != token:
        await refused(issuer, edited)


async def test_parts_of_several_good_tokens_make_no_good_token(
    issuer: Issuer, tokens: list[str]
) -> None:
    # The claims of one with the signature of another would be a promotion.
    parts = [token.split(".") for token in tokens]
    for head in parts:
        for body in parts:
            for tail in parts:
                mixed = f"{head[0]}.{body[1]}.{tail[2]}"
                if mixed not in tokens:
                    await refused(issuer, mixed)


@shared
@given(
    key=st.sampled_from(["rsa", "ec", "ed"]),
    name=st.sampled_from(["kty", "crv", "alg", "use", "kid", "n", "e", "x", "y", "d", "key_ops"]),
    value=anything | st.sampled_from(["RSA", "EC", "OKP", "oct", "P-521", "Ed448", "AQAB", "AA"]),
)
async def test_a_key_set_of_any_kind_breaks_nothing(
    server: AuthorizationServer, issuer: Issuer, clock: Clock, key: str, name: str, value: Any
) -> None:
    # One odd key among an issuer's must not lock out those who use the others.
    await server.publish({"key": key, "kid": "odd", name: value}, {"key": "ed", "kid": "good"})
    clock.now += HOUR
    await accepted(issuer, await server.token(key="ed", headers={"kid": "good"}))
    with pytest.raises(TokenRefused):
        await issuer.verify(await server.token(key="foreign", headers={"kid": "odd"}))
