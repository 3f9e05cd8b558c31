"""Which tries are made again: a table written by hand, held against real sockets."""

from itertools import chain, product

import pytest

from support.faulty_vapi import RESET, RESET_UNREAD, SESSION, SILENT, Reply, cut, reply
from support.tries import (
    COMPARE,
    CREATED,
    DELETED,
    GET_IT,
    GOT,
    LATER,
    LIST_FIRST,
    NOT_SENT,
    UPDATED,
    DeadEnds,
    Step,
    all_of,
    every_operation,
    run,
)
from vapi_sessions_mcp.contract.operations import (
    CREATE,
    DELETE,
    GET,
    LIST,
    OPERATIONS,
    UPDATE,
    Operation,
)

pytestmark = pytest.mark.anyio

every_change = pytest.mark.parametrize(
    "operation", [CREATE, UPDATE], ids=lambda row: row.short_name
)
HTML = b"<html><body>nginx</body></html>"


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
    "200 no JSON": (reply(200, b"{"), NONE),
    "200 with a list": (reply(200, []), NONE),
    **{str(status): (reply(status, location="/session"), NONE) for status in (301, 302, 307, 308)},
    **{str(status): (reply(status), NONE) for status in (400, 401, 403, 404, 405, 408, 409, 413)},
    **{str(status): (reply(status), NONE) for status in (422, 425, 451, 501, 505, 520, 599)},
}


# After these nobody knows whether a change was made.
MAY_HAVE_LANDED: dict[str, Step] = {
    name: FAULTS[name][0]
    for name in ("500", "503", "reset before reading", "reset after reading", "closed in the body")
} | {"no answer": SILENT, "half a body": cut("hang"), "200 no JSON": reply(200, b"{")}
FAILED = "Vapi failed (500 Internal Server Error)."
TOO_MANY = "too many requests (429 Too Many Requests)."
REFUSED = "Vapi refused it (400 Bad Request)."
GARBLED = "the answer of HOST is not a session's JSON (not JSON)."
LOST = "the connection to HOST was lost before the answer was complete."
NO_NAME = "no connection to HOST ([Errno -2] Name or service not known)."
NOT_CHANGED = NOT_SENT.replace("sent", "changed", 1)
NO_SESSION = "No session s-1: it may have expired or been deleted. List sessions to find its id."
PROBABLY = (
    "Session s-1 was probably deleted by an earlier try of this call, which failed or got no"
    " answer: now there is no such session. Its last copy could not be had."
)


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
    (DELETE, [reply(502), reply(200, b"{")], 2, f"{DELETED} 2 tries: {GARBLED} {GET_IT}"),
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
