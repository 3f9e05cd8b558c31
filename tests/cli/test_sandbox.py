"""`--sandbox-now`: the sandbox at a moment that somebody chose, the same on any day."""

import json
from pathlib import Path

import httpx2
import pytest

from support.command import Run
from support.processes import started, url_in
from support.sandbox import MAYA
from support.stdio_calls import call
from support.tools import CREATE

LEAP_DAY = "2028-02-29T00:30:00Z"
NOTHING = '{"body": {}}'
AT_LEAP_DAY = ("--sandbox", "--sandbox-now", LEAP_DAY)


def test_what_the_sandbox_answers_at_a_moment_is_always_the_same(run: Run) -> None:
    # Documentation shows it, and must still be right when it is read.
    first, second = (run(*AT_LEAP_DAY, "call", "list_sessions", "--limit", "1") for _ in range(2))
    assert first == second
    [newest] = json.loads(first.out)["results"]
    assert newest["createdAt"] == "2028-02-28T23:30:00.000Z"


@pytest.mark.parametrize("moment", ["2028-02-29T05:30+05:00", "2028-02-29 00:30", "20280229T0030Z"])
def test_a_moment_without_a_zone_is_in_utc(run: Run, moment: str) -> None:
    # People write it in several ways, and the answer must not depend on where the machine is.
    given = ("call", "list_sessions", "--limit", "1")
    expected = run(*AT_LEAP_DAY, *given)
    assert run("--sandbox", "--sandbox-now", moment, *given) == expected
    assert run("--sandbox", *given, VAPI_MCP_SANDBOX_NOW=moment) == expected


def test_what_maya_told_us_yesterday_is_found_on_any_day(run: Run) -> None:
    # It is the question that the README begins with.
    asked = {"number": MAYA, "createdAtGe": "2028-02-28", "createdAtLt": "2028-02-29"}
    page = json.loads(run(*AT_LEAP_DAY, "call", "list_sessions", json.dumps(asked)).out)
    assert [row["name"] for row in page["results"]] == [
        "Voicemail for Maya",
        "Order JP-20455: parcel status",
    ]


def test_sessions_expire_by_the_moment_and_not_by_the_machine_s_clock(
    run: Run, tmp_path: Path
) -> None:
    # A note that depends on the day makes each example of it wrong on the next.
    file = str(tmp_path / "sandbox.db")
    made = run(*AT_LEAP_DAY, "--sandbox-db", file, "call", "create_session", NOTHING)
    id = json.loads(made.out)["id"]

    def note(moment: str) -> str:
        at = ("--sandbox", "--sandbox-db", file, "--sandbox-now", moment)
        return run(*at, "call", "get_session", "--id", id, "--view", "summary").err

    assert note(LEAP_DAY) == note("2028-03-01T00:29:59Z") == note("2020-01-01") == ""
    expired = "note: By estimate (last update plus lifetime) it expired about 2028-03-01 00:30 UTC"
    assert note("2028-03-01T00:30:00Z").startswith(expired)
    assert note("2999-12-31").startswith(expired)


def test_each_call_at_a_moment_is_a_little_later_than_the_one_before(
    run: Run, tmp_path: Path
) -> None:
    # The clock stands still, but what was done first has to stay first.
    before = (*AT_LEAP_DAY, "--sandbox-db", str(tmp_path / "sandbox.db"), "call")
    stamps = [
        json.loads(run(*before, "create_session", NOTHING).out)["createdAt"] for _ in range(3)
    ]
    assert stamps == [f"2028-02-29T00:30:00.00{n}Z" for n in range(3)]


@pytest.mark.anyio
async def test_a_server_s_sandbox_stands_at_the_moment() -> None:
    # A recorded session with an agent looks the same when it is recorded again.
    async with started(*AT_LEAP_DAY) as running:
        await running.send(call(1, CREATE, body={}))
        made = (await running.receive())["result"]["structuredContent"]
        assert made["createdAt"] == made["updatedAt"] == "2028-02-29T00:30:00.000Z"
        await running.end_input()
        assert await running.ended() == 0


@pytest.mark.anyio
async def test_the_sandbox_served_by_itself_stands_at_the_moment() -> None:
    # Tests of other clients need dates that they can write down.
    async with started("sandbox", "--port", "0", "--sandbox-now", LEAP_DAY) as running:
        line = await running.told("Vapi sandbox at ")
        key = line.partition("API key ")[2].partition(";")[0]
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(base_url=url_in(line), headers=headers) as client:
            [newest] = (await client.get("/session?limit=1")).json()["results"]
            assert newest["createdAt"] == "2028-02-28T23:30:00.000Z"


def test_the_demo_can_be_given_at_the_moment(run: Run) -> None:
    # What it prints is quoted.
    ended = run("demo", "--sandbox-now", LEAP_DAY)
    assert (ended.code, ended.err) == (0, "")
    assert "    2028-02-28T19:30  active  Voicemail for Maya\n" in ended.out
    assert "    2028-02-28T00:30  active  Order JP-20455: parcel status\n" in ended.out
