"""Lines to a pipe that may be full: nobody waits, few are kept, and what is lost is counted."""

import os
import select
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from support.pipes import Pipe, full_pipe
from vapi_sessions_mcp.log_writer import LogWriter

MOST = 1_000


def lost(count: int) -> str:
    return f"lost {count}\n"


@pytest.fixture
def pipe() -> Generator[Pipe]:
    """A full pipe, which nobody has read yet."""
    with full_pipe() as pipe:
        yield pipe


def test_lines_are_written_in_their_order(pipe: Pipe) -> None:
    # Who reads a log reads what came first.
    pipe.read_filling()
    writer = LogWriter(pipe.write_end, lost, MOST)
    for number in range(50):
        writer.write(f"{number}\n")
        writer.drain(60)
    assert pipe.lines(50) == [f"{number}" for number in range(50)]


def test_what_finds_no_room_is_counted_in_its_place(pipe: Pipe) -> None:
    # A gap that is not marked looks like an hour in which nothing happened.
    writer = LogWriter(pipe.write_end, lost, MOST)
    for number in range(1_000):
        writer.write(f"{number:9}\n")
    pipe.read_filling()
    lines = pipe.lines(101)
    writer.drain(60)
    writer.write("more\n")
    assert [int(line) for line in lines[:-1]] == [*range(100)]
    assert lines[-1] == "lost 900"
    assert pipe.lines(1) == ["more"]


def test_the_count_comes_before_what_is_written_after_it(pipe: Pipe) -> None:
    # Otherwise the gap would be looked for at the wrong time.
    writer = LogWriter(pipe.write_end, lost, 40)
    for line in ("first", "second", "x" * 80):
        writer.write(f"{line}\n")
    writer.write("third\n")
    pipe.read_filling()
    assert pipe.lines(4) == ["first", "second", "lost 1", "third"]


def test_after_a_loss_lines_wait_until_half_of_the_room_is_free(pipe: Pipe) -> None:
    # Each single line that fits would otherwise bring a count of its own.
    writer = LogWriter(pipe.write_end, lost, 40)
    for line in ("a" * 29, "b" * 29, "c", "d"):
        writer.write(f"{line}\n")
    pipe.read_filling()
    assert pipe.lines(2) == ["a" * 29, "lost 3"]


def test_the_end_waits_for_what_can_be_written_and_not_for_the_rest(pipe: Pipe) -> None:
    # A host that reads nothing must not be able to keep the process.
    writer = LogWriter(pipe.write_end, lost, MOST)
    writer.write("a\n")
    writer.drain(0)
    pipe.read_filling()
    writer.drain(60)
    assert select.select([pipe.read_end], [], [], 0)[0]
    assert pipe.lines(1) == ["a"]


def test_a_pipe_that_does_not_block_is_waited_for(pipe: Pipe) -> None:
    # Whoever shares it with us may have set it so, and no line may end in its middle.
    os.set_blocking(pipe.write_end, False)
    pipe.read_filling()
    long = "a" * 2**18
    writer = LogWriter(pipe.write_end, lost, 2**19)
    writer.write(f"{long}\n")
    writer.write("b\n")
    assert pipe.lines(2) == [long, "b"]


def test_lines_that_cannot_be_written_are_counted_and_end_nothing(pipe: Pipe) -> None:
    # A reader that is gone, or a disk that is full, may be back in an hour.
    pipe.close_read_end()
    writer = LogWriter(pipe.write_end, lost, MOST)
    for _ in range(3):
        writer.write("a\n")
        writer.drain(60)
    read_end, write_end = os.pipe()
    os.dup2(write_end, pipe.write_end)
    os.close(write_end)
    writer.write("b\n")
    with os.fdopen(read_end, "rb") as back:
        assert [back.readline(), back.readline()] == [b"lost 3\n", b"b\n"]


def test_half_a_surrogate_is_escaped(pipe: Pipe) -> None:
    # UTF-8 has no bytes for it, and whoever logs it must not fail.
    pipe.read_filling()
    writer = LogWriter(pipe.write_end, lost, MOST)
    writer.write("\ud83d é\n")
    assert pipe.lines(1) == ["\\ud83d é"]


def test_a_pipe_that_is_read_takes_a_line_without_a_thread(pipe: Pipe) -> None:
    # A thread that is woken for each line takes a tenth of a call.
    pipe.read_filling()
    before = threading.active_count()
    writer = LogWriter(pipe.write_end, lost, MOST)
    writer.write("a\n")
    assert select.select([pipe.read_end], [], [], 0)[0]
    assert threading.active_count() == before
    assert pipe.lines(1) == ["a"]


def test_a_file_is_written_where_it_ends(tmp_path: Path) -> None:
    # Opened once more, it would be written over from its beginning.
    path = tmp_path / "log"
    with path.open("w") as file:
        file.write("before\n")
        file.flush()
        writer = LogWriter(file.fileno(), lost, MOST)
        writer.write("a\n")
        writer.drain(60)
    assert path.read_text() == "before\na\n"


def test_a_descriptor_that_is_closed_is_counted_and_ends_nothing(pipe: Pipe) -> None:
    # Whoever closed it has no use for the log, and calls go on.
    closed = os.dup(pipe.write_end)
    os.close(closed)
    writer = LogWriter(closed, lost, MOST)
    writer.write("a\n")
    writer.drain(60)
    os.dup2(pipe.write_end, closed)
    pipe.read_filling()
    writer.write("b\n")
    assert pipe.lines(2) == ["lost 1", "b"]
    os.close(closed)
