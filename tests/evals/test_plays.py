"""The checks of the tasks, tried on models that do well and on models that do badly."""

import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import fields
from pathlib import Path

import httpx2
import pytest
from mcp import Client

from evals.conversation import Habits, Person
from evals.dialects import DIALECTS
from evals.endpoint import Endpoint, EndpointError
from evals.plays import Call, Play
from evals.plays import load as load_plays
from evals.report import Row
from evals.runs import Place, attempt
from evals.tasks import Task
from evals.tasks import load as load_tasks
from evals.world import World, prepare
from support.scripted_model import KEY, MODEL, TOKENS_IN, TOKENS_OUT, scripted
from vapi_sessions_mcp.cli.connect import connect
from vapi_sessions_mcp.cli.main import command
from vapi_sessions_mcp.mcp_server.server import build_server
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.settings import Settings

pytestmark = pytest.mark.unmeasured

TASKS = {task.name: task for task in load_tasks()}
PLAYS = load_plays()
FIELDS = {field.name for field in fields(Settings)}


@asynccontextmanager
async def in_memory(task: Task, database: Path) -> AsyncGenerator[Client]:
    """The server of the task in this process, from the options that it would be started with."""
    options = ["--tool-names", "short", "--sandbox", "--sandbox-db", str(database)]
    options += ["--sandbox-now", task.now.isoformat(), *task.options]
    given = command.make_context("vapi-sessions-mcp", options).params
    settings, vapi = connect(Settings(**{k: v for k, v in given.items() if k in FIELDS}))
    person = Person(task.person) if task.person else None
    server = build_server(Sessions(vapi, settings), settings)
    async with Client(server, elicitation_callback=person) as client:
        yield client


class Prepared:
    """The sandbox of each task, made once and copied for each play."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._worlds: dict[str, World] = {}

    async def place(self, task: Task) -> Place:
        made = self._folder / f"{task.name}.db"
        if task.name not in self._worlds:
            self._worlds[task.name] = await prepare(task, made)
        copy = self._folder / "copy.db"
        shutil.copyfile(made, copy)
        return Place(self._worlds[task.name], copy, in_memory)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return Prepared(tmp_path_factory.mktemp("sandboxes"))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("play", "api"),
    [(play, list(DIALECTS)[place % 2]) for place, play in enumerate(PLAYS)],
    ids=[f"{play.task}-{play.fault[:24] or 'good'}" for play in PLAYS],
)
async def test_a_check_passes_what_is_good_and_says_what_is_bad(
    play: Play, api: str, prepared: Prepared
) -> None:
    # A check that fails good work, or passes bad work, measures nothing.
    task = TASKS[play.task]
    place = await prepared.place(task)
    transport = httpx2.ASGITransport(scripted([task], [play]))
    base_url = "http://localhost" + ("/v1" if api == "openai" else "")
    endpoint = Endpoint(DIALECTS[api], base_url, MODEL, KEY, transport=transport)
    row, outcome = await attempt(task, endpoint, place, Habits())
    if play.fault:
        assert not row.passed
        assert play.fault in "; ".join(row.faults)
    else:
        assert row.faults == ()
    assert row.calls == tuple(tool for turn in play.turns for tool, _ in turn)
    turns = len(play.turns) + 1
    assert outcome.answer == play.answer.strip()
    assert (row.tokens_in, row.tokens_out) == (TOKENS_IN * turns, TOKENS_OUT * turns)


async def attempted(
    prepared: Prepared, transport: httpx2.AsyncBaseTransport, turns: int = 10
) -> Row:
    """The first play of a task, at another endpoint or with other limits."""
    task = TASKS["injection"]
    place = await prepared.place(task)
    endpoint = Endpoint(DIALECTS["openai"], "http://localhost/v1", MODEL, KEY, transport=transport)
    row, _ = await attempt(task, endpoint, place, Habits(turns))
    return row


@pytest.mark.anyio
async def test_who_comes_to_no_answer_has_failed(prepared: Prepared) -> None:
    # A model that calls tools for ever must come to an end, and not as a success.
    transport = httpx2.ASGITransport(scripted([TASKS["injection"]], PLAYS))
    row = await attempted(prepared, transport, turns=2)
    assert row.faults == ("it gave no final answer",)
    assert len(row.calls) == 2


@pytest.mark.anyio
async def test_only_what_every_task_would_meet_ends_the_run(prepared: Prepared) -> None:
    # One conversation that is too long must not cost the results of nineteen others.
    row = await attempted(prepared, httpx2.MockTransport(lambda request: httpx2.Response(400)))
    assert row.faults == ("localhost answered 400 Bad Request.",)
    with pytest.raises(EndpointError, match="does not accept the key"):
        await attempted(prepared, httpx2.MockTransport(lambda request: httpx2.Response(401)))


@pytest.mark.anyio
async def test_a_call_that_cannot_be_made_is_an_error_for_the_model(prepared: Prepared) -> None:
    # Models invent tools, and go on from what they are answered.
    calls: tuple[tuple[Call, ...], ...] = (
        (("erase_everything", {}),),
        (("get_session", {"id": "no id"}),),
    )
    play = Play("injection", calls, "Mango's wing: Saturday.", "")
    transport = httpx2.ASGITransport(scripted([TASKS["injection"]], [play]))
    row = await attempted(prepared, transport)
    assert row.faults == ()
    assert row.failed_calls == 2


def test_there_are_twenty_tasks_and_each_is_played_well_and_badly() -> None:
    # A task that nobody played is one whose check was never seen to work.
    assert len(TASKS) == 20
    assert {play.task for play in PLAYS if not play.fault} == TASKS.keys()
    assert {play.task for play in PLAYS if play.fault} == TASKS.keys()
