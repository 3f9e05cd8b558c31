"""The suite can be run as of another day, and then all of its processes live on that day."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.processes import COMMAND, environment

TESTS = Path(__file__).parents[1]
ASK = [sys.executable, "-c", "import datetime as d; print(d.datetime.now(d.UTC).isoformat())"]


def output(*command: str, **env: str) -> str:
    """What a command prints."""
    done = subprocess.run(
        command, env=environment(**env), capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()


@pytest.mark.clock
def test_the_processes_that_tests_start_have_the_time_of_the_tests() -> None:
    # Else a server would be checked today, whatever day the suite was to run on.
    there = datetime.fromisoformat(output(*ASK))
    assert abs(there - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize("day", ["2028-02-29", "2031-12-31T23:59", "2037-06-01"])
def test_a_process_can_be_started_on_another_day(day: str) -> None:
    # `scripts/check` runs the suite so, and would prove nothing if it changed nothing.
    path = str(TESTS / "support" / "other_day")
    kept = {name: value for name, value in os.environ.items() if name != "AS_OF_AHEAD"}
    script = f"import subprocess; subprocess.run({ASK!r}, check=True)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**kept, "AS_OF": day, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    there = datetime.fromisoformat(done.stdout.strip())
    begun = datetime.fromisoformat(day).replace(tzinfo=UTC)
    assert begun <= there < begun + timedelta(minutes=1)


def test_the_suite_refuses_to_run_on_a_day_that_it_is_not() -> None:
    # An error in the module that Python imports by itself stops nothing.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", str(TESTS / "test_json_text.py")],
        env={**kept, "AS_OF": "2028-02-29"},
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 4
    assert "It is not 2028-02-29: put tests/support/other_day on PYTHONPATH." in done.stderr


@pytest.mark.clock
def test_the_command_lives_on_the_day_of_the_tests() -> None:
    # What reads the clock is the real command, in a process of its own.
    said = output(*COMMAND, "--sandbox", "call", "list_sessions", "--limit", "1")
    newest = datetime.fromisoformat(said.partition('"createdAt":"')[2].partition('"')[0])
    ago = datetime.now(UTC) - newest
    assert timedelta(hours=1) <= ago < timedelta(hours=1, minutes=1)
