"""The sandbox as its tests drive it: at one moment, with the samples as they are then."""

from datetime import UTC, datetime
from typing import Any, TypeAlias

import httpx2
from starlette.types import ASGIApp, Receive, Scope, Send

from vapi_sessions_mcp.sandbox import SANDBOX_KEY, create_app
from vapi_sessions_mcp.sandbox.samples import sample_sessions

Sample: TypeAlias = dict[str, Any]
Vapi: TypeAlias = httpx2.AsyncClient

NOW = datetime(2026, 11, 20, 10, 19, 17, 725_000, tzinfo=UTC)
SAMPLES = sample_sessions(NOW)
NOBODY = "00000000-0000-4000-8000-000000000000"
MAYA = "+14155550123"


def stopped() -> datetime:
    """A clock that stands still at `NOW`."""
    return NOW


class Watched:
    """A sandbox at `NOW` that knows whether it was ever asked for more than to read."""

    def __init__(self) -> None:
        self.app = create_app(clock=stopped)
        self.is_new = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.is_new &= scope["method"] == "GET"
        await self.app(scope, receive, send)


def connect(app: ASGIApp, *, key: str = SANDBOX_KEY) -> Vapi:
    """A client of a sandbox, which need not be closed."""
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app),
        base_url="http://sandbox",
        headers={"Authorization": f"Bearer {key}"},
    )


async def listed(vapi: Vapi, **query: Any) -> list[Sample]:
    """The sessions that a query finds."""
    answer = await vapi.get("/session", params={"limit": 1000, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


async def refused(vapi: Vapi, **query: Any) -> list[str]:
    """Why a query is refused."""
    answer = await vapi.get("/session", params=query)
    assert answer.status_code == 400
    assert answer.json()["error"] == "Bad Request"
    assert answer.json()["statusCode"] == 400
    return answer.json()["message"]


async def created(vapi: Vapi, **fields: Any) -> Sample:
    """A new session."""
    answer = await vapi.post("/session", json=fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def faults(vapi: Vapi, body: Any) -> list[str]:
    """Why a new session is refused."""
    answer = await vapi.post("/session", json=body)
    assert answer.status_code == 400, answer.text
    return answer.json()["message"]


def customer(sample: Sample) -> dict[str, Any]:
    """Who spoke, if that is known."""
    return sample.get("customer") or {}


def ids(samples: list[Sample]) -> list[str]:
    """The ids of sessions, in their order."""
    return [sample["id"] for sample in samples]
