"""Every fault of Vapi against every tool, through a real process: what is said, sent and leaked."""

import sys
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import pairwise

import anyio
import pytest

from support.faults import ARGUMENTS, FAULTS, KEY, PRIVATE, TOO_LONG, TOOLS, Fault
from support.faulty_vapi import SESSION, UNREAD, FaultyVapi, Reply, Seen, reply
from support.hosts import SLACK, Host, Result, hosted, logged, outcome, tool_of
from support.stdio_calls import call
from support.tools import CREATE, DELETE, GET, LIST, UPDATE

# Faults that one process meets in turn, and processes at once: they wait more than they work.
IN_TURN = 21
AT_ONCE = 5
# MiB: five answers of 32 at once, and the process itself.
PEAK = 300
SHORT = {
    LIST: "list_sessions",
    GET: "get_session",
    CREATE: "create_session",
    UPDATE: "update_session",
    DELETE: "delete_session",
}


@dataclass(frozen=True, kw_only=True)
class Met:
    """What came of five calls at once during a fault, and of five more after it."""

    during: dict[str, Result]
    after: dict[str, Result]
    seconds: float
    seen: list[Seen]
    seen_after: list[Seen]
    connections: int
    calls_before: int


@dataclass(frozen=True, kw_only=True)
class Run(Met):
    """The same, and what came of the process."""

    netloc: str
    peak: int
    leaked: bool
    code: int
    out: bytes
    err: str


async def run(faults: Sequence[Fault]) -> list[Run]:
    """A server that meets `faults`, which have one timeout, in turn."""
    vapi, met = FaultyVapi(), list[Met]()
    async with AsyncExitStack() as stack:
        options = ("--timeout", str(faults[0].timeout))
        host = await stack.enter_async_context(hosted(vapi.url, *options))
        calls = 0
        for fault in faults:
            await vapi.hang_up()
            vapi.requests.clear()
            vapi.connections, vapi.otherwise = 0, fault.answer or reply()
            if fault.answer is not None and not met:
                await stack.enter_async_context(vapi)
            started = anyio.current_time()
            during = await host.call(ARGUMENTS)
            seconds = anyio.current_time() - started
            if fault.answer is None:
                await stack.enter_async_context(vapi)
            seen, connections, vapi.otherwise = [*vapi.requests], vapi.connections, reply()
            after = await host.call(ARGUMENTS)
            met.append(
                Met(
                    during=during,
                    after=after,
                    seconds=seconds,
                    seen=seen,
                    seen_after=vapi.requests[len(seen) :],
                    connections=connections,
                    calls_before=calls,
                )
            )
            calls += 2 * len(TOOLS) + await earn_back(host, sum(fault.requests.values()))
        peak = host.memory("VmHWM")
        code, out, err = await host.end()
    return [
        Run(
            **vars(one),
            netloc=vapi.netloc,
            peak=peak,
            leaked=host.leaked,
            code=code,
            out=out,
            err=err,
        )
        for one in met
    ]


async def earn_back(host: Host, requests: int) -> int:
    """Make as many good calls as earn the retries that a fault has cost, two for each."""
    calls = max(2 * (requests - len(TOOLS)) - len(TOOLS), 0)
    if calls:
        await host.ask(*(call(id, GET, **ARGUMENTS[GET]) for id in range(calls)))
    return calls


async def run_all(names: Collection[str]) -> dict[str, Run | Exception]:
    """What came of each fault."""
    runs: dict[str, Run | Exception] = {}
    limiter = anyio.CapacityLimiter(AT_ONCE)

    async def run_some(names: Sequence[str]) -> None:
        async with limiter:
            try:
                ran = await run([FAULTS[name] for name in names])
            except Exception as exc:  # noqa: BLE001 - told by the tests of these faults
                runs.update(dict.fromkeys(names, exc))
            else:
                runs.update(zip(names, ran, strict=True))

    async with anyio.create_task_group() as tasks:
        for group in alike(names):
            tasks.start_soon(run_some, group)
    return runs


def alike(names: Collection[str]) -> list[list[str]]:
    """The names of faults that one process can meet: with one timeout, and no Vapi or one."""
    groups: dict[tuple[bool, float], list[str]] = {}
    for name in names:
        fault = FAULTS[name]
        groups.setdefault((fault.answer is None, fault.timeout), []).append(name)
    return [
        group[start : start + IN_TURN]
        for group in groups.values()
        for start in range(0, len(group), IN_TURN)
    ]


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest) -> dict[str, Run | Exception]:
    """The runs of all faults that a test has been selected for."""
    mine = [item for item in request.session.items if item.path == request.path]
    functions = [item for item in mine if isinstance(item, pytest.Function)]
    judges = [item for item in functions if "ran" in item.fixturenames]
    return anyio.run(run_all, {str(item.callspec.params["fault"]): None for item in judges})


@pytest.fixture
def ran(runs: dict[str, Run | Exception], fault: str) -> Run:
    """What came of `fault`."""
    outcome = runs[fault]
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


@pytest.mark.parametrize("fault", FAULTS)
def test_each_tool_tells_what_happened_and_what_to_do_next(ran: Run, fault: str) -> None:
    # A write resent by an agent that was told "failed" is the worst that can happen here.
    assert {
        tool: outcome(result).replace(ran.netloc, "HOST") for tool, result in ran.during.items()
    } == {tool: FAULTS[fault].sentence(tool) for tool in TOOLS}


@pytest.mark.parametrize("fault", FAULTS)
def test_vapi_is_asked_as_often_as_does_no_harm(ran: Run, fault: str) -> None:
    # Two creates make two sessions; no second read makes an agent give up on a hiccup.
    expected = FAULTS[fault].requests
    answer = FAULTS[fault].answer
    first = ran.calls_before
    assert {line["tool"]: int(line["tries"]) for line in logged(ran.err)[first : first + 5]} == {
        SHORT[tool]: expected[tool] for tool in TOOLS
    }
    if isinstance(answer, Reply) and answer.then in UNREAD:
        assert (ran.connections, ran.seen) == (sum(expected.values()), [])
    elif answer is not None:
        assert Counter(map(tool_of, ran.seen)) == expected


@pytest.mark.parametrize("fault", [name for name, fault in FAULTS.items() if fault.apart])
def test_no_try_comes_sooner_than_vapi_asked(ran: Run, fault: str) -> None:
    # Whoever comes back too soon is locked out for longer.
    for tool in TOOLS:
        times = [seen.at for seen in ran.seen if tool_of(seen) == tool]
        waits = [later - sooner for sooner, later in pairwise(times)]
        assert all(wait >= FAULTS[fault].apart for wait in waits)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_call_ends_by_its_deadline(ran: Run, fault: str) -> None:
    # An agent that waits for ever is worse off than one that is told.
    assert ran.seconds < FAULTS[fault].timeout + SLACK


@pytest.mark.parametrize("fault", FAULTS)
def test_the_next_call_works_at_the_first_try(ran: Run, fault: str) -> None:
    # Nobody restarts an MCP server in the middle of a conversation.
    for tool in TOOLS:
        assert not ran.after[tool].get("isError")
        assert ran.after[tool]["structuredContent"] == SESSION
    assert Counter(map(tool_of, ran.seen_after)) == dict.fromkeys(TOOLS, 1)


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_leaks_and_the_end_is_clean(ran: Run, fault: str) -> None:
    # Hosts keep stderr for ever and show it to support; a model's context is logged and shared.
    assert (ran.code, ran.out, ran.leaked) == (0, b"", False)
    for part in (KEY, *PRIVATE, "Traceback", "<html"):
        assert part not in ran.err


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not tell")
@pytest.mark.parametrize("fault", TOO_LONG)
def test_what_is_too_long_is_refused_while_it_arrives(ran: Run, fault: str) -> None:
    # A few kilobytes can be unpacked into all the memory there is.
    assert ran.peak < PEAK
