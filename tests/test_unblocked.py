"""A pipe and a socket are read and written without waiting, and stay as others know them."""

import os
import socket
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from vapi_sessions_mcp.unblocked import Unblocked


@dataclass(frozen=True)
class Ends:
    """Both ends of a pipe or of a socket, as everybody has them and as we do."""

    descriptors: tuple[int, int]
    reader: Unblocked
    writer: Unblocked


@pytest.fixture(params=["pipe", "socket"])
def ends(request: pytest.FixtureRequest) -> Generator[Ends]:
    with ExitStack() as stack:
        if request.param == "pipe":
            descriptors = os.pipe()
            for end in descriptors:
                stack.callback(os.close, end)
        else:
            # As Node gives its children.
            one, other = (stack.enter_context(end) for end in socket.socketpair())
            descriptors = one.fileno(), other.fileno()
        reader = Unblocked.of(descriptors[0], writes=False)
        writer = Unblocked.of(descriptors[1], writes=True)
        assert reader
        assert writer
        stack.callback(reader.close)
        stack.callback(writer.close)
        yield Ends(descriptors, reader, writer)


def test_what_is_written_is_read(ends: Ends) -> None:
    # Nothing is added and nothing is lost on the way.
    assert ends.writer.write(b"abc") == 3
    assert ends.reader.read(2) == b"ab"
    assert os.read(ends.descriptors[0], 2) == b"c"


def test_nobody_waits_where_there_is_nothing_to_read(ends: Ends) -> None:
    # A host that says nothing must not stop the event loop.
    with pytest.raises(BlockingIOError):
        ends.reader.read(1)


def fill(end: Unblocked) -> None:
    for _ in range(10_000):
        end.write(b"a" * 4_096)


def test_nobody_waits_where_there_is_no_room(ends: Ends) -> None:
    # Nor must one that reads nothing.
    with pytest.raises(BlockingIOError):
        fill(ends.writer)


def test_those_who_share_it_wait_as_before(ends: Ends) -> None:
    # It is the host's, too, and a library's that prints to it.
    assert [os.get_blocking(end) for end in ends.descriptors] == [True, True]


def test_a_file_and_what_is_closed_are_left_to_threads(tmp_path: Path) -> None:
    # A file opened once more would be written over from its beginning.
    with (tmp_path / "file").open("w") as file:
        number = file.fileno()
        assert Unblocked.of(number, writes=True) is None
    assert Unblocked.of(number, writes=True) is None
