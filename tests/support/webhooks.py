"""Server messages as Vapi posts them, and the ways in which it shows who it is."""

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio

from vapi_sessions_mcp.settings import Settings

PATH = "/webhooks/vapi"
SECRET = "webhook-secret-0123456789abcdef"
NOW = datetime(2026, 11, 20, 10, 19, 17, tzinfo=UTC)
JSON = ("Content-Type", "application/json")

Fields = list[tuple[str, str]]


class Clock:
    """A clock that goes on when a test says so."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def wait(self, **time: float) -> None:
        """Let time pass."""
        self.now += timedelta(**time)


def taking(**given: Any) -> Settings:
    """Settings of a server that takes webhooks."""
    usual: dict[str, Any] = {
        "api_key": "key-0123456789abcdef",
        "transports": ("http",),
        "webhooks": True,
        "webhook_secrets": (SECRET,),
    }
    return Settings(**(usual | given))


def report(type: str = "session.updated", id: Any = "s-1", **session: Any) -> dict[str, Any]:
    """What Vapi says of a session."""
    about = {"id": id, "updatedAt": "2026-11-20T10:19:17.000Z", **session}
    return {"message": {"type": type, "timestamp": 1_795_000_000_000, "session": about}}


def posted(*given: Any, **session: Any) -> bytes:
    """The body of such a report."""
    return json.dumps(report(*given, **session)).encode()


def bearer(secret: str = SECRET) -> Fields:
    """What Vapi shows with a Bearer Token credential, and the type of the body."""
    return [JSON, ("Authorization", f"Bearer {secret}")]


def signature(
    body: bytes,
    time: str,
    *,
    secret: str = SECRET,
    algorithm: str = "sha256",
    encoding: str = "hex",
    payload: str = "{timestamp}.{body}",
) -> str:
    """What Vapi signs a body with; written anew here, by Vapi's documentation."""
    parts = {"timestamp": time.encode(), "body": body}
    signed = b""
    for piece in payload.replace("}", "{").split("{"):
        signed += parts.get(piece, piece.encode())
    digest = hmac.new(secret.encode(), signed, getattr(hashlib, algorithm)).digest()
    return digest.hex() if encoding == "hex" else b64encode(digest).decode()


def seconds(moment: datetime = NOW) -> str:
    """A time as a signature has it."""
    return str(int(moment.timestamp()))


def signed(body: bytes, moment: datetime = NOW, **how: Any) -> Fields:
    """The headers of a signed body."""
    time = seconds(moment)
    return [JSON, ("x-signature", signature(body, time, **how)), ("x-timestamp", time)]


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what other processes bring; whoever calls this bounds it."""
    while True:
        if holds():
            return
        await anyio.sleep(0.01)
