"""The only I/O with Vapi: one operation in, Vapi's JSON or one VapiError out."""

from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import anyio
import httpx2

from vapi_sessions_mcp.caller import CallRecord
from vapi_sessions_mcp.clock import Clock, real
from vapi_sessions_mcp.contract.operations import Operation
from vapi_sessions_mcp.contract.requests import Request
from vapi_sessions_mcp.errors import RateLimited, Refused, VapiError
from vapi_sessions_mcp.http_client import build_client, certificate_fault, through
from vapi_sessions_mcp.offload import offload
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.telemetry.report import OFF, Telemetry
from vapi_sessions_mcp.vapi.call import Call
from vapi_sessions_mcp.vapi.failures import Failures, no_key
from vapi_sessions_mcp.vapi.response import (
    InvalidAnswer,
    TooMuch,
    WrongSession,
    answer,
    words,
)
from vapi_sessions_mcp.vapi.retries import RetriesByKey, retry_after
from vapi_sessions_mcp.vapi.turns import TooMany, Turns

# Node servers close an idle connection after 5 s; ours is dropped before.
KEEPALIVE_SECONDS = 4.0
_NOTHING_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError)


class Vapi:
    """Vapi's API behind one shared HTTP client; called inside `async with` only."""

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Clock = real,
        telemetry: Telemetry = OFF,
    ) -> None:
        """`transport` replaces the network, for the sandbox and for tests.

        `clock` says what time it is at Vapi: its sessions expire by it. Raises
        SettingsError for a proxy or certificates in the environment that cannot be used.
        """
        self.clock, self.telemetry = clock, telemetry
        self._timeout, self._connect_timeout = settings.timeout, settings.connect_timeout
        url = urlsplit(settings.base_url)
        self._host = url.netloc
        self._server = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
        self._key_fault = settings.key_fault
        self._retries = RetriesByKey()
        self._turns = Turns(settings.max_upstream)
        self._client = build_client(
            url=settings.base_url,
            base_url=settings.base_url,
            headers={"Accept": "application/json"},
            limits=httpx2.Limits(max_connections=None, keepalive_expiry=KEEPALIVE_SECONDS),
            # No cookie of one caller goes along with the call of another.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            transport=transport,
        )
        self._base = str(self._client.base_url).rstrip("/")
        self._headers = self._client.headers.raw

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._client.__aexit__(exc_type, exc, traceback)

    async def call(
        self, operation: Operation, request: Request, record: CallRecord, *, once: bool = False
    ) -> dict[str, Any]:
        """Vapi's answer to `operation`, a JSON object that holds what `operation.answer` promises.

        Unless `once`, it is tried again where that does no harm
        (`retries.may_repeat`), all within one deadline. Raises a VapiError for
        everything else; see `errors` for the family.
        """
        if record.caller.api_key is None:
            raise no_key(self._key_fault)
        call = Call(
            operation=operation,
            request=request,
            record=record,
            failures=Failures(
                operation, request.path().get("id", ""), self._host, sent=record.tries > 0
            ),
            key=record.caller.api_key,
            deadline=anyio.current_time() + self._timeout,
        )
        retries = self._retries.of(call.key)
        tries = 0
        while True:
            tries += 1
            try:
                found = await self._try(call, tries)
            except VapiError as exc:
                if isinstance(exc, Refused) and not isinstance(exc, RateLimited):
                    retries.answered()
                wait = None if once else retries.take_retry(operation, exc, tries, call.left)
                if wait is None:
                    raise
                call.failures.again(exc)
                self.telemetry.retried(operation.short_name, exc)
                await anyio.sleep(wait)
            else:
                retries.answered()
                return found

    async def _try(self, call: Call, tries: int) -> dict[str, Any]:
        if not self._turns.entered():
            try:
                # Ends before the deadline does: what is sent has time for its answer.
                with self.telemetry.queued(), anyio.fail_after(0.9 * call.left):
                    await self._turns.enter(call.key)
            except TimeoutError as exc:
                raise call.failures.crowded(f"for {self._timeout:g} s") from exc
            except TooMany as exc:
                raise call.failures.crowded("waiting already") from exc
        try:
            operation, record = call.operation, call.record
            with self.telemetry.request(
                operation.method, operation.path, self._server, record, tries - 1
            ):
                return await self._send(call)
        finally:
            self._turns.leave()

    async def _send(self, call: Call) -> dict[str, Any]:
        left = call.left
        # Ends before the deadline does, so that it is known that nothing was sent.
        connect = min(self._connect_timeout, 0.9 * left)
        try:
            with anyio.fail_after(left, shield=call.finishes_writes):
                return await self._exchange(call, connect)
        except TimeoutError as exc:
            raise call.failures.timed_out(self._timeout) from exc
        except _NOTHING_SENT as exc:
            if fault := certificate_fault(exc):
                raise call.failures.untrusted(fault, through(exc)) from exc
            reason = str(exc) or f"no answer within {connect:.2g} s"
            raise call.failures.not_connected(reason, through(exc)) from exc
        except httpx2.DecodingError as exc:
            raise call.failures.garbled("it cannot be decompressed") from exc
        except httpx2.TransportError as exc:
            raise call.failures.lost(through(exc)) from exc

    async def _exchange(self, call: Call, connect: float) -> dict[str, Any]:
        content = await offload(call.record.weight, call.request.encoded)
        call.record.tries += 1
        call.record.status = None
        # Made here, since the client would merge its own part anew into each.
        response = await self._client.send(self._request(call, content, connect), stream=True)
        try:
            status = call.record.status = response.status_code
            call.record.date = response.headers.get("Date", "")
            if not 200 <= status < 300:
                said, wait = await words(response, call), retry_after(response.headers, self.clock)
                raise call.failures.refused(status, said, wait, call.record.caller)
            try:
                return await answer(response, call)
            except InvalidAnswer as exc:
                stream = response.extensions.get("network_stream")
                if stream and isinstance(exc, WrongSession):
                    await stream.aclose()
                if isinstance(exc, TooMuch):
                    raise call.failures.too_large(str(exc)) from exc
                raise call.failures.garbled(str(exc)) from exc
        finally:
            await response.aclose()

    def _request(self, call: Call, content: bytes | None, connect: float) -> httpx2.Request:
        headers = [*self._headers, (b"Authorization", f"Bearer {call.key}".encode())]
        if content is not None:
            headers.append((b"Content-Type", b"application/json"))
        url = self._base + call.operation.path.format(**call.request.path())
        if query := call.request.query():
            url = f"{url}?{httpx2.QueryParams(tuple(query))}"
        timeout = httpx2.Timeout(None, connect=connect).as_dict()
        return httpx2.Request(
            call.operation.method,
            url,
            headers=headers,
            content=content,
            extensions={"timeout": timeout},
        )
