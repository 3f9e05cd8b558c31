"""How long a retry waits: never sooner than Vapi asks, never longer than makes sense."""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TypeAlias

import anyio
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support.faulty_vapi import SESSION, reply
from support.properties import examples
from support.tries import MAY, READS, DeadEnds, all_of, every_operation, run
from vapi_sessions_mcp.clock import stopped_at
from vapi_sessions_mcp.contract.operations import GET, Operation
from vapi_sessions_mcp.errors import Failed, RateLimited, VapiError
from vapi_sessions_mcp.vapi.retries import Retries, retry_after

pytestmark = [pytest.mark.anyio, pytest.mark.clock]

Headers: TypeAlias = dict[str, str]


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
    begun, start = now(), anyio.current_time()

    def clock() -> datetime:
        return begun + timedelta(seconds=anyio.current_time() - start)

    until = (begun + timedelta(seconds=3)).replace(microsecond=0)
    ran = await all_of(
        {
            form.__name__: run(dead_ends, GET, reply(429, retry_after=form(until)), clock=clock)
            for form in FORMS
        }
    )
    for one in ran.values():
        assert one.answer == SESSION
        again = begun + timedelta(seconds=one.seen[1].at - start)
        # Moments have microseconds; what is less of a second is lost.
        soonest = until - timedelta(microseconds=2)
        assert soonest <= again < until + timedelta(seconds=0.5 + 1.5)


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


@examples(12)
@given(st.integers(0, 86_399), st.integers(0, 999_999_999))
def test_seconds_are_read_as_they_are_written(seconds: int, fraction: int) -> None:
    # Whole seconds by the standard; some gateways add a fraction.
    assert retry_after({"Retry-After": str(seconds)}) == seconds
    written = f"{seconds}.{fraction:09}"
    assert retry_after({"Retry-After": written}) == float(written)


@examples(12)
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


@examples(40)
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
