"""What the prelude answers is what the SDK's server would; what it does not know, it hands over."""

import json
import os
import select
import signal
from threading import Thread
from typing import Any, TypeAlias

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.openings import CONVERSATIONS, INITIALIZED, conversations, discovering, shaking
from support.published import answers
from support.stdio_calls import initialize, legacy, modern
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.transports.prelude import Begun, Prelude, Unknown, converse
from vapi_sessions_mcp.transports.published import Published
from vapi_sessions_mcp.transports.signals import Stopped, stoppable

Json: TypeAlias = dict[str, Any]

PLAIN = Settings()
PUBLISHED = Published(PLAIN)
HANDSHAKE = shaking("2025-11-25", {}, {"name": "x", "version": "1"})
DISCOVERY = discovering({}, {"name": "x", "version": "1"})


def line(frame: Any) -> bytes:
    return json.dumps(frame).encode()


def told(frames: list[Json], published: Published = PUBLISHED) -> tuple[list[Json], list[Json]]:
    """What a prelude answers, and which of the frames it answered or took."""
    prelude, said, taken = Prelude(published), list[Json](), list[Json]()
    for frame in frames:
        try:
            answer = prelude.answer(line(frame))
        except Unknown:
            break
        taken.append(frame)
        if answer is not None:
            said.append(answer)
    return said, taken


def from_the_server(frames: list[Json], settings: Settings = PLAIN) -> list[Json]:
    return anyio.run(answers, settings, frames)


@pytest.mark.parametrize("host", CONVERSATIONS)
@pytest.mark.parametrize(
    "settings",
    [PLAIN, Settings(tool_names="short", read_only=True), Settings(confirm_delete="person")],
    ids=["plain", "read-only", "confirmed"],
)
def test_a_host_s_start_is_answered_as_the_server_would(host: str, settings: Settings) -> None:
    # Value by value: a host must not see which of the two it talks to.
    frames = CONVERSATIONS[host]
    said, taken = told(frames, Published(settings))
    assert taken == frames
    assert said == from_the_server(frames, settings)


@given(conversations())
def test_whatever_is_answered_is_what_the_server_would_answer(frames: list[Json]) -> None:
    # It is never cleverer than a comparison, so it can never be wrong where it is sure.
    said, taken = told(frames)
    assert said == from_the_server(taken)


UNKNOWN: dict[str, list[Json]] = {
    "a call": [*HANDSHAKE[:2], legacy(9, "tools/call", name="x", arguments={})],
    "an unknown version": [initialize(1, "2027-01-01")],
    "a second handshake": [*HANDSHAKE[:2], initialize(9, "2025-11-25")],
    "a list before the handshake": [legacy(1, "tools/list")],
    "a list before the handshake has ended": [HANDSHAKE[0], legacy(1, "tools/list")],
    "initialized before the handshake": [INITIALIZED],
    "initialized twice": [*HANDSHAKE[:2], INITIALIZED],
    "initialized in the version without": [DISCOVERY[0], INITIALIZED],
    "another capability": shaking("2025-11-25", {"tasks": {}}, {"name": "x", "version": "1"})[:1],
    "a capability of another kind": shaking(
        "2025-11-25", {"roots": {"listChanged": 1}}, {"name": "x", "version": "1"}
    )[:1],
    "a nameless client": shaking("2025-11-25", {}, {"version": "1"})[:1],
    "a client of another kind": [
        {**HANDSHAKE[0], "params": {**HANDSHAKE[0]["params"], "clientInfo": "x"}}
    ],
    "a client with an icon": shaking("2025-11-25", {}, {"name": "x", "version": "1", "icons": []})[
        :1
    ],
    "a field beside": [{**HANDSHAKE[0], "auth": "x"}],
    "a parameter beside": [{**HANDSHAKE[0], "params": {**HANDSHAKE[0]["params"], "x": 1}}],
    "a cursor": [*HANDSHAKE[:2], legacy(9, "tools/list", cursor="x")],
    "a token that is true": [*HANDSHAKE[:2], legacy(9, "ping", _meta={"progressToken": True})],
    "an id without end": [{**HANDSHAKE[0], "id": "x" * 99}],
    "ping of 2026": [DISCOVERY[0], modern(9, "ping")],
    "a handshake after discovery": [DISCOVERY[0], HANDSHAKE[0]],
    "discovery after a handshake": [*HANDSHAKE[:2], DISCOVERY[0]],
    "a notification": [*HANDSHAKE[:2], {"jsonrpc": "2.0", "method": "notifications/cancelled"}],
    "an answer": [*HANDSHAKE[:2], {"jsonrpc": "2.0", "id": 1, "result": {}}],
    "no message": [*HANDSHAKE[:2], {"id": 1}],
}


@pytest.mark.parametrize("frames", UNKNOWN.values(), ids=UNKNOWN)
def test_what_is_not_known_exactly_is_handed_over(frames: list[Json]) -> None:
    # Only the SDK knows what to say to it.
    assert told(frames)[1] == frames[:-1]


# The conversation on its pipes


class Long(Prelude):
    """One whose answers are longer than any pipe."""

    def answer(self, line: bytes) -> Json:
        return {"result": "x" * 2_000_000}


def conversed(*chunks: bytes) -> tuple[Begun | None, list[Json]]:
    """What is left to serve when stdin has these bytes, one read each; and what was answered."""
    stdin, ours = os.pipe()
    theirs, stdout = os.pipe()
    with open(theirs, "rb") as answered:
        try:
            for chunk in chunks:
                os.write(ours, chunk)
            os.close(ours)
            begun = converse(Prelude(PUBLISHED), stdin, stdout)
        finally:
            os.close(stdout)
            os.close(stdin)
        return begun, [json.loads(each) for each in answered.read().splitlines()]


def test_nothing_is_left_when_stdin_ends_behind_what_is_known() -> None:
    # Most conversations end so, and the SDK is never imported.
    begun, answered = conversed(line(DISCOVERY[0]) + b"\n")
    assert begun is None
    assert answered == from_the_server(DISCOVERY[:1])
    assert conversed() == (None, [])
    assert conversed(b"\n \n") == (Begun(), []) or conversed(b"\n") == (None, [])


def test_two_messages_at_once_are_the_server_s_to_answer() -> None:
    # A host that gave up on the first sends another era's first: only one of them counts.
    both = line(DISCOVERY[0]) + b"\n" + line(HANDSHAKE[0]) + b"\n"
    assert conversed(both) == (Begun([], both), [])


def test_a_pipe_that_does_not_block_gets_the_whole_answer() -> None:
    # Whoever shares it with us decides that; half an answer would end the conversation.
    stdin, ours = os.pipe()
    theirs, stdout = os.pipe()
    os.set_blocking(stdout, False)
    os.write(ours, line(HANDSHAKE[0]) + b"\n")
    os.close(ours)
    conversation = Thread(target=converse, args=(Long(PUBLISHED), stdin, stdout))
    conversation.start()
    read = b""
    while not read.endswith(b"}\n"):
        read += os.read(theirs, 4_096)
    conversation.join(60)
    for each in (stdin, theirs, stdout):
        os.close(each)
    assert json.loads(read) == Long(PUBLISHED).answer(b"")


def test_a_stdin_that_does_not_block_is_waited_for() -> None:
    # Whoever shares it with us decides that, too.
    stdin, ours = os.pipe()
    theirs, stdout = os.pipe()
    os.set_blocking(stdin, False)
    conversation = Thread(target=converse, args=(Prelude(PUBLISHED), stdin, stdout))
    conversation.start()
    # Of so many turns, nearly all begin before the next message is there.
    for frame in [*HANDSHAKE[:2], *[legacy(n, "ping") for n in range(300)]]:
        os.write(ours, line(frame) + b"\n")
        if "id" in frame:
            assert json.loads(os.read(theirs, 65_536))["id"] == frame["id"]
    os.close(ours)
    conversation.join(60)
    for each in (stdin, theirs, stdout):
        os.close(each)


def test_a_wait_ends_for_a_signal_that_came_just_before_it() -> None:
    # Python's handler runs between two instructions, and none follows until a read returns.
    stdin, ours = os.pipe()

    class Signalled(Prelude):
        def answer(self, line: bytes) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

    def do_nothing(_number: int, _frame: object) -> None:
        pass

    os.write(ours, b"x\n")
    try:
        with stoppable() as signalled, pytest.raises(Stopped):
            converse(Signalled(PUBLISHED), stdin, wakes=(signalled,))
        # The descriptor says what the handler cannot: here it does nothing.
        with stoppable() as signalled:
            signal.signal(signal.SIGTERM, do_nothing)
            os.kill(os.getpid(), signal.SIGTERM)
            assert select.select((signalled,), (), (), 60)[0] == [signalled]
    finally:
        os.close(stdin)
        os.close(ours)


def test_a_line_that_has_not_ended_is_handed_over_with_the_end_of_stdin() -> None:
    # The server answers it, as it does without a prelude.
    assert conversed(line(HANDSHAKE[0])) == (Begun([], line(HANDSHAKE[0])), [])


def test_a_long_line_is_not_kept_here() -> None:
    # Its limits are the server's.
    begun, answered = conversed(b"x" * 65_000)
    assert begun == Begun([], b"x" * 65_000)
    assert answered == []


@given(st.binary(max_size=40))
def test_bytes_that_are_no_message_are_handed_over_as_they_are(raw: bytes) -> None:
    # The server refuses them, with an answer and a line in the log.
    begun, answered = conversed(raw)
    assert answered == []
    assert (begun.rest if begun else b"").strip() == raw.strip() or not raw.strip()
