"""The Vapi that the settings ask for: the real one, or the sandbox in its place."""

from dataclasses import replace
from typing import TYPE_CHECKING

import httpx2

from vapi_sessions_mcp.cli.sandbox import Sandbox
from vapi_sessions_mcp.settings import Settings, SettingsError
from vapi_sessions_mcp.vapi.client import Vapi

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def choose(settings: Settings, sandbox: Sandbox | None) -> Vapi:
    """Vapi; with `sandbox` the stand-in takes its place, and its clock.

    Raises SettingsError when the database cannot be had.
    """
    if sandbox is None:
        return Vapi(settings)
    app, key = open_sandbox(sandbox)
    return Vapi(
        replace(settings, api_key=key, base_url="http://localhost"),
        transport=httpx2.ASGITransport(app),
        clock=sandbox.clock,
    )


def open_sandbox(sandbox: Sandbox) -> "tuple[ASGIApp, str]":
    """The stand-in, and its key; raises SettingsError like `choose`."""
    # 40 ms, and SQLite, that serving the real Vapi does without.
    from vapi_sessions_mcp.sandbox import SANDBOX_KEY, SandboxError, create_app

    try:
        return create_app(sandbox.database, clock=sandbox.clock), SANDBOX_KEY
    except SandboxError as exc:
        raise SettingsError(str(exc)) from exc
