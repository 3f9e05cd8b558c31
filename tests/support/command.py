"""The command run in this process, and how it ended."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias


class Ended(NamedTuple):
    """How the command ended, and what it wrote."""

    code: int
    out: str
    err: str


Run: TypeAlias = Callable[..., Ended]


def refused(ended: Ended) -> str:
    """The one line on stderr of a command that could not start; nothing else was written."""
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith("vapi-sessions-mcp: ")
    assert ended.err.endswith("\n")
    assert ended.err.count("\n") == 1
    return ended.err.removeprefix("vapi-sessions-mcp: ").removesuffix("\n")
