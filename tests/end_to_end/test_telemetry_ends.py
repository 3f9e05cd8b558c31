"""A collector that is down, hangs or refuses keeps nobody waiting; what cannot be had is said."""

import signal
import socket
import subprocess
from contextlib import closing

import anyio
import pytest

from support.collector import Collector
from support.faulty_vapi import FaultyVapi
from support.processes import COMMAND, PATIENCE, environment, started
from support.stdio_calls import call
from support.tools import GET
from vapi_sessions_mcp.telemetry.variables import CHOSEN_HERE

pytestmark = pytest.mark.anyio

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
KEY = "key-0123456789abcdef"
# Sends at once what it has, so that the collector is already silent while calls go on.
EAGER = {"OTEL_BSP_SCHEDULE_DELAY": "10", "OTEL_METRIC_EXPORT_INTERVAL": "10"}
# The exporter's own, in seconds: it gives up at once, or later than a test may take.
BRIEF = {"OTEL_EXPORTER_OTLP_TIMEOUT": "0.1"}
UNENDING = {"OTEL_EXPORTER_OTLP_TIMEOUT": "600"}

UNSENT = "could not be sent"
NOT_SENT = "spans could not be sent to where OTEL_EXPORTER_OTLP_ENDPOINT points"


async def serves_and_ends(vapi: FaultyVapi, *lines: str, **env: str) -> str:
    """The log of a server that answers calls, says each of `lines`, and ends by a signal."""
    given = {"VAPI_BASE_URL": vapi.url, "VAPI_API_KEY": KEY, **EAGER, **env}
    async with started(**given) as running:
        for number in range(3):
            await running.send(call(number, GET, id="s-1"))
            answer = await running.receive()
            assert answer["result"]["structuredContent"]["id"] == "s-1"
        said = [await running.told(line) for line in lines]
        running.signal(signal.SIGTERM)
        assert await running.ended() == 0
        return "\n".join([*said, (await running.rest())[1]])


async def test_a_collector_that_hangs_delays_neither_calls_nor_the_end() -> None:
    # It is down when everything is down, and that is when a server has to go on.
    with Collector(then=None).listening() as collector:
        async with (
            FaultyVapi() as vapi,
            started(
                VAPI_BASE_URL=vapi.url,
                VAPI_API_KEY=KEY,
                **EAGER,
                **UNENDING,
                **{ENDPOINT: collector.url},
            ) as running,
        ):
            await running.send(call(1, GET, id="s-1"))
            await running.receive()
            assert await anyio.to_thread.run_sync(collector.asked.wait, PATIENCE)
            await running.send(call(2, GET, id="s-1"))
            assert (await running.receive())["id"] == 2
            await running.end_input()
            assert await running.ended() == 0
            assert "Traceback" not in (await running.rest())[1]
        assert collector.bodies


@pytest.mark.measured
async def test_a_collector_that_is_not_there_or_refuses_is_one_line_without_its_words() -> None:
    # It is tried every few seconds, and nobody needs to read that as often. What it answers can
    # be anything, and so can the headers that it refuses.
    with closing(socket.create_server(("127.0.0.1", 0))) as nobody:
        port = nobody.getsockname()[1]
    with Collector(then=401).listening() as collector:
        async with FaultyVapi() as vapi:
            log = await serves_and_ends(
                vapi,
                *[UNSENT] * 2,
                OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"http://127.0.0.1:{port}/v1/traces",
                OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=f"{collector.url}/v1/metrics",
                **BRIEF,
            )
    assert {path for path, _ in collector.bodies} == {"/v1/metrics"}
    said = [line for line in log.splitlines() if ".calls: " not in line]
    said = [line for line in said if "Shutting down" not in line]
    metrics, spans = sorted(said, key=lambda line: NOT_SENT in line)
    assert spans.endswith(NOT_SENT)
    assert "WARNING vapi_sessions_mcp.telemetry: metrics could not be sent" in metrics
    assert "opentelemetry" not in log


async def test_what_cannot_work_is_in_the_log_as_well() -> None:
    # OpenTelemetry's own words about it are left out, so that ours have to be there.
    async with FaultyVapi() as vapi:
        log = await serves_and_ends(
            vapi,
            *[UNSENT] * 2,
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="collector:4318",
            OTEL_EXPORTER_OTLP_METRICS_ENDPOINT="https://127.0.0.1:9",
            OTEL_EXPORTER_OTLP_CERTIFICATE="/no/such/file",
            **BRIEF,
        )
    assert log.count(NOT_SENT) == 1
    assert log.count("metrics could not be sent") == 1
    assert "Traceback" not in log


async def test_what_was_measured_last_is_sent_at_the_end() -> None:
    # Most servers over stdio live shorter than the interval in which metrics are sent.
    with Collector().listening() as collector:
        async with FaultyVapi() as vapi:
            env = {"OTEL_BSP_SCHEDULE_DELAY": "600000", "OTEL_METRIC_EXPORT_INTERVAL": "600000"}
            env["OTEL_EXPORTER_OTLP_COMPRESSION"] = "gzip"
            await serves_and_ends(vapi, **{ENDPOINT: collector.url}, **env)
    assert [span.name for span in collector.spans].count("GET /session/{id}") == 3
    assert collector.points("vapi_sessions.call.duration") == [({"tool": "get_session"}, 3)]


def ended(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """What becomes of a server whose input ends at once."""
    return subprocess.run(
        [*COMMAND, *(arguments or ("--no-prelude",))],
        env=environment(VAPI_API_KEY=KEY, **env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


SAYS = "the extra otel is missing: pip install 'vapi-sessions-mcp[otel]'."
HTTP = ("--transport", "http", "--port", "0")


def test_without_the_extra_a_platform_s_variables_are_one_line(
    without_extra: dict[str, str],
) -> None:
    # They are set for everything that runs there; a server that refused to start would be worse.
    found = ended(**without_extra, **{ENDPOINT: "http://127.0.0.1:9"})
    assert (found.returncode, found.stdout) == (0, "")
    [line] = found.stderr.splitlines()
    assert line.endswith(f"nothing is sent to where OTEL_EXPORTER_OTLP_ENDPOINT points: {SAYS}")


@pytest.mark.measured
@pytest.mark.parametrize("workers", [(), ("--workers", "2")])
def test_without_the_extra_metrics_that_were_asked_for_stop_the_start(
    without_extra: dict[str, str], workers: tuple[str, ...]
) -> None:
    # Whoever typed --metrics waits for them.
    found = ended(*HTTP, "--metrics", "0", *workers, **without_extra)
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr == f"vapi-sessions-mcp: --metrics cannot be served, as {SAYS}\n"


@pytest.mark.measured
def test_a_value_that_cannot_be_used_is_one_line_without_it() -> None:
    # It may hold a secret, and belongs to whoever set it for all programs.
    bad = {ENDPOINT: "http://127.0.0.1:9", "OTEL_BSP_SCHEDULE_DELAY": "-5 s3cret"}
    bad["OTEL_METRIC_EXPORT_INTERVAL"] = "-5"
    found = ended(**bad)
    assert found.returncode == 0
    [line] = found.stderr.splitlines()
    assert line.endswith("a variable that begins with OTEL_ has a value that cannot be used.")
    assert "s3cret" not in found.stderr


ODD = {**dict.fromkeys(CHOSEN_HERE, "foo"), "OTEL_PROPAGATORS": "b3,tracecontext"}
LEFT_OUT = (
    *(f"{variable} cannot be chosen here, and is left out" for variable in CHOSEN_HERE),
    "OTEL_PROPAGATORS: there is no 'b3' here, and it is left out",
)


@pytest.mark.measured
def test_what_is_not_here_or_not_to_be_chosen_is_one_line_for_each() -> None:
    # Each stopped the start, as a fault of this server. gRPC is what many platforms set.
    env = {ENDPOINT: "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    found = ended(**ODD, **env)
    assert found.returncode == 0
    *others, protocol = found.stderr.splitlines()
    assert len(others) == len(LEFT_OUT)
    assert all(line.endswith(said) for line, said in zip(others, LEFT_OUT, strict=True))
    assert "OTEL_EXPORTER_OTLP_PROTOCOL asks for a protocol that is not spoken here" in protocol


def test_what_is_left_out_stops_nothing_of_what_is_sent() -> None:
    # OpenTelemetry is imported then, and looks for whoever was chosen.
    found = ended(**ODD, **{ENDPOINT: "http://127.0.0.1:9"}, **BRIEF)
    assert found.returncode == 0
    lines = found.stderr.splitlines()
    said, others = lines[: len(LEFT_OUT)], lines[len(LEFT_OUT) :]
    assert all(line.endswith(words) for line, words in zip(said, LEFT_OUT, strict=True))
    assert all("could not be sent" in other for other in others)


def test_nothing_of_opentelemetry_is_imported_unless_it_is_asked_for() -> None:
    # 60 ms of a start, in every conversation of everybody else.
    heavy = ("opentelemetry.sdk", "opentelemetry.exporter", "prometheus_client", "requests")
    for env in ({}, {"OTEL_SERVICE_NAME": "a"}, {ENDPOINT: "http://127.0.0.1:9"}):
        found = subprocess.run(
            [COMMAND[0], "-X", "importtime", *COMMAND[1:], "--no-prelude"],
            env=environment(VAPI_API_KEY=KEY, OTEL_METRICS_EXPORTER="none", **env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        names = [line.rpartition("|")[2].strip() for line in found.stderr.splitlines()]
        assert "mcp.server.lowlevel.server" in names
        there = [name for name in names if name.startswith(heavy)]
        assert bool(there) is (ENDPOINT in env)
