"""The public keys of an OAuth issuer, found by its metadata, fetched and kept fresh."""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Self, cast
from urllib.parse import urlsplit

import anyio
import httpx2
import jwt
from anyio.abc import TaskGroup
from cryptography.exceptions import UnsupportedAlgorithm

from vapi_sessions_mcp import bounded, json_text
from vapi_sessions_mcp.http_client import build_client, certificate_fault, through
from vapi_sessions_mcp.logs import log_fault
from vapi_sessions_mcp.settings_rules import is_loopback

FRESH_SECONDS = 300.0
KEPT_SECONDS = 3600.0
PAUSE_SECONDS = 1.0
# How long a caller whose key is at hand waits to see whether it was withdrawn.
GLANCE_SECONDS = 1.0
MAX_BODY = 2**20
# Each with the type and curve of its keys. No HS*: a public key would do as its secret.
ALGORITHMS = {
    **{f"{kind}{bits}": ("RSA", None) for kind in ("RS", "PS") for bits in (256, 384, 512)},
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}


class IssuerUnreachable(Exception):
    """The issuer's keys cannot be had, so no token can be judged; `str()` says why."""


class IssuerKeys:
    """An issuer's keys; open while at least one `async with` is, which may be nested."""

    def __init__(
        self,
        url: str,
        *,
        timeout: float,
        transport: httpx2.AsyncBaseTransport | None = None,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        """`timeout` is for all of a fetch, in seconds; keys age by `elapsed`, in seconds too.

        Raises ValueError when `url` is not a URL, and SettingsError as `build_client` does.
        """
        self._url, self._addresses = url, _addresses(url)
        self._timeout, self._elapsed = timeout, elapsed
        # `_refetch` limits the whole.
        self._build = partial(build_client, url=url, transport=transport, headers={}, timeout=None)
        self._client = self._build()
        self._users = 0
        self._tasks: TaskGroup  # only while it is open, as it needs an event loop
        self._lock = anyio.Lock()
        self._refreshing = False
        self._keys: list[jwt.PyJWK] = []
        self._fetched = self._tried = float("-inf")
        self._failure = ""

    async def __aenter__(self) -> Self:
        self._users += 1
        if self._users == 1:
            if self._client.is_closed:
                self._client = self._build()
            self._refreshing = False
            self._tasks = await anyio.create_task_group().__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._users -= 1
        if self._users == 0:
            self._tasks.cancel_scope.cancel()
            try:
                await self._tasks.__aexit__(None, None, None)
            finally:
                await self._client.aclose()

    async def fitting(self, algorithm: str, kid: str | None) -> list[jwt.PyJWK]:
        """The keys for this algorithm and id (None: any), after a look for newer ones if need be.

        Raises IssuerUnreachable when there are none because the issuer gives none.
        """
        if not self._users:
            raise RuntimeError("An issuer verifies inside `async with` only")
        if not self._fitting(algorithm, kid):
            await self._refetch()
        elif self._elapsed() - self._fetched >= FRESH_SECONDS and not self._refreshing:
            await self._refresh()
        fitting = self._fitting(algorithm, kid)
        if not fitting and self._failure:
            raise IssuerUnreachable(f"The issuer {self._url} gave no keys: {self._failure}.")
        return fitting

    async def newer(self, algorithm: str, kid: str | None) -> list[jwt.PyJWK]:
        """The same, after a look for newer keys in any case, as far as one may be made."""
        await self._refetch()
        return self._fitting(algorithm, kid)

    def _fitting(self, algorithm: str, kid: str | None) -> list[jwt.PyJWK]:
        kept = self._keys if self._elapsed() - self._fetched < KEPT_SECONDS else []
        return [k for k in kept if k.algorithm_name == algorithm and kid in (None, k.key_id)]

    async def _refresh(self) -> None:
        """Fetch newer keys for those to come; who asks waits a moment, unless the last try failed.

        Thus an issuer that hangs delays one caller, by that moment.
        """
        self._refreshing, done = True, anyio.Event()

        async def refresh() -> None:
            try:
                await self._refetch()
            finally:
                self._refreshing = False
                done.set()

        self._tasks.start_soon(refresh)
        with anyio.move_on_after(0 if self._failure else GLANCE_SECONDS):
            await done.wait()

    async def _refetch(self) -> None:
        """Replace the keys, or note why not; callers at the same time share one attempt."""
        async with self._lock:
            # Else anyone could have us flood the issuer, by made-up key ids and signatures.
            if self._elapsed() - self._tried < PAUSE_SECONDS:
                return
            try:
                with anyio.fail_after(self._timeout):
                    self._keys = await self._fetch()
                self._fetched, self._failure = self._elapsed(), ""
            except (TimeoutError, _Unusable) as exc:
                self._failure = str(exc) or f"no answer within {self._timeout:g} s"
            except Exception as exc:  # noqa: BLE001 - in a task it would end the server
                log_fault(exc)
                self._failure = "its answer could not be read"
            self._tried = self._elapsed()

    async def _fetch(self) -> list[jwt.PyJWK]:
        uri = await self._jwks_uri()
        jwks = (await self._get(uri)).get("keys")
        if not isinstance(jwks, list):
            raise _Unusable(f"{uri} is no key set")
        entries = cast("list[object]", jwks)
        return [key for jwk in entries if isinstance(jwk, dict) for key in _usable({**jwk})]

    async def _jwks_uri(self) -> str:
        """Where the keys are, by the first metadata that says so."""
        problems: list[str] = []
        for address in self._addresses:
            try:
                return _named_in(await self._get(address), address, self._url)
            except _Unusable as exc:
                problems.append(str(exc))
        raise _Unusable("; ".join(dict.fromkeys(problems)))

    async def _get(self, address: str) -> dict[str, Any]:
        """The JSON object at `address`, which no redirect leads away from."""
        url = _safe(address)
        try:
            async with self._client.stream("GET", url) as response:
                if response.status_code != 200:
                    raise _Unusable(f"{address} answered {response.status_code}")
                raw = await bounded.collect(response.aiter_bytes(), MAX_BODY)
            return {**json_text.parse(raw)}
        except bounded.TooLarge as exc:
            raise _Unusable(f"{address} is larger than 1 MiB") from exc
        except httpx2.RequestError as exc:
            reason = str(exc) or type(exc).__name__
            if fault := certificate_fault(exc):
                reason = f"{fault}; SSL_CERT_FILE names a file of certificates to accept"
            raise _Unusable(f"no usable answer from {url.host}{through(exc)} ({reason})") from exc
        except (TypeError, ValueError) as exc:
            raise _Unusable(f"{address} is no JSON object") from exc


class _Unusable(Exception):
    """What the issuer says cannot be used; `str()` is a clause that says why."""


def _named_in(metadata: dict[str, Any], address: str, expected: str) -> str:
    issuer, uri = metadata.get("issuer"), metadata.get("jwks_uri")
    if issuer != expected:
        raise _Unusable(f"{address} is of {issuer!r:.200} and not of {expected!r}")
    if not isinstance(uri, str):
        raise _Unusable(f"{address} names no jwks_uri")
    return uri


def _usable(jwk: dict[str, Any]) -> list[jwt.PyJWK]:
    """`jwk` for each algorithm that it may sign with: none if weak, private or for encryption."""
    keys: list[jwt.PyJWK] = []
    if "d" in jwk or jwk.get("use") not in (None, "sig"):
        return keys
    for algorithm, kind in ALGORITHMS.items():
        if (jwk.get("kty"), jwk.get("crv")) == kind and jwk.get("alg") in (None, algorithm):
            with suppress(jwt.PyJWTError, UnsupportedAlgorithm):
                keys.append(jwt.PyJWK(jwk, algorithm))
    return [key for key in keys if key.Algorithm.check_key_length(key.key) is None]


def _addresses(issuer: str) -> tuple[str, ...]:
    """Where its metadata may be: RFC 8414, OpenID, and OpenID at RFC 8414's place."""
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    oauth, openid = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
    places = (oauth + path, path + openid, openid + path)
    return tuple(dict.fromkeys(origin + place for place in places))


def _safe(address: str) -> httpx2.URL:
    """A URL whose answers nobody between can change; raises _Unusable."""
    try:
        url = httpx2.URL(address)
        host, port = url.host, url.port or 443
    except (httpx2.InvalidURL, ValueError) as exc:
        raise _Unusable(f"{address!r:.200} is not a URL") from exc
    encrypted = url.scheme == "https" or (url.scheme == "http" and is_loopback(host))
    if not (encrypted and host and 0 < port < 2**16):
        raise _Unusable(f"{address!r:.200} is neither https nor http on this machine")
    return url
