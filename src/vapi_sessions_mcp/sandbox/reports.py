"""Reports of changes, as Vapi sends them to an assistant's server: each once, to one URL."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2

from vapi_sessions_mcp.sandbox.clock import EPOCH, MILLISECOND, Clock

# What each call reports.
TYPES = {"POST": "session.created", "PATCH": "session.updated", "DELETE": "session.deleted"}
# Vapi's own.
TIMEOUT_SECONDS = 20.0

Report = Callable[[str, dict[str, Any]], Awaitable[None]]

_LOG = logging.getLogger("vapi_sessions_mcp.sandbox")


async def nobody(type: str, session: dict[str, Any]) -> None:
    """Report to nobody."""


def reporter(
    url: str, secret: str, clock: Clock, transport: httpx2.AsyncBaseTransport | None = None
) -> Report:
    """What posts a change to `url`, with the bearer token `secret`; one that fails is logged."""

    async def report(type: str, session: dict[str, Any]) -> None:
        timestamp = (clock() - EPOCH) // MILLISECOND
        message = {"message": {"type": type, "timestamp": timestamp, "session": session}}
        headers = {"Authorization": f"Bearer {secret}"}
        try:
            async with httpx2.AsyncClient(
                transport=transport, timeout=TIMEOUT_SECONDS, trust_env=False
            ) as client:
                answer = await client.post(url, json=message, headers=headers)
        except httpx2.RequestError as exc:
            _LOG.warning("%s of a session was not reported: %s", type, exc.__class__.__name__)
            return
        if not answer.is_success:
            _LOG.warning("%s of a session was answered %d", type, answer.status_code)

    return report
