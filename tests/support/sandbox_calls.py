"""Requests to a sandbox in this process, and what it answers."""

from typing import Any

import httpx2
from starlette.applications import Starlette

from vapi_sessions_mcp.sandbox import SANDBOX_KEY
from vapi_sessions_mcp.sandbox.samples import sample_sessions

SAMPLES = sample_sessions()
NOBODY = "00000000-0000-4000-8000-000000000000"
Sample = dict[str, Any]
Vapi = httpx2.AsyncClient


def connect(app: Starlette, *, key: str = SANDBOX_KEY) -> Vapi:
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app),
        base_url="http://sandbox",
        headers={"Authorization": f"Bearer {key}"},
    )


async def listed(vapi: Vapi, **query: Any) -> list[Sample]:
    answer = await vapi.get("/session", params={"limit": 1000, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


async def created(vapi: Vapi, **fields: Any) -> Sample:
    answer = await vapi.post("/session", json=fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


def customer(sample: Sample) -> dict[str, Any]:
    return sample.get("customer") or {}


def ids(samples: list[Sample]) -> list[str]:
    return [sample["id"] for sample in samples]


MAYA = "+14155550123"
