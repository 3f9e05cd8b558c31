"""MCP over this process's stdin and stdout, until stdin ends or a signal comes, calls first."""

import logging
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import anyio
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.shared.message import SessionMessage
from mcp_types import (
    CONNECTION_CLOSED,
    ErrorData,
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    RequestId,
    jsonrpc_message_adapter,
)

from vapi_sessions_mcp.errors import STOPPED
from vapi_sessions_mcp.json_rpc import NotAMessage
from vapi_sessions_mcp.telemetry.report import OFF, Telemetry
from vapi_sessions_mcp.transports.lines import Stdin
from vapi_sessions_mcp.transports.prelude import Begun
from vapi_sessions_mcp.transports.signals import stop_signal
from vapi_sessions_mcp.transports.stdout import Stdout, claimed

# How long to look for an `initialize` queued behind a first `server/discover`.
PEEK_SECONDS = 0.02

Frame: TypeAlias = SessionMessage | Exception

_LOG = logging.getLogger("vapi_sessions_mcp.stdio")


async def serve(
    server: Server[Any],
    *,
    grace: float,
    begun: Begun | None = None,
    telemetry: Telemetry = OFF,
) -> None:
    """Serve until stdin ends or SIGINT or SIGTERM comes; calls in flight get `grace` seconds.

    A conversation that was `begun` goes on: what the client was answered is not answered again.
    """
    begun = begun or Begun()
    from_stdin, incoming = anyio.create_memory_object_stream[Frame]()
    to_server, from_client = anyio.create_memory_object_stream[Frame]()
    to_client, from_server = anyio.create_memory_object_stream[SessionMessage]()
    refusals = to_client.clone()

    async def refuse(refused: NotAMessage) -> None:
        _LOG.warning("refused", extra={"fields": {"code": refused.code}})
        telemetry.refused(refused.code)
        await refusals.send(SessionMessage(JSONRPCError.model_validate(refused.answer())))

    first = b"".join(line + b"\n" for line in begun.handshake) + begun.rest
    stdin, calls = Stdin(refuse, first), _Calls()
    # Until then nothing of the client's is passed on, so that this is the only answer to it.
    taken_over = anyio.Event()
    if not begun.handshake:
        taken_over.set()

    async def read() -> None:
        async with from_stdin:
            async for message in stdin:
                # `json_rpc.read` lets through only what this takes.
                await from_stdin.send(
                    SessionMessage(jsonrpc_message_adapter.validate_python(message))
                )

    async def relay_requests() -> None:
        async for frame in incoming if begun.handshake else _handshake_first(incoming):
            calls.received(frame)
            await to_server.send(frame)
            await taken_over.wait()
        with anyio.move_on_after(grace):
            await calls.done()
        refusals.close()
        to_server.close()

    async def relay_answers(stdout: Stdout) -> None:
        async for each in from_server:
            answer = _in_words(each)
            # What is refused meanwhile is an error, and no answer to the handshake.
            if taken_over.is_set() or not isinstance(answer.message, JSONRPCResponse):
                line = answer.message.model_dump_json(by_alias=True, exclude_unset=True)
                await stdout.write(f"{line}\n")
            else:
                taken_over.set()
            calls.answered(answer)
        written.set()

    async def stop_on_signal() -> None:
        await stop_signal()
        stdin.end()

    written = anyio.Event()
    with claimed() as stdout:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stop_on_signal)
            tasks.start_soon(read)
            tasks.start_soon(relay_requests)
            tasks.start_soon(relay_answers, stdout)
            # Since 2026-07-28 the SDK sees by itself whether changes are reported.
            reports = server.get_request_handler("resources/subscribe") is not None
            options = server.create_initialization_options(
                NotificationOptions(resources_changed=reports)
            )
            await server.run(from_client, to_client, options)
            await written.wait()
            tasks.cancel_scope.cancel()


def _in_words(answer: SessionMessage) -> SessionMessage:
    """An answer as it is; what the SDK says to a call that it cut off, in a sentence."""
    match answer.message:
        case JSONRPCError(id=id, error=ErrorData(code=code)) if code == CONNECTION_CLOSED:
            error = ErrorData(code=CONNECTION_CLOSED, message=STOPPED)
            return SessionMessage(JSONRPCError(jsonrpc="2.0", id=id, error=error))
        case _:
            return answer


class _Calls:
    """Which of the client's requests still wait for their answer."""

    def __init__(self) -> None:
        self._open: set[RequestId | None] = set()
        self._changed = anyio.Event()

    def received(self, frame: Frame) -> None:
        """Note a frame from the client; a request it cancels is never answered."""
        match frame:
            case SessionMessage(message=JSONRPCRequest(method="subscriptions/listen")):
                pass  # it is answered when it ends, and waits for nothing
            case SessionMessage(message=JSONRPCRequest(id=id)):
                self._open.add(id)
            case SessionMessage(message=JSONRPCNotification(method="notifications/cancelled") as m):
                id = (m.params or {}).get("requestId")
                self._close(id if isinstance(id, int | str) else None)
            case _:
                pass

    def answered(self, frame: SessionMessage) -> None:
        """Note a frame that the client has been sent."""
        if isinstance(frame.message, JSONRPCResponse | JSONRPCError):
            self._close(frame.message.id)

    async def done(self) -> None:
        """Return once every request has its answer."""
        while self._open:
            self._changed = anyio.Event()
            await self._changed.wait()

    def _close(self, id: RequestId | None) -> None:
        self._open.discard(id)
        self._changed.set()


async def _handshake_first(incoming: AsyncIterator[Frame]) -> AsyncIterator[Frame]:
    """The frames in order, but a queued `initialize` overtakes an unanswered `server/discover`.

    Some hosts give up on `server/discover` while Python is still importing and
    send `initialize`; the SDK takes the era from the first request it sees, and
    would refuse the handshake they are waiting for.
    """
    held: list[Frame] = []
    await _hold_request(incoming, held)
    if _method(held) == "server/discover":
        with anyio.move_on_after(PEEK_SECONDS):
            await _hold_request(incoming, held)
        if _method(held) == "initialize":
            held.insert(0, held.pop())
    for frame in held:
        yield frame
    async for frame in incoming:
        yield frame


async def _hold_request(incoming: AsyncIterator[Frame], held: list[Frame]) -> None:
    """Append frames up to and including the next request."""
    async for frame in incoming:
        held.append(frame)
        if _method(held):
            return


def _method(held: list[Frame]) -> str:
    """The method of the last frame held, where that is a request."""
    match held[-1:]:
        case [SessionMessage(message=JSONRPCRequest(method=method))]:
            return method
        case _:
            return ""
