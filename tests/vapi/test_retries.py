"""Which tries are made again, when, and how often: DESIGN.md's table on real sockets."""

import math
import re
import socket
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import chain, cycle, product, repeat
from typing import Any, TypeAlias

import anyio
import httpx2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from support.faulty_vapi import (
    RESET,
    RESET_UNREAD,
    SESSION,
    SILENT,
    FaultyVapi,
    Reply,
    Seen,
    cut,
    reply,
    slow,
)
from vapi_sessions_mcp.caller import Caller, CallRecord
from vapi_sessions_mcp.clock import stopped_at
from vapi_sessions_mcp.contract.operations import (
    CREATE,
    DELETE,
    GET,
    LIST,
    OPERATIONS,
    UPDATE,
    Operation,
)
from vapi_sessions_mcp.contract.parsing import parse
from vapi_sessions_mcp.contract.requests import Request
from vapi_sessions_mcp.errors import (
    Failed,
    NoAnswer,
    RateLimited,
    Refused,
    TimedOut,
    VapiError,
)
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi
from vapi_sessions_mcp.vapi.retries import Retries, retry_after

pytestmark = pytest.mark.anyio

# A try that Vapi answers so, or that goes to one of the `dead_ends` and never gets there.
Step: TypeAlias = Reply | Callable[[Seen], Reply] | str
DeadEnds: TypeAlias = Mapping[str, Mapping[str, Any]]
Headers: TypeAlias = dict[str, str]
STRAIGHT: Mapping[str, Any] = {}

bounded = settings(max_examples=300, deadline=None, derandomize=True)
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda row: row.short_name)
every_change = pytest.mark.parametrize(
    "operation", [CREATE, UPDATE], ids=lambda row: row.short_name
)

KEY = "key-0123456789abcdef"
HTML = b"<html><body>nginx</body></html>"
ARGUMENTS: dict[Operation, dict[str, Any]] = {
    LIST: {"limit": 1},
    GET: {"id": "s-1"},
    CREATE: {"body": {"name": "a"}},
    UPDATE: {"id": "s-1", "body": {"name": "a"}},
    DELETE: {"id": "s-1"},
}
READS, CHANGES = (LIST, GET), (CREATE, UPDATE, DELETE)
# The table by hand: what happened to a try, and which operations are then tried again.
ALL = frozenset(OPERATIONS)
WITHOUT_HARM = frozenset({LIST, GET, DELETE})
NONE: frozenset[Operation] = frozenset()
FAULTS: dict[str, tuple[Step, frozenset[Operation]]] = {
    "connection refused": ("nobody listens", ALL),
    "no such host": ("no such name", ALL),
    "TLS broken off": ("broken TLS", ALL),
    "no connection in time": ("backlog full", ALL),
    "429": (reply(429), ALL),
    "429 at once": (reply(429, retry_after="0"), ALL),
    "429 in HTML": (reply(429, HTML, content_type="text/html"), ALL),
    "429 with a longer wait": (reply(429, retry_after="11"), NONE),
    "500": (reply(500), WITHOUT_HARM),
    "502": (reply(502, HTML, content_type="text/html"), WITHOUT_HARM),
    "503": (reply(503), WITHOUT_HARM),
    "504": (reply(504, b""), WITHOUT_HARM),
    "503 with a longer wait": (reply(503, retry_after="11"), NONE),
    "reset before reading": (RESET_UNREAD, WITHOUT_HARM),
    "reset after reading": (RESET, WITHOUT_HARM),
    "closed without a word": (Reply(then="close"), WITHOUT_HARM),
    "closed in the body": (cut("close"), WITHOUT_HARM),
    "reset in the body": (cut("reset"), WITHOUT_HARM),
    **{
        f"{status} closed in the body": (Reply(raw=reply(status).raw[:-4], then="close"), again)
        for status, again in ((400, NONE), (429, ALL), (500, WITHOUT_HARM))
    },
    "not HTTP": (Reply(raw=b"SSH-2.0-OpenSSH_9.6\r\n", then="close"), WITHOUT_HARM),
    "no answer": (SILENT, NONE),
    "half a body": (cut("hang"), NONE),
    "201 in HTML": (reply(201, HTML), NONE),
    "200 empty": (reply(200, b""), NONE),
    "200 with a list": (reply(200, []), NONE),
    **{str(status): (reply(status, location="/session"), NONE) for status in (301, 302, 307, 308)},
    **{str(status): (reply(status), NONE) for status in (400, 401, 403, 404, 405, 408, 409, 413)},
    **{str(status): (reply(status), NONE) for status in (422, 425, 451, 501, 505, 520, 599)},
}
# After these nobody knows whether a change was made.
MAY_HAVE_LANDED: dict[str, Step] = {
    name: FAULTS[name][0]
    for name in ("500", "503", "reset before reading", "reset after reading", "closed in the body")
} | {"no answer": SILENT, "half a body": cut("hang"), "200 empty": reply(200, b"")}

CREATED = "Could not create the session in"
GOT, UPDATED, DELETED = (f"Could not {do} session s-1 in" for do in ("get", "update", "delete"))
FAILED = "Vapi failed (500 Internal Server Error)."
TOO_MANY = "too many requests (429 Too Many Requests)."
REFUSED = "Vapi refused it (400 Bad Request)."
GARBLED = "the answer of HOST is not a session's JSON (not JSON)."
LOST = "the connection to HOST was lost before the answer was complete."
NO_NAME = "no connection to HOST ([Errno -2] Name or service not known)."
MAY = "It may or may not have happened: "
LIST_FIRST = f"{MAY}list the sessions of the last minutes (createdAtGe) before you create it again."
COMPARE = f"{MAY}get session s-1 and compare before you update it again."
GET_IT = f"{MAY}get session s-1: when it is not found, it was deleted."
LATER = "Nothing was changed; call again in a minute."
NOT_SENT = "Nothing was sent; check the network and the base URL (VAPI_BASE_URL), then call again."
NOT_CHANGED = NOT_SENT.replace("sent", "changed", 1)
NO_SESSION = "No session s-1: it may have expired or been deleted. List sessions to find its id."
PROBABLY = (
    "Session s-1 was probably deleted by an earlier try of this call, which failed or got no"
    " answer: now there is no such session. Its last copy could not be had."
)


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What became of one call: its answer or its error, and what Vapi saw of it."""

    answer: dict[str, Any] | None
    error: VapiError | None
    seen: list[Seen]
    seconds: float
    tries: int
    status: int | None
    host: str

    @property
    def told(self) -> str:
        """What the error says, whatever Vapi's port."""
        return str(self.error).replace(self.host, "HOST")

    @property
    def wait(self) -> float:
        """Seconds between the first two requests."""
        return self.seen[1].at - self.seen[0].at


class Road(httpx2.AsyncBaseTransport):
    """The network, on which the first tries are led astray as `turns` say: real, but elsewhere."""

    def __init__(self, turns: Iterable[Mapping[str, Any]]) -> None:
        self._turns = iter(turns)
        # Reading the machine's certificates would take most of a test's time.
        self._network = httpx2.AsyncHTTPTransport(verify=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.url = request.url.copy_with(**next(self._turns, STRAIGHT))
        return await self._network.handle_async_request(request)

    async def aclose(self) -> None:
        await self._network.aclose()


@pytest.fixture(scope="module")
def dead_ends() -> Generator[DeadEnds]:
    """Where no connection can be made, by why not; as what to change in a URL."""
    with ExitStack() as sockets:
        nobody, full = (sockets.enter_context(socket.socket()) for _ in range(2))
        nobody.bind(("127.0.0.1", 0))
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):
            # Once these wait to be accepted, the next connection gets no answer at all.
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect(full.getsockname())
        yield {
            "nobody listens": {"port": nobody.getsockname()[1]},
            "backlog full": {"port": full.getsockname()[1]},
            "no such name": {"host": "a..b"},
            "broken TLS": {"scheme": "https"},
        }


@asynccontextmanager
async def reached(
    vapi: FaultyVapi, turns: Iterable[Mapping[str, Any]] = (), **options: Any
) -> AsyncGenerator[Vapi]:
    """Our way to `vapi`, open."""
    given: dict[str, Any] = {"base_url": vapi.url, "timeout": 20, **options}
    async with Vapi(Settings(**given), transport=Road(turns)) as ours:
        yield ours


def calling(
    operation: Operation, key: str = KEY, *, keeps_writes: bool = False
) -> tuple[Operation, Request, CallRecord]:
    """The arguments of one call."""
    request = parse(operation.request, ARGUMENTS[operation])
    return operation, request, CallRecord(caller=Caller(api_key=key), keeps_writes=keeps_writes)


async def attempt(ours: Vapi, *arguments: Any) -> None:
    """A call whose end is of no interest."""
    with suppress(VapiError):
        await ours.call(*arguments)


async def run(dead_ends: DeadEnds, operation: Operation, *steps: Step, **options: Any) -> Ran:
    """One call whose tries end as `steps` say; whatever comes after them gets a good answer."""
    turns = [dead_ends[step] if isinstance(step, str) else STRAIGHT for step in steps]
    # A handshake that is broken off is one that began.
    replies = [RESET_UNREAD if step == "broken TLS" else step for step in steps]
    answer, error = None, None
    async with FaultyVapi(*(step for step in replies if not isinstance(step, str))) as vapi:
        async with reached(vapi, turns, **options) as ours:
            _, _, call = arguments = calling(operation)
            start = anyio.current_time()
            with anyio.fail_after(30):
                try:
                    answer = await ours.call(*arguments)
                except VapiError as exc:
                    error = exc
            seconds = anyio.current_time() - start
        return Ran(
            answer=answer,
            error=error,
            seen=vapi.requests,
            seconds=seconds,
            tries=call.tries,
            status=call.status,
            host=vapi.netloc,
        )


async def all_of(runs: Mapping[str, Awaitable[Ran]]) -> dict[str, Ran]:
    """What became of each, at the same time: most of a run is waiting."""
    ran: dict[str, Ran] = {}

    async def put(name: str, one: Awaitable[Ran]) -> None:
        ran[name] = await one

    async with anyio.create_task_group() as tasks:
        for name, one in runs.items():
            tasks.start_soon(put, name, one)
    return {name: ran[name] for name in runs}


def reads(step: Step) -> bool:
    """Whether Vapi gets to read a request that ends so."""
    return not isinstance(step, str) and step != RESET_UNREAD


def patience(step: Step, waits: float = 0) -> dict[str, float]:
    """Little, for what only patience ends: a second and a half beside the `waits` before it."""
    if step == "backlog full":
        return {"connect_timeout": 0.3}
    hangs = isinstance(step, Reply) and step.then == "hang"
    return {"timeout": waits + 1.5} if hangs else {}


@every_operation
async def test_a_try_is_made_again_only_where_it_can_do_no_harm(
    operation: Operation, dead_ends: DeadEnds
) -> None:
    # Too few retries and agents see every hiccup; one too many and there are two sessions.
    ran = await all_of(
        {
            name: run(dead_ends, operation, step, **patience(step))
            for name, (step, _) in FAULTS.items()
        }
    )
    assert {name: (one.answer, one.tries, len(one.seen)) for name, one in ran.items()} == {
        name: (SESSION, 2, 1 + reads(step)) if operation in again else (None, 1, 1 * reads(step))
        for name, (step, again) in FAULTS.items()
    }


@every_operation
async def test_the_third_try_is_the_last(operation: Operation, dead_ends: DeadEnds) -> None:
    # Whoever asks a fourth time makes an outage longer, and keeps an agent waiting.
    faults = {name: step for name, (step, again) in FAULTS.items() if operation in again}
    ran = await all_of(
        {
            name: run(dead_ends, operation, *[step] * 4, **patience(step))
            for name, step in faults.items()
        }
    )
    assert {name: (one.answer, one.tries, len(one.seen)) for name, one in ran.items()} == {
        name: (None, 3, 3 * reads(step)) for name, step in faults.items()
    }
    for one in ran.values():
        assert one.told.startswith(f"Could not {operation.doing.format(id='s-1')} in 3 tries: ")


@every_change
async def test_what_may_have_been_made_is_never_sent_again(
    operation: Operation, dead_ends: DeadEnds
) -> None:
    # Two sessions for one customer, or somebody's later change overwritten, and nobody told.
    harmless: list[Step] = ["nobody listens", reply(429)]
    before = list(chain.from_iterable(product(harmless, repeat=n) for n in range(3)))
    expected = {
        f"{number} {name}": sum(map(reads, [*steps, last]))
        for number, steps in enumerate(before)
        for name, last in MAY_HAVE_LANDED.items()
    }
    ran = await all_of(
        {
            f"{number} {name}": run(dead_ends, operation, *steps, last, **patience(last, 1.5))
            for number, steps in enumerate(before)
            for name, last in MAY_HAVE_LANDED.items()
        }
    )
    assert {name: len(one.seen) for name, one in ran.items()} == expected
    find_out = {CREATE: LIST_FIRST, UPDATE: COMPARE}[operation]
    assert all(one.told.endswith(find_out) for one in ran.values())


MIXED: list[tuple[Operation, list[Step], int, str]] = [
    (CREATE, ["nobody listens", reply(500)], 1, f"{CREATED} 2 tries: {FAILED} {LIST_FIRST}"),
    (
        CREATE,
        ["nobody listens", "broken TLS", "no such name"],
        0,
        f"{CREATED} 3 tries: {NO_NAME} {NOT_SENT}",
    ),
    (UPDATE, [reply(429), RESET], 2, f"{UPDATED} 2 tries: {LOST} {COMPARE}"),
    (UPDATE, [reply(429)] * 3, 3, f"{UPDATED} 3 tries: {TOO_MANY} {LATER}"),
    (GET, [RESET, reply(429), reply(500)], 3, f"{GOT} 3 tries: {FAILED} {LATER}"),
    (GET, [reply(500), reply(404)], 2, NO_SESSION),
    (DELETE, [reply(500), *["no such name"] * 2], 1, f"{DELETED} 3 tries: {NO_NAME} {GET_IT}"),
    (DELETE, [RESET, reply(429), reply(429)], 3, f"{DELETED} 3 tries: {TOO_MANY} {GET_IT}"),
    (DELETE, [reply(502), reply(400)], 2, f"{DELETED} 2 tries: {REFUSED} {GET_IT}"),
    (DELETE, [reply(502), reply(200, b"")], 2, f"{DELETED} 2 tries: {GARBLED} {GET_IT}"),
    (DELETE, [reply(500), reply(404)], 2, PROBABLY),
    (DELETE, [cut("reset"), reply(404)], 2, PROBABLY),
    (DELETE, [reply(500), reply(429), reply(404)], 3, PROBABLY),
    (DELETE, [reply(500), "nobody listens", reply(404)], 2, PROBABLY),
    (DELETE, [reply(404)], 1, NO_SESSION),
    (DELETE, [reply(429), reply(404)], 2, NO_SESSION),
    (DELETE, ["nobody listens", reply(404)], 1, NO_SESSION),
]


async def test_the_last_error_is_told_with_what_the_tries_before_it_may_have_done(
    dead_ends: DeadEnds,
) -> None:
    # "Not found" after a delete that got no answer is good news; "nothing was sent" may be a lie.
    ran = await all_of(
        {str(number): run(dead_ends, row[0], *row[1]) for number, row in enumerate(MIXED)}
    )
    told = [(len(one.seen), one.told) for one in ran.values()]
    assert told == [(requests, sentence) for _, _, requests, sentence in MIXED]


async def test_what_was_sent_by_an_earlier_try_is_not_denied(dead_ends: DeadEnds) -> None:
    # "Nothing was sent" is taken for the truth by whoever compares it with Vapi's logs.
    lost: list[Step] = ["no such name", "no such name"]
    limited, failed = (
        await all_of(
            {
                "limited": run(dead_ends, UPDATE, reply(429), *lost),
                "failed": run(dead_ends, GET, reply(500), *lost),
            }
        )
    ).values()
    assert limited.told == f"{UPDATED} 3 tries: {NO_NAME} {NOT_CHANGED}"
    assert failed.told == f"{GOT} 3 tries: {NO_NAME} {NOT_CHANGED}"


@pytest.mark.parametrize("status", [302, 401])
async def test_an_unclear_delete_stays_unclear_whatever_the_last_try_meets(
    status: int, dead_ends: DeadEnds
) -> None:
    # Who mends the key or the address first still has to know that it may be gone.
    ran = await run(dead_ends, DELETE, reply(502), reply(status))
    assert len(ran.seen) == 2
    assert GET_IT in ran.told


async def test_each_try_counts_in_the_call_that_made_it(dead_ends: DeadEnds) -> None:
    # Its log line is where an operator sees that Vapi is ailing.
    ran = await all_of(
        {
            "answered": run(dead_ends, GET, reply(503), reply(429)),
            "cut off": run(dead_ends, GET, reply(503), *["nobody listens"] * 2),
        }
    )
    assert {name: (one.answer, one.tries, one.status) for name, one in ran.items()} == {
        "answered": (SESSION, 3, 200),
        "cut off": (None, 3, None),
    }


def imf(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


def rfc850(moment: datetime) -> str:
    return moment.strftime("%A, %d-%b-%y %H:%M:%S GMT")


def asctime(moment: datetime) -> str:
    return moment.ctime()


FORMS = (imf, rfc850, asctime)


def now() -> datetime:
    return datetime.now(UTC)


YEAR = timedelta(days=365)
SECONDS = {"1": 1.0, "01": 1.0, "1.25": 1.25, "0.75": 0.75, "2": 2.0, " 1 ": 1.0}
IGNORED = {
    "nothing": "",
    "blanks": "   ",
    "zero": "0",
    "not a number": "NaN",
    "without end": "inf",
    "negative": "-5",
    "signed": "+9",
    "in scientific notation": "1e9",
    "ten digits": "1000000000",
    "a hundred digits": "9" * 100,
    "more than a day": "86401",
    "hexadecimal": "0x9",
    "another script": "٩",
    "with a unit": "9 s",
    "words": "soon",
    "a list": "9, 9",
    "twice": "9\r\nRetry-After: 9",
    "twice with a date": "9\r\nRetry-After: Fri, 31 Dec 2099 23:59:59 GMT",
    "this century": "Fri, 31 Dec 2099 23:59:59 GMT",
    "a day past": "Sun, 06 Nov 1994 08:49:37 GMT",
    "a day that is none": "Sun, 32 Nov 2099 08:49:37 GMT",
    "the last year of all": "Fri, 31 Dec 9999 23:59:59 -2359",
}


async def test_no_try_is_made_sooner_than_vapi_asks(dead_ends: DeadEnds) -> None:
    # Those who come back too early are the ones who get locked out.
    ran = await all_of(
        {
            f"{value} {status}": run(dead_ends, GET, reply(status, retry_after=value))
            for value in SECONDS
            for status in (429, 503)
        }
    )
    assert [name for name, one in ran.items() if one.answer != SESSION] == []
    for name, one in ran.items():
        asked = SECONDS[name[:-4]]
        # The jitter comes on top, or else all that were told the same come back together.
        assert asked <= one.wait < asked + 0.5 + 1.5


async def test_a_wait_that_makes_no_sense_is_none(dead_ends: DeadEnds) -> None:
    # A broken proxy must neither keep an agent waiting for ever nor cost it its retry.
    ran = await all_of(
        {
            name: run(dead_ends, GET, reply(429, retry_after=value))
            for name, value in IGNORED.items()
        }
    )
    assert {name: one.answer for name, one in ran.items()} == dict.fromkeys(IGNORED, SESSION)
    assert max(one.wait for one in ran.values()) < 0.5 + 1.5


async def test_a_date_to_wait_for_is_kept(dead_ends: DeadEnds) -> None:
    # RFC 9110 has recipients take all three forms, and caches still write the old ones.
    until = (now() + timedelta(seconds=3)).replace(microsecond=0)
    wall = time.time() - anyio.current_time()
    ran = await all_of(
        {form.__name__: run(dead_ends, GET, reply(429, retry_after=form(until))) for form in FORMS}
    )
    for one in ran.values():
        assert one.answer == SESSION
        # To the millisecond: the clock of dates may be adjusted while a test runs.
        assert until.timestamp() - 0.001 <= one.seen[1].at + wall < until.timestamp() + 0.5 + 1.5


async def test_a_date_is_read_by_the_clock_of_whoever_wrote_it(dead_ends: DeadEnds) -> None:
    # With one of the clocks off, an absolute date would mean a year's wait, or none.
    clocks = {"slow": now() - YEAR, "fast": now() + YEAR}
    ran = await all_of(
        {
            f"{name} {form.__name__}": run(
                dead_ends,
                GET,
                reply(429, date=imf(clock), retry_after=form(clock + timedelta(seconds=1))),
            )
            for name, clock in clocks.items()
            for form in FORMS
        }
    )
    for one in ran.values():
        assert one.answer == SESSION
        assert 1 <= one.wait < 1 + 0.5 + 1.5


async def test_a_clock_that_tells_no_time_is_not_asked(dead_ends: DeadEnds) -> None:
    # Then ours is all there is.
    moment = imf(now() + timedelta(hours=1))
    ran = await run(dead_ends, GET, reply(429, date="noon", retry_after=moment))
    assert ran.tries == 1
    seconds = re.search(r"call again in (\d+) s\.$", ran.told)
    assert seconds
    assert 3570 <= int(seconds[1]) <= 3600


@every_operation
async def test_a_wait_that_is_too_long_to_sit_out_is_told(
    operation: Operation, dead_ends: DeadEnds
) -> None:
    # The agent can do something else meanwhile, and knows when to come back.
    clock = now()
    waits = {"11": 11, "10.9": 11, "86400": 86_400, "a date": 3600}
    headers: dict[str, Headers] = {name: {"retry_after": name} for name in waits}
    headers["a date"] = {"retry_after": imf(clock + timedelta(hours=1)), "date": imf(clock)}
    ran = await all_of(
        {
            f"{status} {name}": run(dead_ends, operation, reply(status, **fields))
            for status in (429, 503)
            for name, fields in headers.items()
        }
    )
    assert {name: len(one.seen) for name, one in ran.items()} == dict.fromkeys(ran, 1)
    for name, seconds in waits.items():
        limited, failed = ran[f"429 {name}"].told, ran[f"503 {name}"].told
        assert limited.endswith(f" Nothing was changed; call again in {seconds} s.")
        if operation in READS:
            assert failed.endswith(f" Nothing was changed; call again in {seconds} s.")
        else:
            assert MAY in failed


async def test_a_wait_is_never_told_shorter_than_it_is(dead_ends: DeadEnds) -> None:
    # Who comes back when told to must not be too early, nor be told to come back in 0 s.
    steps = {"10.2": 1, "10.000000001": 1, "0.4": 3}
    ran = await all_of(
        {
            value: run(dead_ends, GET, *[reply(429, retry_after=value)] * count)
            for value, count in steps.items()
        }
    )
    assert {value: one.told.partition("call again ")[2] for value, one in ran.items()} == {
        "10.2": "in 11 s.",
        "10.000000001": "in 11 s.",
        "0.4": "in 1 s.",
    }


def test_a_wait_of_ten_seconds_is_sat_out_and_a_longer_one_is_not() -> None:
    # The bound itself: on sockets it would take ten seconds to show.
    for error in (RateLimited("", 429, 10), Failed("", 503, 10)):
        pause = Retries().take_retry(GET, error, 1)
        assert pause is not None
        assert 10 <= pause <= 10.5
    for error in (RateLimited("", 429, 10.01), Failed("", 503, 10.01)):
        assert Retries().take_retry(GET, error, 1) is None


@bounded
@given(st.integers(0, 86_399), st.integers(0, 999_999_999))
def test_seconds_are_read_as_they_are_written(seconds: int, fraction: int) -> None:
    # Whole seconds by the standard; some gateways add a fraction.
    assert retry_after({"Retry-After": str(seconds)}) == seconds
    written = f"{seconds}.{fraction:09}"
    assert retry_after({"Retry-After": written}) == float(written)


@bounded
@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2068, 12, 30), timezones=st.just(UTC)),
    st.integers(-100_000, 100_000),
    st.sampled_from(FORMS),
    st.sampled_from(FORMS),
)
def test_any_two_dates_tell_their_distance(
    clock: datetime,
    seconds: int,
    form: Callable[[datetime], str],
    other: Callable[[datetime], str],
) -> None:
    # Two forms in one answer: a cache's clock, the server's date.
    until = form(clock + timedelta(seconds=seconds))
    wait = max(seconds, 0)
    assert retry_after({"Retry-After": until, "Date": other(clock)}) == (
        wait if wait <= 86_400 else None
    )


def test_a_date_alone_is_compared_with_the_clock_that_is_passed_in() -> None:
    # Ours is all there is then, and a test or a sandbox must be able to say what it shows.
    until = datetime(2028, 2, 29, 12, 0, 5, tzinfo=UTC)
    for seconds in (0, 5, 3600):
        clock = stopped_at(until - timedelta(seconds=seconds))
        for date in ({}, {"Date": "noon"}):
            assert retry_after({"Retry-After": imf(until), **date}, clock) == seconds
    assert retry_after({"Retry-After": imf(until)}, stopped_at(until + YEAR)) == 0
    assert retry_after({"Retry-After": imf(until)}, stopped_at(until - YEAR)) is None


anything = st.text(st.characters(exclude_categories=()), max_size=40)
# Pieces of dates, whole and broken, in any order: the standard library reads dates of all kinds.
pieces = st.sampled_from(
    [
        *("Sun,", "Sunday,", "Sun", "06", "31", "99", "Nov", "nov-", "06-Nov-94", "31-Dec-9999"),
        *("1994", "0001", "0000", "9999", "99999", "08:49:37", "24:00:00", "8.49.37", "1:2:3:4"),
        *("GMT", "EST", "-0000", "+9999", "-9999", "-2359", "+99999999", "+", "-", ":", ".", ","),
        *("NaN", "1e9", "-1", "10", "٣", "²", "\x00", "(a)", "9" * 30),
    ]
)
dates = st.tuples(st.sampled_from([" ", "", "\t"]), st.lists(pieces, max_size=7)).map(
    lambda made: made[0].join(made[1])
)


@settings(bounded, max_examples=1_000)
@given(anything | dates, anything | dates)
@example("Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 0001 00:00:00 +2359")
@example("9" * 9, "")
def test_whatever_stands_in_the_header_is_a_wait_within_a_day_or_none(
    value: str, date: str
) -> None:
    # An exception here would lose the error that Vapi told.
    wait = retry_after({"Retry-After": value, "Date": date})
    assert wait is None or (math.isfinite(wait) and 0 <= wait <= 86_400)


def test_waits_are_spread_out_and_double() -> None:
    # Callers that fail together must not come back together.
    retries = Retries()

    def draw(tries: int, error: VapiError) -> float:
        for _ in range(2):
            retries.answered()
        pause = retries.take_retry(GET, error, tries)
        assert pause is not None
        return pause

    for tries, asked, most in ((1, 0, 0.5), (2, 0, 1.0), (1, 3, 0.5), (2, 3, 1.0)):
        waits = [draw(tries, Failed("", 503, asked)) - asked for _ in range(1_000)]
        assert 0 <= min(waits) < 0.05 * most
        assert 0.95 * most < max(waits) <= most
        assert 0.4 * most < sum(waits) / len(waits) < 0.6 * most
        assert len(set(waits)) > 900


async def test_a_wait_that_would_pass_the_deadline_is_not_begun(dead_ends: DeadEnds) -> None:
    # What is known now is better than a timeout later.
    for status in (429, 503):
        ran = await run(dead_ends, GET, reply(status, retry_after="5"), timeout=4)
        assert (ran.tries, len(ran.seen)) == (1, 1)
        assert ran.told.endswith("call again in 5 s.")
        assert ran.seconds < 2


ENDLESS: dict[str, list[Step]] = {
    "silence at once": [SILENT],
    "silence after a failure": [reply(503), SILENT],
    "silence after a reset": [RESET, SILENT],
    "silence after no connection": ["nobody listens", SILENT],
    "silence after being kept out": [reply(429, retry_after="0"), SILENT],
    "silence after a second": [reply(429, retry_after="1"), SILENT],
    "half a body after a failure": [reply(500), cut("hang")],
    "no connection at all": ["backlog full"] * 3,
    "no connection after a failure": [reply(503), *["backlog full"] * 2],
    "no connection after a broken handshake": ["broken TLS", *["backlog full"] * 2],
}


async def test_a_call_ends_with_its_deadline_whatever_its_tries_do(dead_ends: DeadEnds) -> None:
    # Hosts give up on a tool that takes longer than they were told, and then know nothing.
    ran = await all_of(
        {
            f"{operation.short_name} {name}": run(
                dead_ends, operation, *steps, timeout=1.6, connect_timeout=60
            )
            for name, steps in ENDLESS.items()
            for operation in (GET, UPDATE, DELETE)
        }
    )
    assert [name for name, one in ran.items() if one.error is None] == []
    assert max(one.seconds for one in ran.values()) < 1.6 + 0.8


HUNG_AGAIN: dict[Operation, tuple[Step, str]] = {
    GET: (reply(500), f"{GOT} 2 tries: {{}} {LATER}"),
    DELETE: (RESET, f"{DELETED} 2 tries: {{}} {GET_IT}"),
    UPDATE: (reply(429), f"{UPDATED} 2 tries: {{}} {COMPARE}"),
    CREATE: ("nobody listens", f"{CREATED} 2 tries: {{}} {LIST_FIRST}"),
}


async def test_a_second_try_that_hangs_is_told_as_what_it_is(dead_ends: DeadEnds) -> None:
    # One deadline for all tries together, and the sentence of the last.
    ran = await all_of(
        {
            operation.name: run(dead_ends, operation, step, SILENT, timeout=1.2)
            for operation, (step, _) in HUNG_AGAIN.items()
        }
    )
    assert [one.told for one in ran.values()] == [
        sentence.format("HOST gave no answer within 1.2 s.") for _, sentence in HUNG_AGAIN.values()
    ]
    for one in ran.values():
        assert isinstance(one.error, TimedOut)
        assert 1.1 < one.seconds < 1.2 + 0.8


async def test_a_last_try_that_gets_no_connection_is_known_to_have_sent_nothing(
    dead_ends: DeadEnds,
) -> None:
    # "It may or may not have happened" would send people looking for what cannot be there.
    steps: list[Step] = ["nobody listens", "nobody listens", "backlog full"]
    ran = await all_of(
        {
            operation.short_name: run(dead_ends, operation, *steps, timeout=3, connect_timeout=60)
            for operation in OPERATIONS
        }
    )
    for one in ran.values():
        assert type(one.error) is NoAnswer
        assert one.seen == []
        assert re.search(r": no connection to HOST \(no answer within [0-9.]+ s\)\. ", one.told)
        assert one.told.endswith(NOT_SENT)


async def test_an_outage_is_not_fed_with_retries() -> None:
    # A Vapi that comes back under three times its load goes down again.
    async with FaultyVapi(otherwise=reply(503)) as vapi, reached(vapi) as ours:
        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                for _ in range(100):
                    tasks.start_soon(attempt, ours, *calling(GET))
        # Some were tried again: what fails once in a while is what retries are for.
        assert 105 <= len(vapi.requests) < 200


@pytest.mark.parametrize(
    ("life", "counts"),
    [
        (reply(), True),
        (reply(400), True),
        (reply(401), True),
        (reply(404), True),
        (reply(429), False),
        (RESET, False),
    ],
    ids=["200", "400", "401", "404", "429", "reset"],
)
async def test_answers_earn_the_retries_that_an_outage_has_spent(life: Reply, counts: bool) -> None:
    # Without that, one bad minute would leave a server without retries until its restart.
    async with FaultyVapi(otherwise=reply(503)) as vapi, reached(vapi) as ours:

        async def requests() -> int:
            before = len(vapi.requests)
            await attempt(ours, *calling(GET))
            return len(vapi.requests) - before

        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                for _ in range(20):
                    tasks.start_soon(attempt, ours, *calling(GET))
            assert await requests() == 1
            vapi.otherwise = life
            for _ in range(2):
                assert await requests() == 1
            vapi.otherwise = reply(503)
            assert await requests() == 1 + counts
            assert await requests() == 1


def tries(retries: Retries, operation: Operation, outcomes: Iterable[VapiError | None]) -> int:
    """The tries of a call without its waits, that end as `outcomes` say; None is an answer."""
    made = 0
    for error in outcomes:
        made += 1
        if error is None:
            retries.answered()
            break
        if retries.take_retry(operation, error, made) is None:
            break
    return made


def test_a_long_outage_costs_fewer_than_two_requests_a_call() -> None:
    # In a row, not at once: what is refilled meanwhile must not be by time or by trying.
    retries = Retries()
    down = repeat(NoAnswer(""))
    assert 100 < sum(tries(retries, GET, down) for _ in range(100)) < 200


@bounded
@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(1, 200))
def test_no_world_costs_more_than_twice_the_calls_and_the_reserve(
    ups: list[bool], calls: int
) -> None:
    # Half-failing is the worst: enough answers to earn retries, enough failures to spend them.
    retries = Retries()
    errors = (None if up else Failed("", 503) for up in cycle(ups))
    assert sum(tries(retries, GET, errors) for _ in range(calls)) <= 2 * calls + 10


@every_operation
@pytest.mark.parametrize("keeps_writes", [False, True])
async def test_cancelling_during_a_wait_ends_the_call_and_sends_nothing_more(
    operation: Operation, keeps_writes: bool
) -> None:
    # Nothing is under way in a wait, so there is nothing to keep.
    async with FaultyVapi(reply(429, retry_after="9")) as vapi, reached(vapi) as ours:
        _, _, call = arguments = calling(operation, keeps_writes=keeps_writes)
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(attempt, ours, *arguments)
                await vapi.until(lambda vapi: vapi.answered == 1)
                await anyio.wait_all_tasks_blocked()
                tasks.cancel_scope.cancel()
        assert (call.status, call.tries) == (429, 1)
        assert await ours.call(*calling(GET)) == SESSION
        assert [seen.method for seen in vapi.requests] == [operation.method, "GET"]


@pytest.mark.parametrize("operation", CHANGES, ids=lambda row: row.short_name)
async def test_a_change_under_way_is_let_finish_where_a_dropped_caller_does_not_cancel(
    operation: Operation,
) -> None:
    # The 2025 eras over HTTP take a dropped connection for no cancellation.
    async with FaultyVapi(slow()) as vapi, reached(vapi) as ours:
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(attempt, ours, *calling(operation, keeps_writes=True))
                await vapi.until(lambda vapi: len(vapi.requests) == 1)
                tasks.cancel_scope.cancel()
                with anyio.CancelScope(shield=True):
                    await anyio.wait_all_tasks_blocked()
                    assert (vapi.answered, vapi.hung_up) == (0, 0)
                    vapi.release()
                    await vapi.until(lambda vapi: vapi.answered == 1)
        assert (vapi.hung_up, len(vapi.requests)) == (0, 1)


async def test_a_change_that_is_let_finish_is_not_tried_again_for_nobody() -> None:
    # Its caller is gone: to finish what was sent is owed, to begin anew is not.
    async with FaultyVapi(slow(reply(429))) as vapi, reached(vapi) as ours:
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(attempt, ours, *calling(UPDATE, keeps_writes=True))
                await vapi.until(lambda vapi: len(vapi.requests) == 1)
                vapi.release()
                tasks.cancel_scope.cancel()
        assert (vapi.answered, len(vapi.requests)) == (1, 1)


async def test_a_change_that_is_let_finish_has_a_deadline_still() -> None:
    # A Vapi that hangs would hold a server up for ever that nobody can cancel any more.
    async with FaultyVapi(SILENT) as vapi, reached(vapi, timeout=1) as ours:
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(attempt, ours, *calling(UPDATE, keeps_writes=True))
                await vapi.until(lambda vapi: len(vapi.requests) == 1)
                tasks.cancel_scope.cancel()
            await vapi.until(lambda vapi: vapi.hung_up == 1)
        assert len(vapi.requests) == 1


@pytest.mark.parametrize("operation", READS, ids=lambda row: row.short_name)
async def test_a_read_is_cancelled_with_its_caller_in_any_case(operation: Operation) -> None:
    # Nobody is there to read it, and nothing is lost.
    async with FaultyVapi(SILENT) as vapi, reached(vapi) as ours:
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(attempt, ours, *calling(operation, keeps_writes=True))
                await vapi.until(lambda vapi: len(vapi.requests) == 1)
                tasks.cancel_scope.cancel()
            await vapi.until(lambda vapi: vapi.hung_up == 1, within=1)
        assert (vapi.answered, len(vapi.requests)) == (0, 1)


@pytest.mark.parametrize("status", [200, 400])
async def test_callers_of_different_keys_at_the_same_time_are_kept_apart(status: int) -> None:
    # One HTTP client serves them all, and neither may act as the other or see its key.
    keys = [f"key-of-caller-{number:04}" for number in range(8)]
    told: dict[str, str] = {}

    def echo(seen: Seen) -> Reply:
        said = f"{seen.headers['authorization']} is no good"
        return slow(reply(status, {"id": "s-1", "message": said}))

    async with (
        FaultyVapi(*[echo] * len(keys)) as vapi,
        reached(vapi, api_key="the-servers-own") as ours,
    ):

        async def ask(key: str) -> None:
            try:
                told[key] = str(await ours.call(*calling(GET, key)))
            except Refused as exc:
                told[key] = str(exc)

        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                for key in keys:
                    tasks.start_soon(ask, key)
                await vapi.until(lambda vapi: len(vapi.requests) == len(keys))
                vapi.release(len(keys))
    sent = sorted(seen.headers["authorization"] for seen in vapi.requests)
    assert sent == [f"Bearer {key}" for key in keys]
    assert sorted(told) == keys
    for text in told.values():
        assert "Bearer *** is no good" in text
        assert "key-of-caller" not in text


@pytest.mark.parametrize(("key", "cleaned"), [("chat-01", False), ("chat-012", True)])
async def test_a_key_is_taken_out_of_answers_unless_it_could_be_a_word(
    key: str, cleaned: bool
) -> None:
    # A key of "user" would turn every conversation into asterisks.
    said = {"id": "s-1", "name": f"after {key}, again {key}"}
    async with FaultyVapi(reply(200, said)) as vapi, reached(vapi) as ours:
        answer = await ours.call(*calling(GET, key))
    assert answer["name"] == ("after ***, again ***" if cleaned else said["name"])


async def test_a_retry_carries_the_key_of_its_own_call(dead_ends: DeadEnds) -> None:
    # Its wait is when other callers' requests go out over the same client.
    ran = await run(dead_ends, UPDATE, reply(429), "nobody listens")
    assert [seen.headers["authorization"] for seen in ran.seen] == [f"Bearer {KEY}"] * 2
    assert [seen.body for seen in ran.seen] == [b'{"name":"a"}'] * 2


def test_a_key_does_not_show_in_what_is_printed_of_a_call() -> None:
    # Debuggers, logs and error reporters print the arguments of functions.
    _, _, call = calling(GET)
    assert KEY not in repr(call)
    assert KEY not in repr(replace(call.caller, brings_key=True))


def test_a_retry_that_there_is_no_time_for_costs_nothing() -> None:
    # Else calls with little time would take the retries of those that have it.
    retries = Retries()
    error = RateLimited("later", 429, 5)
    assert [retries.take_retry(GET, error, 1, 2.0) for _ in range(100)] == [None] * 100
    assert retries.take_retry(GET, error, 1, 10.0) is not None
