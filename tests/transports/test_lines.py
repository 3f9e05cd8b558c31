"""Chunks of bytes become the lines that they are, however they are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vapi_sessions_mcp.transports.lines import Lines

pieces = st.lists(st.binary(max_size=8) | st.sampled_from([b"\n", b"a\n", b"a" * 12]))


@given(chunks=pieces)
def test_lines_are_the_same_however_the_bytes_come(chunks: list[bytes]) -> None:
    # A pipe cuts where it likes; a message that is cut wrongly is two that are none.
    lines = Lines()
    got = [line for chunk in chunks for line in lines.feed(chunk)]
    assert [*got, lines.rest()] == b"".join(chunks).split(b"\n")


@given(chunks=pieces)
def test_a_line_that_is_too_long_is_said_once_and_no_other_is_lost(chunks: list[bytes]) -> None:
    # The messages behind it are somebody's calls.
    lines = Lines(most=10)
    got = [line for chunk in chunks for line in lines.feed(chunk)]
    expected = [line if len(line) <= 10 else None for line in b"".join(chunks).split(b"\n")]
    assert got == (expected if expected[-1] is None else expected[:-1])


@pytest.mark.parametrize("length", [10, 11])
def test_it_is_said_while_the_line_arrives(length: int) -> None:
    # Its end may never come.
    assert [*Lines(most=10).feed(b"a" * length)] == [None] * (length > 10)
