"""Where the sandbox keeps its sessions: in memory or in a file of its own."""

import gc
import sqlite3
from pathlib import Path

import anyio
import pytest

from support.sandbox_calls import SAMPLES, Vapi, connect, created, listed
from vapi_sessions_mcp.sandbox import SandboxError, create_app

pytestmark = pytest.mark.anyio


async def test_a_file_keeps_its_changes(tmp_path: Path) -> None:
    # A newcomer's own sessions are there after a restart, and deleted samples stay deleted.
    path = str(tmp_path / "sandbox.db")
    async with connect(create_app(path)) as vapi:
        mine = await created(vapi, name="mine")
        await vapi.delete(f"/session/{SAMPLES[0]['id']}")
    async with connect(create_app(path)) as vapi:
        assert await listed(vapi, sortOrder="ASC") == [*SAMPLES[1:], mine]


async def test_a_file_emptied_by_hand_stays_empty(tmp_path: Path) -> None:
    # Samples that return by themselves would make a cleared sandbox useless.
    path = str(tmp_path / "sandbox.db")
    async with connect(create_app(path)) as vapi:
        for sample in SAMPLES:
            await vapi.delete(f"/session/{sample['id']}")
    async with connect(create_app(path)) as vapi:
        assert await listed(vapi) == []


async def test_two_sandboxes_in_memory_share_nothing(vapi: Vapi) -> None:
    # Tests run next to each other must not see each other's sessions.
    await created(vapi, name="only here")
    async with connect(create_app()) as other:
        assert await listed(other, name="only here") == []


async def test_two_sandboxes_on_one_file_share_it(tmp_path: Path) -> None:
    # Two replicas of a stand-in must see each other's writes, and lose none.
    path = str(tmp_path / "sandbox.db")
    async with connect(create_app(path)) as one, connect(create_app(path)) as two:
        session = await created(one, name="shared")
        assert (await two.get(f"/session/{session['id']}")).json() == session


def test_a_file_that_is_no_database_is_named_and_left_alone(tmp_path: Path) -> None:
    # A wrong path must be told in one sentence, not as a trace, and never overwritten.
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but somebody's notes\n" * 50)
    with pytest.raises(SandboxError, match=r"notes\.txt.*not a database"):
        create_app(str(path))
    assert path.read_text() == "not a database, but somebody's notes\n" * 50


@pytest.mark.parametrize("path", ["no/such/folder/x.db", ".", "nul\0byte.db"])
def test_a_path_that_cannot_be_opened_is_named(path: str) -> None:
    # The message is all the user of the command sees.
    with pytest.raises(SandboxError, match="Cannot keep the sandbox's sessions in"):
        create_app(path)


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    # The user may well have given the wrong file: it must stay as it was, byte for byte.
    path = tmp_path / "accounts.db"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE sessions (token TEXT)")
    database.commit()
    database.close()
    before = path.read_bytes()
    with pytest.raises(SandboxError, match=r"accounts\.db.*something else"):
        create_app(str(path))
    assert path.read_bytes() == before


async def test_shutdown_closes_the_database(tmp_path: Path) -> None:
    # An open file cannot be removed on Windows, nor its changes trusted elsewhere.
    app = create_app(str(tmp_path / "sandbox.db"))
    async with connect(app) as vapi:
        async with app.router.lifespan_context(app):
            assert len(await listed(vapi)) == 60
        with pytest.raises(sqlite3.ProgrammingError):
            await vapi.get("/session")


def test_a_forgotten_sandbox_closes_itself() -> None:
    # No lifespan runs in memory; warnings are errors here, so a leak would fail.
    create_app()
    gc.collect()


async def test_concurrent_writes_all_arrive(vapi: Vapi) -> None:
    # An agent calls several tools at once.
    session = await created(vapi, name="busy")
    seen: list[str] = []

    async def patch() -> None:
        answer = await vapi.patch(f"/session/{session['id']}", json={"status": "completed"})
        seen.append(answer.json()["updatedAt"])

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            for number in range(40):
                group.start_soon(patch)
                group.start_soon(lambda n=number: created(vapi, name=f"s{n}"))
    assert len(set(seen)) == 40
    assert len(await listed(vapi)) == 101
