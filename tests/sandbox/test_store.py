"""The sandbox's sessions last as long as its file, and no two changes share a moment."""

import gc
import sqlite3
from datetime import timedelta
from pathlib import Path

import anyio
import pytest

from support.sandbox import (
    NOW,
    SAMPLES,
    Vapi,
    Watched,
    connect,
    created,
    listed,
    stopped,
)
from vapi_sessions_mcp.sandbox import SandboxError, create_app

pytestmark = pytest.mark.anyio


async def test_no_two_changes_share_a_moment_though_the_clock_stands_still(vapi: Vapi) -> None:
    # Callers tell versions apart by updatedAt, also within one millisecond.
    first, second = await created(vapi), await created(vapi)
    assert first["createdAt"] == first["updatedAt"] == "2026-11-20T10:19:17.725Z"
    assert second["createdAt"] == second["updatedAt"] == "2026-11-20T10:19:17.726Z"
    seen = [first["updatedAt"], second["updatedAt"]]
    for session in (first, second) * 15:
        answer = await vapi.patch(f"/session/{session['id']}", json={})
        assert answer.json()["createdAt"] == session["createdAt"]
        seen.append(answer.json()["updatedAt"])
    assert seen == sorted(set(seen))


async def test_changes_bear_the_time_of_the_clock() -> None:
    # What was created an hour ago has to be found by "the last hour".
    moments = iter([NOW, NOW + timedelta(hours=5), NOW + timedelta(days=400)])
    async with connect(create_app(clock=lambda: next(moments))) as vapi:
        session = await created(vapi)
        assert session["createdAt"] == session["updatedAt"] == "2026-11-20T15:19:17.725Z"
        answer = await vapi.patch(f"/session/{session['id']}", json={})
        assert answer.json() == {**session, "updatedAt": "2027-12-25T10:19:17.725Z"}


async def test_a_clock_that_was_set_back_makes_no_change_look_older(tmp_path: Path) -> None:
    # A file may come from a machine whose clock is ahead.
    path = str(tmp_path / "sandbox.db")
    async with connect(create_app(path, clock=stopped)) as vapi:
        session = await created(vapi)
    async with connect(create_app(path, clock=lambda: NOW - timedelta(days=400))) as vapi:
        answer = await vapi.patch(f"/session/{session['id']}", json={})
        assert answer.json()["updatedAt"] == "2026-11-20T10:19:17.726Z"


async def test_a_file_is_given_its_samples_once(tmp_path: Path) -> None:
    # What somebody wrote down about a session of theirs is still so next week.
    path = str(tmp_path / "sandbox.db")
    later = NOW + timedelta(days=7)
    for clock in (stopped, lambda: later):
        async with connect(create_app(path, clock=clock)) as vapi:
            assert await listed(vapi, sortOrder="ASC") == SAMPLES


async def test_a_file_keeps_its_changes(tmp_path: Path) -> None:
    # A newcomer's own sessions are there after a restart, and deleted samples stay deleted.
    path = str(tmp_path / "sandbox.db")
    async with connect(create_app(path, clock=stopped)) as vapi:
        mine = await created(vapi, name="mine")
        await vapi.delete(f"/session/{SAMPLES[0]['id']}")
    async with connect(create_app(path, clock=stopped)) as vapi:
        assert await listed(vapi, sortOrder="ASC") == [*SAMPLES[1:], mine]


async def test_a_file_emptied_by_hand_stays_empty(tmp_path: Path) -> None:
    # Samples that return by themselves would make a cleared sandbox useless.
    path = str(tmp_path / "sandbox.db")
    async with connect(create_app(path, clock=stopped)) as vapi:
        for sample in SAMPLES:
            await vapi.delete(f"/session/{sample['id']}")
    async with connect(create_app(path, clock=stopped)) as vapi:
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


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
async def test_only_a_sandbox_that_was_read_from_serves_another_test(method: str) -> None:
    # Else a test could find what the one before it has written, and only in that order.
    sandbox = Watched()
    async with connect(sandbox) as vapi:
        await listed(vapi)
        assert sandbox.is_new
        # What is refused counts as a change, too: nobody has to think about what it left.
        await vapi.request(method, "/session/none", json={"name": 1})
        assert not sandbox.is_new
        await listed(vapi)
        assert not sandbox.is_new
