"""Tasks run one after the other: the sandbox made, the server started, the model let work."""

import json
import os
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters

from evals.checks import faults
from evals.conversation import Habits, Outcome, Person, converse
from evals.endpoint import Endpoint, EndpointError
from evals.report import Row
from evals.tasks import Task
from evals.world import World, prepare, sessions

# A client of a server for this task, on the sandbox in this file.
Connect: TypeAlias = Callable[[Task, Path], AbstractAsyncContextManager[Client]]


@dataclass(frozen=True)
class Place:
    """Where a task is done: what was in its sandbox before, the file, and the way to a server."""

    world: World
    database: Path
    connect: Connect


@asynccontextmanager
async def over_stdio(task: Task, database: Path) -> AsyncGenerator[Client]:
    """The real server, as hosts start it."""
    server = StdioServerParameters(
        command=sys.executable,
        args=[
            *("-m", "vapi_sessions_mcp", "--tool-names", "short", "--log-level", "error"),
            *("--sandbox", "--sandbox-db", str(database), "--sandbox-now", task.now.isoformat()),
            *task.options,
        ],
        env={n: value for n, value in os.environ.items() if not n.startswith("VAPI_")},
    )
    person = Person(task.person) if task.person else None
    async with Client(server, elicitation_callback=person) as client:
        yield client


async def run(
    tasks: list[Task],
    endpoint: Endpoint,
    *,
    habits: Habits,
    progress: Callable[[str], None],
    keep: Path | None = None,
    connect: Connect = over_stdio,
) -> list[Row]:
    """A row for each task; raises EndpointError for what would end every other task, too.

    Each conversation is written into the folder `keep`, where there is one.
    """
    rows: list[Row] = []
    for at, task in enumerate(tasks, start=1):
        with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            database = Path(folder) / "sandbox.db"
            world = await prepare(task, database)
            place = Place(world, database, connect)
            row, outcome = await attempt(task, endpoint, place, habits)
        if keep:
            text = json.dumps(outcome.history, indent=2, ensure_ascii=False)
            (keep / f"{task.name}.json").write_text(text, encoding="utf-8")
        progress(f"{at}/{len(tasks)} {row.line()}")
        rows.append(row)
    return rows


async def attempt(
    task: Task, endpoint: Endpoint, place: Place, habits: Habits
) -> tuple[Row, Outcome]:
    """One task, on a sandbox that was prepared."""
    outcome, failure = Outcome(), None
    async with place.connect(task, place.database) as client:
        try:
            await converse(client, endpoint, task, outcome, habits)
        except EndpointError as exc:
            failure = exc  # raised in here it would leave the client's task group as a group
    if failure and failure.lasting:
        raise failure
    found = faults(task, outcome, place.world, await sessions(place.database))
    row = Row(
        task=task.name,
        faults=(str(failure),) if failure else tuple(found),
        calls=tuple(result.call.tool for result in outcome.results),
        failed_calls=sum(result.failed for result in outcome.results),
        tokens_in=outcome.tokens_in,
        tokens_out=outcome.tokens_out,
    )
    return row, outcome
