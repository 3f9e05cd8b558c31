"""The Vapi that the settings ask for: the real one, or the sandbox in its place."""

from dataclasses import replace
from typing import TYPE_CHECKING

import httpx2

from vapi_sessions_mcp.settings import Settings, SettingsError
from vapi_sessions_mcp.vapi.client import Vapi

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def connect(settings: Settings, sandbox: str | None) -> tuple[Settings, Vapi]:
    """Vapi and the settings to use it with; with `sandbox`, a database file, the stand-in.

    Raises SettingsError when the database cannot be had.
    """
    if sandbox is None:
        return settings, Vapi(settings)
    app, key = open_sandbox(sandbox)
    settings = replace(settings, api_key=key, base_url="http://localhost")
    return settings, Vapi(settings, transport=httpx2.ASGITransport(app))


def open_sandbox(database: str) -> "tuple[ASGIApp, str]":
    """The stand-in on a database file, and its key; raises SettingsError like `connect`."""
    # 40 ms, and SQLite, that serving the real Vapi does without.
    from vapi_sessions_mcp.sandbox import SANDBOX_KEY, SandboxError, create_app

    try:
        return create_app(database), SANDBOX_KEY
    except SandboxError as exc:
        raise SettingsError(str(exc)) from exc
