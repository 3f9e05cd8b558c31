"""The only I/O with Vapi: one operation in, Vapi's JSON or one VapiError out."""

from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import urlsplit

import anyio
import httpx2
from pydantic import ValidationError

from vapi_sessions_mcp import __version__, wire
from vapi_sessions_mcp.errors import NotConfigured
from vapi_sessions_mcp.models import Request
from vapi_sessions_mcp.operations import Operation
from vapi_sessions_mcp.outcomes import Outcome
from vapi_sessions_mcp.settings import Settings

MAX_BODY = 32 * 2**20
MAX_SAID = 600
# Node servers close an idle connection after 5 s; ours is dropped before.
KEEPALIVE_SECONDS = 4.0
_NOTHING_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError)


class Vapi:
    """Vapi's API behind one shared HTTP client, open while at least one `async with` is."""

    def __init__(
        self, settings: Settings, *, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        """`transport` replaces the network, for the sandbox and for tests."""
        self._settings = settings
        self._transport = transport
        self._host = urlsplit(settings.base_url).netloc
        self._users = 0
        self._client: httpx2.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        self._users += 1
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._users -= 1
        if self._users == 0 and self._client is not None:
            client, self._client = self._client, None
            await client.aclose()

    async def call(self, operation: Operation, request: Request) -> dict[str, Any]:
        """Vapi's answer to `operation`, a JSON object that holds what `operation.answer` promises.

        Raises a VapiError for everything else; see `errors` for the family.
        """
        if self._settings.api_key is None:
            raise NotConfigured(
                "VAPI_API_KEY is not set, so nothing was sent to Vapi. Put a private key from"
                " https://dashboard.vapi.ai/org/api-keys in the server's environment and restart"
                " it, or start it with --sandbox to try it without a key."
            )
        outcome = Outcome(operation, request.path().get("id", ""), self._host)
        try:
            with anyio.fail_after(self._settings.timeout):
                status, headers, raw = await self._exchange(operation, request, outcome)
        except TimeoutError as exc:
            raise outcome.timed_out(self._settings.timeout) from exc
        except _NOTHING_SENT as exc:
            reason = str(exc) or f"no answer within {self._settings.connect_timeout:g} s"
            raise outcome.unreachable(reason) from exc
        except httpx2.DecodingError as exc:
            raise outcome.garbled("it cannot be decompressed") from exc
        except httpx2.TransportError as exc:
            raise outcome.lost() from exc
        raw = raw.replace(self._settings.api_key.encode(), b"***")
        if not 200 <= status < 300:
            raise outcome.refused(status, _said(raw), _retry_after(headers))
        try:
            answer = wire.parse(raw)
            operation.answer.model_validate(answer)
        except ValidationError as exc:
            raise outcome.garbled("a promised field is missing") from exc
        except ValueError as exc:
            raise outcome.garbled("not JSON") from exc
        return cast("dict[str, Any]", answer)

    async def _exchange(
        self, operation: Operation, request: Request, outcome: Outcome
    ) -> tuple[int, httpx2.Headers, bytes]:
        if not self._users:
            raise RuntimeError("Vapi is called inside `async with` only")
        # Opened by the first call: TLS costs the start-up 80 ms, and registries only list tools.
        self._client = self._client or self._open()
        content = request.content()
        async with self._client.stream(
            operation.method,
            operation.path.format(**request.path()),
            params=httpx2.QueryParams(tuple(request.query())),
            content=None if content is None else wire.compact(content).encode(),
            headers=None if content is None else {"Content-Type": "application/json"},
        ) as response:
            raw = bytearray()
            async for chunk in response.aiter_bytes():
                raw += chunk
                if len(raw) > MAX_BODY:
                    raise outcome.garbled("more than 32 MiB")
            return response.status_code, response.headers, bytes(raw)

    def _open(self) -> httpx2.AsyncClient:
        settings = self._settings
        return httpx2.AsyncClient(
            base_url=settings.base_url,
            headers={
                "Authorization": f"Bearer {settings.api_key}",
                "User-Agent": f"vapi-sessions-mcp/{__version__}",
                "Accept": "application/json",
            },
            timeout=httpx2.Timeout(None, connect=settings.connect_timeout),
            limits=httpx2.Limits(max_connections=None, keepalive_expiry=KEEPALIVE_SECONDS),
            follow_redirects=False,
            # No cookie of one caller goes along with the call of another.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            transport=self._transport,
        )


def _said(raw: bytes) -> str:
    """Vapi's own words out of `{"message": str | [str]}`, or nothing when it is not that JSON."""
    try:
        message = wire.parse(raw)["message"]
    except (ValueError, KeyError, TypeError):
        return ""
    parts = cast("list[object]", message) if isinstance(message, list) else [message]
    words = "; ".join(part for part in parts if isinstance(part, str))
    return words if len(words) <= MAX_SAID else f"{words[:MAX_SAID]}…"


def _retry_after(headers: httpx2.Headers) -> float | None:
    """The wait in whole seconds, where Vapi gave one that makes sense."""
    value = headers.get("Retry-After", "")
    return float(value) if value.isdecimal() and len(value) < 6 else None
