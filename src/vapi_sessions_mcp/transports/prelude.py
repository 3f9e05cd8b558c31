"""Answers what every host asks at its start, before the SDK is imported.

Importing the SDK is nearly all of a start, and most conversations never call a
tool. The first message that is not known exactly wakes the SDK, which is given
the handshake again, and its answer to that is dropped.
"""

import json
import os
import select
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from vapi_sessions_mcp import json_rpc
from vapi_sessions_mcp.json_rpc import NotAMessage
from vapi_sessions_mcp.transports.openings import known
from vapi_sessions_mcp.transports.published import MODERN, Published

Json: TypeAlias = dict[str, Any]

CHUNK = 65_536


@dataclass(frozen=True)
class Begun:
    """A conversation to take over.

    The client has the answer to the first line of `handshake`; `rest` was read from
    stdin and has no answer yet.
    """

    handshake: list[bytes] = field(default_factory=list[bytes])
    rest: bytes = b""


class Unknown(Exception):
    """A message that the SDK has to answer; `rest` is what was read from there on."""

    rest = b""


class Prelude:
    """A conversation so far: as few states as its start has."""

    def __init__(self, published: Published) -> None:
        """Before its first message."""
        self._published = published
        # The version in which lists are asked for: of the handshake, or of each request.
        self._version = ""
        self._initialized = False
        # The messages that decide how the SDK reads those after them.
        self.handshake: list[bytes] = []

    def answer(self, line: bytes) -> Json | None:
        """The answer to a message, None for a notification; raises Unknown and changes nothing."""
        try:
            opening = known(json_rpc.read(line).message)
        except NotAMessage as exc:
            raise Unknown from exc
        if opening is None:
            raise Unknown
        method, id, version = opening
        if method == "notifications/initialized":
            self._initialize(line)
            return None
        if method == "initialize":
            fits = not self.handshake
        elif version:
            fits = version == MODERN and self._version in ("", MODERN)
        else:
            fits, version = self._initialized, self._version
        result = self._published.result(method, version) if fits else None
        if result is None:
            raise Unknown
        if not self.handshake:
            self.handshake, self._version = [line], version
        return {"jsonrpc": "2.0", "id": id, "result": result}

    def _initialize(self, line: bytes) -> None:
        if self._version in ("", MODERN) or self._initialized:
            raise Unknown
        self._initialized = True
        self.handshake.append(line)


def converse(
    prelude: Prelude, stdin: int = 0, stdout: int = 1, *, wakes: Sequence[int] = ()
) -> Begun | None:
    """Answer what is known until something is not, and hand that over; None at the end of stdin.

    Raises BrokenPipeError when the client is gone. Descriptors in `wakes` end a wait for
    stdin when they can be read, for whoever raises an error then.
    """
    rest = b""
    while chunk := _read(stdin, wakes):
        rest += chunk
        try:
            rest = _answer_lines(prelude, rest, stdout)
        except Unknown as exc:
            return Begun(prelude.handshake, exc.rest)
        if len(rest) > CHUNK:
            break
    return Begun(prelude.handshake, rest) if rest else None


def _answer_lines(prelude: Prelude, read: bytes, stdout: int) -> bytes:
    """Answer each line in what was read; what is left is the beginning of one."""
    *lines, rest = read.split(b"\n")
    for at, line in enumerate(lines):
        try:
            # Of two messages before any answer, the second may take the place of the first.
            if not prelude.handshake and (lines[at + 1 :] or rest):
                raise Unknown
            answer = prelude.answer(line) if line.strip() else None
        except Unknown as exc:
            exc.rest = b"\n".join([*lines[at:], rest])
            raise
        if answer is not None:
            _write(stdout, json.dumps(answer, ensure_ascii=False, separators=(",", ":")))
    return rest


def _read(stdin: int, wakes: Sequence[int]) -> bytes:
    while True:
        if os.name == "posix":  # pragma: no branch - Windows waits in the read itself
            select.select((stdin, *wakes), (), ())
        with suppress(BlockingIOError):  # another reader was faster
            return os.read(stdin, CHUNK)


def _write(stdout: int, text: str) -> None:
    left = text.encode() + b"\n"
    while left:
        try:
            left = left[os.write(stdout, left) :]
        except BlockingIOError:
            # Whoever shares the file with us does not let it block.
            select.select((), (stdout,), ())
