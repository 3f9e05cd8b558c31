"""Access tokens of an OAuth issuer: JWTs, each checked for who signed it, for whom and when."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Self, cast

import httpx2
import jwt
from mcp.server.auth.provider import AccessToken

from vapi_sessions_mcp.access.issuer_keys import ALGORITHMS, IssuerKeys
from vapi_sessions_mcp.clock import Clock, real

LEEWAY_SECONDS = 10.0
_MALFORMED = "A claim of the token is malformed"
_SAID: dict[type[jwt.PyJWTError], str] = {
    jwt.ExpiredSignatureError: "The token has expired",
    jwt.ImmatureSignatureError: "The token is not valid yet",
    jwt.InvalidIssuerError: "The token is of another issuer",
    jwt.InvalidAudienceError: "The token is for another audience",
}


class TokenRefused(Exception):
    """A token that grants nothing; `str()` says why, fit for a WWW-Authenticate header."""


class WrongSignature(TokenRefused):
    """A token that the key of its issuer did not sign."""


class Issuer:
    """An issuer whose tokens are checked; open while at least one `async with` is."""

    def __init__(
        self,
        url: str,
        audiences: Sequence[str],
        *,
        timeout: float = 10.0,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Clock = real,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        """Tokens must be for one of `audiences`; `timeout` is for all of a fetch, in seconds.

        `transport` replaces the network, `clock` what tokens' times are compared with,
        and `elapsed` what keys age by, for tests. Raises ValueError when `url` is
        not one, and SettingsError as `build_client` does.
        """
        self.url = url
        self._audiences = tuple(audiences)
        self._clock = clock
        self._keys = IssuerKeys(url, timeout=timeout, transport=transport, elapsed=elapsed)

    async def __aenter__(self) -> Self:
        await self._keys.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._keys.__aexit__()

    async def verify(self, token: str) -> AccessToken:
        """What `token` grants and to whom; raises TokenRefused or IssuerUnreachable."""
        algorithm, kid = _signed_with(token)
        key = _one(await self._keys.fitting(algorithm, kid), kid)
        try:
            return self._verified(token, key)
        except WrongSignature:
            # The issuer may have a new key under the old id, or without any.
            newer = _one(await self._keys.newer(algorithm, kid), kid)
            if newer is key:
                raise
        return self._verified(token, newer)

    def _verified(self, token: str, key: jwt.PyJWK) -> AccessToken:
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=self._audiences,
                issuer=self.url,
                options={
                    "require": ["exp", "iss", "aud"],
                    # It would compare these with the machine's clock; we do with ours.
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
            self._check_times(claims)
        except jwt.InvalidSignatureError as exc:
            raise WrongSignature("The signature of the token is wrong") from exc
        except jwt.MissingRequiredClaimError as exc:
            raise TokenRefused(f"The token has no {exc.claim} claim") from exc
        except jwt.PyJWTError as exc:
            raise TokenRefused(_SAID.get(type(exc), _MALFORMED)) from exc
        return self._granted(token, claims)

    def _check_times(self, claims: dict[str, Any]) -> None:
        """RFC 7519, 4.1.4 to 4.1.6, by our clock; raises what PyJWT would."""
        now = self._clock().timestamp()
        if max(_seconds(claims, "iat"), _seconds(claims, "nbf")) > now + LEEWAY_SECONDS:
            raise jwt.ImmatureSignatureError
        if _seconds(claims, "exp") <= now - LEEWAY_SECONDS:
            raise jwt.ExpiredSignatureError

    def _granted(self, token: str, claims: dict[str, Any]) -> AccessToken:
        client = claims.get("client_id") or claims.get("azp") or claims.get("sub")
        if not client:
            raise TokenRefused("The token names no client and no subject")
        named = [claims["aud"]] if isinstance(claims["aud"], str) else claims["aud"]
        try:
            granted = AccessToken(
                token=token,
                client_id=client,
                scopes=[*_words(claims.get("scope")), *_words(claims.get("scp"))],
                expires_at=int(claims["exp"]),
                resource=next(audience for audience in self._audiences if audience in named),
                subject=claims.get("sub"),
                claims={"iss": self.url},
            )
            granted.model_dump_json()  # lone surrogates, which break whoever writes them, end here
        except ValueError:
            # Its text quotes what it refuses.
            raise TokenRefused(_MALFORMED) from None
        return granted


def _one(fitting: Sequence[jwt.PyJWK], kid: str | None) -> jwt.PyJWK:
    """The key to verify with; raises TokenRefused where it is not clear which."""
    if not fitting:
        raise TokenRefused("The issuer has no key that fits the token")
    if kid is None and len(fitting) > 1:
        raise TokenRefused("The token does not say which key of the issuer signed it")
    return fitting[0]


def _signed_with(token: str) -> tuple[str, str | None]:
    """The algorithm and the key's id that the token itself claims; raises TokenRefused."""
    try:
        header = jwt.get_unverified_header(token if token.isascii() else "")
    except jwt.PyJWTError as exc:
        raise TokenRefused("The token is not a JWT") from exc
    if (algorithm := header.get("alg")) not in list(ALGORITHMS):
        raise TokenRefused("The token is signed with an algorithm that is not accepted here")
    return algorithm, header.get("kid")


def _seconds(claims: dict[str, Any], name: str) -> int:
    """A claim's seconds since 1970; one that is not there is long past."""
    try:
        return int(claims.get(name, 0))
    except (ValueError, TypeError, OverflowError):
        raise jwt.DecodeError from None


def _words(claim: object) -> list[str]:
    """A claim's words: one string of them, or a list."""
    words = claim.split() if isinstance(claim, str) else claim
    return cast("list[str]", words) if isinstance(words, list) else []
