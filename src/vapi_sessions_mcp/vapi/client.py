"""The only I/O with Vapi: one operation in, Vapi's JSON or one VapiError out."""

from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import anyio
import httpx2

from vapi_sessions_mcp import __version__, json_text
from vapi_sessions_mcp.caller import Caller, CallRecord
from vapi_sessions_mcp.clock import Clock, real
from vapi_sessions_mcp.contract.operations import Operation
from vapi_sessions_mcp.contract.requests import Request
from vapi_sessions_mcp.errors import RateLimited, Refused, VapiError
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.failures import Outcome, no_key
from vapi_sessions_mcp.vapi.response import (
    InvalidAnswer,
    WrongSession,
    answer,
    words,
)
from vapi_sessions_mcp.vapi.retries import Retries, retry_after

# Node servers close an idle connection after 5 s; ours is dropped before.
KEEPALIVE_SECONDS = 4.0
_NOTHING_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError)


class Vapi:
    """Vapi's API behind one shared HTTP client, open while at least one `async with` is."""

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Clock = real,
    ) -> None:
        """`transport` replaces the network, for the sandbox and for tests.

        `clock` says what time it is at Vapi: its sessions expire by it.
        """
        self._settings = settings
        self.clock = clock
        self.owner = Caller(api_key=settings.api_key)
        self._transport = transport
        self._host = urlsplit(settings.base_url).netloc
        self._users = 0
        self._client: httpx2.AsyncClient | None = None
        self._retries = Retries()

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

    async def call(
        self, operation: Operation, request: Request, call: CallRecord
    ) -> dict[str, Any]:
        """Vapi's answer to `operation`, a JSON object that holds what `operation.answer` promises.

        It is tried again where that does no harm (`retries.may_repeat`), all
        within one deadline. Raises a VapiError for everything else; see `errors`
        for the family.
        """
        if call.caller.api_key is None:
            raise no_key()
        outcome = Outcome(operation, request.path().get("id", ""), self._host)
        deadline = anyio.current_time() + self._settings.timeout
        tries = 0
        while True:
            tries += 1
            try:
                made = await self._try(operation, request, call, outcome, deadline)
            except VapiError as exc:
                if isinstance(exc, Refused) and not isinstance(exc, RateLimited):
                    self._retries.answered()
                left = deadline - anyio.current_time()
                pause = self._retries.take_retry(operation, exc, tries, left)
                if pause is None:
                    raise
                outcome.again(exc)
                await anyio.sleep(pause)
            else:
                self._retries.answered()
                return made

    async def _try(
        self,
        operation: Operation,
        request: Request,
        call: CallRecord,
        outcome: Outcome,
        deadline: float,
    ) -> dict[str, Any]:
        left = deadline - anyio.current_time()
        # Ends before the deadline does, so that it is known that nothing was sent.
        connect = min(self._settings.connect_timeout, 0.9 * left)
        keep = call.keeps_writes and not operation.read_only
        try:
            with anyio.fail_after(left, shield=keep):
                return await self._exchange(operation, request, call, outcome, connect)
        except TimeoutError as exc:
            raise outcome.timed_out(self._settings.timeout) from exc
        except _NOTHING_SENT as exc:
            raise outcome.unreachable(str(exc) or f"no answer within {connect:.2g} s") from exc
        except httpx2.DecodingError as exc:
            raise outcome.garbled("it cannot be decompressed") from exc
        except httpx2.TransportError as exc:
            raise outcome.lost() from exc

    async def _exchange(
        self,
        operation: Operation,
        request: Request,
        call: CallRecord,
        outcome: Outcome,
        connect: float,
    ) -> dict[str, Any]:
        if not self._users:
            raise RuntimeError("Vapi is called inside `async with` only")
        # Opened by the first call: TLS costs the start-up 80 ms, and registries only list tools.
        self._client = self._client or self._open()
        content, key = request.content(), str(call.caller.api_key)
        headers = {"Authorization": f"Bearer {key}"}
        if content is not None:
            headers["Content-Type"] = "application/json"
        call.tries += 1
        call.status = None
        async with self._client.stream(
            operation.method,
            operation.path.format(**request.path()),
            params=httpx2.QueryParams(tuple(request.query())),
            content=None if content is None else json_text.compact(content).encode(),
            headers=headers,
            timeout=httpx2.Timeout(None, connect=connect),
        ) as response:
            status = call.status = response.status_code
            if not 200 <= status < 300:
                said = await words(response, call, key)
                raise outcome.refused(
                    status, said, retry_after(response.headers, self.clock), call.caller
                )
            try:
                return await answer(response, call, key, operation, request)
            except InvalidAnswer as exc:
                stream = response.extensions.get("network_stream")
                if stream and isinstance(exc, WrongSession):
                    await stream.aclose()
                raise outcome.garbled(str(exc)) from exc

    def _open(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            base_url=self._settings.base_url,
            headers={
                "User-Agent": f"vapi-sessions-mcp/{__version__}",
                "Accept": "application/json",
            },
            limits=httpx2.Limits(max_connections=None, keepalive_expiry=KEEPALIVE_SECONDS),
            follow_redirects=False,
            # No cookie of one caller goes along with the call of another.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            transport=self._transport,
        )
