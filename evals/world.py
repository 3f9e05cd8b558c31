"""The sandbox of a task: a database file with its sessions, and what is in it at any time."""

from dataclasses import dataclass
from pathlib import Path

import httpx2

from evals.tasks import OPENED, Json, Task
from vapi_sessions_mcp.clock import stopped_at
from vapi_sessions_mcp.sandbox import SANDBOX_KEY, create_app


@dataclass(frozen=True)
class World:
    """What there was before a task began, by id; `labels` are ids of the task's own sessions."""

    before: dict[str, Json]
    labels: dict[str, str]


async def prepare(task: Task, database: Path) -> World:
    """Make the sandbox's file, with the samples and the sessions of the task."""
    labels: dict[str, str] = {}
    async with _open(database) as vapi:
        for extra in task.extras:
            for _ in range(extra.copies):
                made = await vapi.post("/session", json=extra.body())
                labels[extra.label] = made.raise_for_status().json()["id"]
    return World(await sessions(database), labels)


async def sessions(database: Path) -> dict[str, Json]:
    """Every session that is in the file, by id."""
    async with _open(database) as vapi:
        page = await vapi.get("/session", params={"limit": 1000})
    return {each["id"]: each for each in page.raise_for_status().json()["results"]}


def _open(database: Path) -> httpx2.AsyncClient:
    app = create_app(str(database), clock=stopped_at(OPENED))
    headers = {"Authorization": f"Bearer {SANDBOX_KEY}"}
    transport = httpx2.ASGITransport(app)
    return httpx2.AsyncClient(transport=transport, base_url="http://sandbox", headers=headers)
