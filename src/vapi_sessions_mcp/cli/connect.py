"""The Vapi that the settings ask for: the real one, or the sandbox in its place."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

from vapi_sessions_mcp.settings import Settings, SettingsError
from vapi_sessions_mcp.vapi.client import Vapi

if TYPE_CHECKING:
    from starlette.types import ASGIApp

IN_MEMORY = ":memory:"


def choose(settings: Settings) -> Vapi:
    """Vapi, or with `--sandbox` the stand-in.

    Raises SettingsError when the sandbox's database cannot be used.
    """
    if not settings.sandbox:
        return Vapi(settings)
    app, key = open_sandbox(settings.sandbox_db)
    return Vapi(
        replace(settings, api_key=key, base_url="http://localhost"),
        transport=httpx2.ASGITransport(app),
    )


def open_sandbox(database: Path | None) -> "tuple[ASGIApp, str]":
    """The stand-in on a database file or in memory, and its key; raises like `choose`."""
    # 40 ms, and SQLite, that serving the real Vapi does without.
    from vapi_sessions_mcp.sandbox import SANDBOX_KEY, SandboxError, create_app

    try:
        return create_app(str(database or IN_MEMORY)), SANDBOX_KEY
    except SandboxError as exc:
        raise SettingsError(str(exc)) from exc
