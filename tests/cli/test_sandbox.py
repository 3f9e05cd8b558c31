"""`--sandbox-now`: the sandbox at a moment that somebody chose, the same on any day."""

import json
from pathlib import Path

import pytest

from support.command import Run
from support.sandbox import MAYA

pytestmark = pytest.mark.clock

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
