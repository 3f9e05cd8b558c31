"""The Vapi that the settings ask for: the real one, or the sandbox in its place."""

import logging
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2

from vapi_sessions_mcp.caller import CallRecord
from vapi_sessions_mcp.clock import Clock, real, stopped_at
from vapi_sessions_mcp.contract.operations import Operation
from vapi_sessions_mcp.contract.requests import Request
from vapi_sessions_mcp.errors import NotConfigured
from vapi_sessions_mcp.settings import Settings, SettingsError
from vapi_sessions_mcp.telemetry.report import OFF, Telemetry
from vapi_sessions_mcp.vapi.client import Vapi

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_LOG = logging.getLogger("vapi_sessions_mcp.start")
IN_MEMORY = ":memory:"


def connect(
    settings: Settings, *, begun: bool = False, telemetry: Telemetry = OFF
) -> tuple[Settings, Vapi]:
    """Vapi, or with `--sandbox` the stand-in, and the settings to use it with.

    Raises SettingsError when the sandbox's database, a proxy or certificates cannot be
    used. In a conversation that was `begun` each call says so instead.
    """
    if not settings.sandbox:
        try:
            return settings, Vapi(settings, telemetry=telemetry)
        except SettingsError as exc:
            if not begun:
                raise
            _LOG.error("%s", exc)
            return settings, _Unusable(settings, str(exc))
    clock = sandbox_clock(settings.sandbox_now)
    app, key = open_sandbox(settings.sandbox_db, clock)
    settings = replace(settings, api_key=key, base_url="http://localhost")
    transport = httpx2.ASGITransport(app)
    return settings, Vapi(settings, transport=transport, clock=clock, telemetry=telemetry)


class _Unusable(Vapi):
    """A Vapi that cannot be called, and says at each call why."""

    def __init__(self, settings: Settings, reason: str) -> None:
        super().__init__(settings, transport=httpx2.AsyncBaseTransport())
        self._reason = reason

    async def call(
        self, operation: Operation, request: Request, record: CallRecord, *, once: bool = False
    ) -> dict[str, Any]:
        """Raise NotConfigured."""
        raise NotConfigured(f"{self._reason} Nothing was sent to Vapi.")


def sandbox_clock(now: datetime | None) -> Clock:
    """What time the sandbox has: with `now` its clock is stopped."""
    return real if now is None else stopped_at(now)


def open_sandbox(
    database: Path | None, clock: Clock, webhook: tuple[str, str] | None = None
) -> "tuple[ASGIApp, str]":
    """The stand-in on a database file or in memory, and its key; raises like `connect`.

    With a `webhook`, a URL and a secret, it reports each change there.
    """
    # 40 ms, and SQLite, that serving the real Vapi does without.
    from vapi_sessions_mcp.sandbox import SANDBOX_KEY, SandboxError, create_app
    from vapi_sessions_mcp.sandbox.reports import nobody, reporter

    report = reporter(*webhook, clock) if webhook else nobody
    try:
        app = create_app(str(database or IN_MEMORY), clock=clock, report=report)
        return app, SANDBOX_KEY
    except SandboxError as exc:
        raise SettingsError(str(exc)) from exc
