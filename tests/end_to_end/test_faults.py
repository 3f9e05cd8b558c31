"""Every fault of Vapi against every tool, through a real process: what is told, sent and leaked."""

import json
import re
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

import anyio
import pytest
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from support.faults import (
    ARGUMENTS,
    FAULTS,
    FINAL,
    KEY,
    MIB,
    ODD,
    PRIVATE,
    REDIRECTS,
    TOO_LONG,
    TOOLS,
    Fault,
    lost,
    silent,
)
from support.faulty_vapi import (
    CLOSED_UNREAD,
    DEAF,
    RESET,
    RESET_UNREAD,
    SESSION,
    UNREAD,
    FaultyVapi,
    Reply,
    Seen,
    reply,
)
from support.processes import COMMAND, environment
from support.stdio_calls import call, modern
from support.tools import (
    CREATE,
    DELETE,
    GET,
    LIST,
    UPDATE,
)
from vapi_sessions_mcp.caller import Caller, CallRecord
from vapi_sessions_mcp.contract import operations
from vapi_sessions_mcp.contract.requests import GetRequest
from vapi_sessions_mcp.errors import VapiError
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi

pytestmark = pytest.mark.anyio

AT_ONCE = 3
LONGEST_LINE = 2**28
PATIENCE = 60
# MiB: five answers of 32 at once, and the process itself.
PEAK = 300
# Seconds that a busy machine may take on top of a deadline.
SLACK = 3
SHORT = {
    LIST: "list_sessions",
    GET: "get_session",
    CREATE: "create_session",
    UPDATE: "update_session",
    DELETE: "delete_session",
}
Result: TypeAlias = dict[str, Any]


class Host:
    """A server process as the host that started it has it; `leaked` tells of the key on stdout."""

    def __init__(self, process: Process, log: IO[bytes]) -> None:
        assert process.stdin
        assert process.stdout
        self._process, self._stdin, self._log = process, process.stdin, log
        self._stdout = BufferedByteReceiveStream(process.stdout)
        self.leaked = False

    async def ask(self, *frames: dict[str, Any]) -> dict[int, Result]:
        """Send requests at once; their results by id. Nothing else may arrive."""
        await self._stdin.send(b"".join(json.dumps(frame).encode() + b"\n" for frame in frames))
        waiting = {int(frame["id"]) for frame in frames}
        results: dict[int, Result] = {}
        with anyio.fail_after(PATIENCE):
            while waiting:
                line = await self._stdout.receive_until(b"\n", LONGEST_LINE)
                self.leaked |= KEY.encode() in line
                answer = json.loads(line)
                assert answer.keys() == {"jsonrpc", "id", "result"}
                waiting.remove(answer["id"])
                results[answer["id"]] = answer["result"]
        return results

    async def call(self, arguments: Mapping[str, Mapping[str, Any]]) -> dict[str, Result]:
        """Call tools at once; their results by name."""
        frames = {
            tool: call(id, tool, **given) for id, (tool, given) in enumerate(arguments.items())
        }
        results = await self.ask(*frames.values())
        return {tool: results[frame["id"]] for tool, frame in frames.items()}

    async def one(self, tool: str, **given: Any) -> Result:
        """The result of one call, with these arguments or the usual ones."""
        return (await self.call({tool: given or ARGUMENTS[tool]}))[tool]

    def memory(self, what: str) -> int:
        """MiB that it has (VmRSS) or had at most (VmHWM), where the system tells."""
        if sys.platform != "linux":
            return 0
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        return int(re.findall(rf"{what}:\s+(\d+) kB", status)[0]) // 1024

    async def end(self) -> tuple[int, bytes, str]:
        """Close its stdin: its exit code, and what is left on stdout and all of stderr."""
        await self._stdin.aclose()
        rest = b""
        with anyio.fail_after(PATIENCE):
            try:
                while True:
                    rest += await self._stdout.receive()
            except anyio.EndOfStream:
                code = await self._process.wait()
        self._log.seek(0)
        return code, rest, self._log.read().decode()


@asynccontextmanager
async def hosted(url: str, *options: str) -> AsyncGenerator[Host]:
    """A server that is up, whose Vapi is at `url`; killed when it outlives the block."""
    env = environment(VAPI_BASE_URL=url, VAPI_API_KEY=KEY)
    command = [*COMMAND, "--log-level", "debug", *options]
    with tempfile.TemporaryFile() as log:
        process = await anyio.open_process(command, env=env, stderr=log)
        try:
            host = Host(process, log)
            await host.ask(modern(0, "tools/list"))
            yield host
        finally:
            if process.returncode is None:
                process.kill()
            with anyio.CancelScope(shield=True):
                await process.aclose()


@dataclass(frozen=True, kw_only=True)
class Run:
    """What came of five calls at once during a fault, and of five more after it."""

    netloc: str
    during: dict[str, Result]
    after: dict[str, Result]
    seconds: float
    seen: list[Seen]
    seen_after: list[Seen]
    connections: int
    peak: int
    leaked: bool
    code: int
    out: bytes
    err: str


async def run(fault: Fault) -> Run:
    """A server of its own that meets `fault`."""
    vapi = FaultyVapi(otherwise=fault.answer)
    options = ("--timeout", str(fault.timeout))
    async with AsyncExitStack() as stack:
        host = await stack.enter_async_context(hosted(vapi.url, *options))
        if fault.answer is not None:
            await stack.enter_async_context(vapi)
        started = anyio.current_time()
        during = await host.call(ARGUMENTS)
        seconds = anyio.current_time() - started
        if fault.answer is None:
            await stack.enter_async_context(vapi)
        seen, connections, vapi.otherwise = [*vapi.requests], vapi.connections, reply()
        after = await host.call(ARGUMENTS)
        peak = host.memory("VmHWM")
        code, out, err = await host.end()
    return Run(
        netloc=vapi.netloc,
        during=during,
        after=after,
        seconds=seconds,
        seen=seen,
        seen_after=vapi.requests[len(seen) :],
        connections=connections,
        peak=peak,
        leaked=host.leaked,
        code=code,
        out=out,
        err=err,
    )


async def run_all(names: Collection[str]) -> dict[str, Run | Exception]:
    """A run of each fault, a few at once since each waits more than it works."""
    runs: dict[str, Run | Exception] = {}
    limiter = anyio.CapacityLimiter(AT_ONCE)

    async def run_one(name: str) -> None:
        async with limiter:
            try:
                runs[name] = await run(FAULTS[name])
            except Exception as exc:  # noqa: BLE001 - told by the tests of this fault
                runs[name] = exc

    async with anyio.create_task_group() as tasks:
        for name in names:
            tasks.start_soon(run_one, name)
    return runs


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
        tool: words(result).replace(ran.netloc, "HOST") for tool, result in ran.during.items()
    } == {tool: FAULTS[fault].sentence(tool) for tool in TOOLS}


@pytest.mark.parametrize("fault", FAULTS)
def test_vapi_is_asked_as_often_as_does_no_harm(ran: Run, fault: str) -> None:
    # Two creates make two sessions; no second read makes an agent give up on a hiccup.
    expected = FAULTS[fault].requests
    answer = FAULTS[fault].answer
    assert {line["tool"]: int(line["tries"]) for line in logged(ran.err)[:5]} == {
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


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """What came of a server that met everything in FINAL and ODD at once."""

    netloc: str
    results: dict[tuple[str, str], Result]
    requests: Counter[tuple[str, str]]
    connections_elsewhere: int
    seconds: float
    leaked: bool
    code: int
    out: bytes
    err: str


async def meet_all() -> Crowd:
    """One server, each of the answers for each of the tools."""
    async with FaultyVapi() as elsewhere, FaultyVapi() as vapi:
        to = f"{elsewhere.url}/session"
        answers = {
            **{name: fault.answer for name, fault in FINAL.items() if fault.answer},
            **{name: answer for name, (answer, _) in ODD.items()},
            **{f"redirect-{status}": reply(status, b"", location=to) for status in REDIRECTS},
        }

        def by_name(seen: Seen) -> Reply:
            return answers[about(seen)]

        vapi.otherwise = by_name
        asked = [(name, tool) for name in answers for tool in TOOLS]
        frames = [call(id, tool, **asking(tool, name)) for id, (name, tool) in enumerate(asked)]
        async with hosted(vapi.url, "--timeout", "30") as host:
            started = anyio.current_time()
            results = await host.ask(*frames)
            seconds = anyio.current_time() - started
            code, out, err = await host.end()
    return Crowd(
        netloc=vapi.netloc,
        results={of: results[id] for id, of in enumerate(asked)},
        requests=Counter((about(seen), tool_of(seen)) for seen in vapi.requests),
        connections_elsewhere=elsewhere.connections,
        seconds=seconds,
        leaked=host.leaked,
        code=code,
        out=out,
        err=err,
    )


@pytest.fixture(scope="module")
def crowd() -> Crowd:
    """That server's account."""
    return anyio.run(meet_all)


@pytest.mark.parametrize("name", FINAL)
def test_a_refusal_is_final_and_says_what_to_mend(crowd: Crowd, name: str) -> None:
    # A model can mend its arguments only by what the refusal names; asking again only costs.
    for tool in TOOLS:
        expected = FINAL[name].sentence(tool, name)
        if name.endswith("-404") and tool in (GET, UPDATE, DELETE):
            # Sessions expire after a day by default, so this is the error agents meet most.
            expected = (
                f"No session {name}: it may have expired or been deleted."
                " List sessions to find its id."
            )
        assert words(crowd.results[name, tool]).replace(crowd.netloc, "HOST") == expected
        assert crowd.requests[name, tool] == 1


@pytest.mark.parametrize("name", ODD)
def test_a_strange_answer_is_passed_on(crowd: Crowd, name: str) -> None:
    # Proxies rewrite how an answer travels; what stands in it is still the session.
    for tool in TOOLS:
        result = crowd.results[name, tool]
        assert not result.get("isError")
        assert result["structuredContent"] == ODD[name][1]
        assert json.loads(result["content"][0]["text"]) == ODD[name][1]
        assert crowd.requests[name, tool] == 1


def test_a_redirect_is_never_followed(crowd: Crowd) -> None:
    # Followed, it would hand the API key to whoever the other host is.
    assert crowd.connections_elsewhere == 0


def test_nothing_leaks_from_a_crowd(crowd: Crowd) -> None:
    # One bad answer among hundreds is where a stray print hides.
    assert (crowd.code, crowd.out, crowd.leaked) == (0, b"", False)
    assert len(logged(crowd.err)) == len(crowd.results)
    assert crowd.seconds < 30
    for part in (KEY, "about ", "Traceback", "<html"):
        assert part not in crowd.err


@pytest.mark.parametrize("cut", ["reset", "closed", "reset unread", "closed unread"])
async def test_a_kept_connection_that_ends_under_a_request_is_told_of_changes_only(
    cut: str,
) -> None:
    # Node servers close idle connections after 5 s, now and then right under a request.
    ends = {
        "reset": RESET,
        "closed": Reply(then="close"),
        "reset unread": RESET_UNREAD,
        "closed unread": CLOSED_UNREAD,
    }
    fault = lost(ends[cut])
    script = [
        answer
        for tool in TOOLS
        for answer in (reply(), ends[cut], *[reply()] * (fault.requests[tool] > 1))
    ]
    async with FaultyVapi(*script) as vapi, hosted(vapi.url) as host:
        for tool in TOOLS:
            await host.one(GET)
            kept = vapi.connections
            result = await host.one(tool)
            if fault.requests[tool] > 1:
                assert result["structuredContent"] == SESSION
                assert vapi.connections == kept + 1
            else:
                assert words(result).replace(vapi.netloc, "HOST") == fault.sentence(tool)
                assert vapi.connections == kept
        await clean(host)


async def test_a_connection_that_was_closed_while_idle_costs_no_change_its_first_try() -> None:
    # Otherwise every create after a pause might have happened, or not.
    closed = Reply(raw=reply().raw, then="close")
    async with FaultyVapi(otherwise=closed) as vapi, hosted(vapi.url) as host:
        for count, tool in enumerate(TOOLS * 2, start=1):
            result = await host.one(tool)
            assert result["structuredContent"] == SESSION
            await vapi.until(lambda vapi: vapi.answered == count)  # noqa: B023 - at once
            assert (len(vapi.requests), vapi.connections) == (count, count)
        await clean(host)


async def test_a_vapi_that_stops_reading_holds_no_call_past_its_deadline() -> None:
    # What does not fit into the sockets between cannot even be sent.
    message = {"role": "user", "content": "x" * 10_000}
    fault = silent(DEAF)
    async with FaultyVapi(DEAF) as vapi, hosted(vapi.url, "--timeout", "1") as host:
        result = await host.one(CREATE, body={"messages": [message] * 800})
        assert words(result).replace(vapi.netloc, "HOST") == fault.sentence(CREATE)
        assert (vapi.connections, vapi.requests) == (1, [])
        assert (await host.one(CREATE))["structuredContent"] == SESSION
        err = await clean(host)
    (took, _) = (int(line["ms"]) for line in logged(err))
    assert took < 1_000 * (1 + SLACK)


async def test_thirty_megabytes_arrive_whole_and_leave_the_memory_again() -> None:
    # A long conversation is answered, and one of them does not bring down what comes after it.
    message = {"role": "user", "content": "words " * 1_666}
    session = {"id": "s-1", "messages": [message] * 3_000}
    answers = {
        tool: reply(200, {"results": [session]} if tool == LIST else session) for tool in TOOLS
    }
    assert all(30 * 10**6 < len(answer.raw) < 32 * MIB for answer in answers.values())
    left: list[int] = []

    def long(seen: Seen) -> Reply:
        return answers[tool_of(seen)]

    async with FaultyVapi() as vapi, hosted(vapi.url, "--timeout", "30") as host:
        for _ in range(2):
            vapi.otherwise = long
            results = await host.call(ARGUMENTS)
            for tool in (CREATE, UPDATE, DELETE):
                assert results[tool]["structuredContent"] == session
            assert results[LIST]["structuredContent"] == {"results": [session]}
            assert results[GET]["structuredContent"]["shown"]["of"] == 3_000
            assert len(results[GET]["content"][0]["text"]) <= 50_000
            vapi.otherwise = reply()
            await host.call(ARGUMENTS)
            left.append(host.memory("VmRSS"))
        peak = host.memory("VmHWM")
        await clean(host)
    assert peak < 1_000
    # The allocator keeps some of it; two rounds of ten copies each are not left.
    assert max(left) < 500


async def test_an_answer_that_nobody_asked_for_is_given_to_nobody() -> None:
    # A proxy that is out of step would hand one customer's session to another one's agent.
    spare = Reply(raw=reply(200, {"id": "s-1"}).raw + reply(200, {"id": "s-2"}).raw)
    own = reply(200, {"id": "s-3"})
    async with FaultyVapi(*[spare, own, own] * 3, otherwise=own) as vapi, hosted(vapi.url) as host:
        for tool in (GET, UPDATE, DELETE):
            assert (await host.one(GET))["structuredContent"] == {"id": "s-1"}
            result = await host.one(tool, **{**ARGUMENTS[tool], "id": "s-3"})
            assert "it is another session's" in words(result)
            assert "s-2" not in json.dumps(result)
            # And what would have followed on that connection is for nobody, either.
            again = await host.one(tool, **{**ARGUMENTS[tool], "id": "s-3"})
            assert again["structuredContent"] == {"id": "s-3"}


@pytest.mark.parametrize(
    "fault",
    [
        *("refused", "reset before reading", "SSH", "no answer", "HTML", "null", "not gzip"),
        *("a gzip bomb", "500 with the key", "429, no wait", "json-401", "json-404"),
    ],
)
async def test_no_repr_and_no_traceback_holds_the_key(fault: str) -> None:
    # Somebody will log an exception with its causes, or print the settings to look at them.
    answer = {**FAULTS, **FINAL}[fault].answer
    async with FaultyVapi(otherwise=answer) as vapi:
        nobody = "http://127.0.0.1:9"
        settings = Settings(api_key=KEY, base_url=vapi.url if answer else nobody, timeout=1)
        async with Vapi(settings) as client:
            of = CallRecord(caller=Caller(api_key=KEY))
            with pytest.raises(VapiError) as caught:
                await client.call(operations.GET, GetRequest(id="s-1"), of)
    told = [
        *traceback.format_exception(caught.value),
        *map(repr, (settings, client, vars(client), of.caller, of)),
    ]
    error: BaseException | None = caught.value
    while error is not None:
        told += [repr(error), repr(error.args), repr(vars(error))]
        error = error.__context__
    assert KEY not in "".join(told)


async def clean(host: Host) -> str:
    """The server ends as it should and has told nobody the key; what stands on stderr."""
    code, out, err = await host.end()
    assert (code, out, host.leaked) == (0, b"", False)
    for part in (KEY, *PRIVATE, "Traceback", "words words"):
        assert part not in err
    return err


def logged(err: str) -> list[dict[str, str]]:
    """The fields of each call's line."""
    lines = [line for line in err.splitlines() if " vapi_sessions_mcp.calls: call " in line]
    return [dict(part.split("=") for part in line.split() if "=" in part) for line in lines]


def asking(tool: str, name: str) -> dict[str, Any]:
    """The arguments with which `tool` names what it wants to be answered with."""
    if tool == LIST:
        return {"name": name, "view": "full"}
    if tool == CREATE:
        return {"body": {"name": name}}
    return {"id": name, **({"body": {"name": "a"}} if tool == UPDATE else {})}


def about(seen: Seen) -> str:
    """What a request names."""
    if seen.method == "POST":
        return json.loads(seen.body)["name"]
    url = urlsplit(seen.path)
    return parse_qs(url.query)["name"][0] if url.query else url.path.rpartition("/")[2]


def words(result: Result) -> str:
    """What an error tells: text alone."""
    assert result["isError"] is True
    assert "structuredContent" not in result
    (block,) = result["content"]
    return block["text"]


def tool_of(seen: Seen) -> str:
    """Whose request it is."""
    if seen.method == "GET":
        return GET if seen.path.startswith("/session/") else LIST
    return {"POST": CREATE, "PATCH": UPDATE, "DELETE": DELETE}[seen.method]
