"""`doctor` as a process of its own: with a Vapi, without a file, and without a package."""

import subprocess
from datetime import UTC, datetime
from email.utils import format_datetime

import anyio.to_thread
import pytest

from support.checked import Checks, checked
from support.command import Ended
from support.faulty_vapi import FaultyVapi, reply
from support.processes import COMMAND, environment

KEY = "key-0123456789abcdef"


def doctor(*options: str, **env: str) -> Ended:
    ended = subprocess.run(
        [*COMMAND, *options],
        env=environment(**env),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def examined(*options: str, **env: str) -> Checks:
    return checked(doctor(*options, "doctor", "--json", **env))


@pytest.mark.anyio
@pytest.mark.clock
async def test_all_is_well_where_vapi_answers() -> None:
    # Then what is wrong is in the host, and not here.
    now = format_datetime(datetime.now(UTC), usegmt=True)
    async with FaultyVapi(otherwise=reply(date=now)) as vapi:
        ended = await anyio.to_thread.run_sync(
            lambda: doctor("doctor", "--json", VAPI_API_KEY=KEY, VAPI_BASE_URL=vapi.url)
        )
    assert KEY not in ended.out + ended.err
    assert [seen.path for seen in vapi.requests] == ["/session?limit=1"]
    checks = checked(ended)
    assert {name: ok for name, (ok, _) in checks.items()} == dict.fromkeys(checks, True)
    assert checks["key"] == (True, f"set, {len(KEY)} characters")
    assert checks["Vapi"][1].startswith("answered 200 in ")
    assert checks["clock"] == (True, "within 30 s of Vapi's")
    assert "2026-07-28, 2025-11-25, 2025-06-18" in checks["version"][1]


def test_settings_that_cannot_be_used_are_a_check_that_failed() -> None:
    # A program that reads JSON gets JSON.
    checks = examined(VAPI_API_KEY_FILE="no-such-file")
    assert checks["settings"][0] is False
    assert "no-such-file" in checks["settings"][1]


@pytest.mark.measured
@pytest.mark.parametrize(
    ("options", "env"),
    [
        ((), {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}),
        (("--transport", "http", "--metrics", "9464"), {}),
    ],
)
def test_telemetry_without_its_extra_is_a_check_that_failed(
    options: tuple[str, ...], env: dict[str, str], without_extra: dict[str, str]
) -> None:
    # A server would say so in one line of its log, which a host shows to nobody.
    checks = examined("--sandbox", *options, **env, **without_extra)
    assert checks["telemetry"] == (
        False,
        "the extra otel is missing: pip install 'vapi-sessions-mcp[otel]'.",
    )
    assert not {"/metrics", "spans", "metrics"} & checks.keys()
