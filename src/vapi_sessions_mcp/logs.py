"""Logs to stderr: one line a call, no stack trace, nothing that customers said.

Nobody who logs waits for whoever reads stderr. What repeats is one line a minute: whoever can
make a server say something could fill its disk.
"""

import atexit
import json
import logging
import sys
import time
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from vapi_sessions_mcp.caller import CallRecord
from vapi_sessions_mcp.invisible import visible_text
from vapi_sessions_mcp.log_writer import LogWriter
from vapi_sessions_mcp.settings import LogFormat

_CALLS = logging.getLogger("vapi_sessions_mcp.calls")
_FAULTS = logging.getLogger("vapi_sessions_mcp.faults")
_ANNOUNCEMENTS = logging.getLogger("vapi_sessions_mcp.announcements")
# Modules whose lines are named, where a failure passed through any of them.
_OURS = "vapi_sessions_mcp."
_ACCOUNT = (
    _CALLS.name,
    "vapi_sessions_mcp.access",
    "vapi_sessions_mcp.stdio",
    "vapi_sessions_mcp.webhooks",
)


def set_up(level: str, log_format: LogFormat = "text") -> None:
    """Log to stderr; other libraries below WARNING only for debugging, the HTTP client never."""
    own = logging.getLevelNamesMapping()[level.upper()]
    formatter = _OneLine(json.dumps if log_format == "json" else _text)
    handler: logging.Handler = logging.NullHandler()
    # Without a stderr its number may be that of any file which was opened since.
    if sys.stderr is not None:
        writer = LogWriter(2, lambda count: f"{formatter.format(_lost(count))}\n")
        atexit.register(writer.drain)
        handler = logging.StreamHandler(writer)
    handler.setFormatter(formatter)
    handler.addFilter(Repeats())
    logging.basicConfig(handlers=[handler])
    # At INFO the HTTP client logs whole URLs.
    quiet = max(own, logging.WARNING)
    logging.getLogger().setLevel(logging.INFO if own < logging.INFO else quiet)
    logging.getLogger("vapi_sessions_mcp").setLevel(own)
    logging.getLogger("httpx2").setLevel(quiet)
    # It repeats the header that it refuses; the guard logs that it did.
    logging.getLogger("mcp.server.transport_security").setLevel(logging.ERROR)
    # It repeats baggage that callers sent, headers of OTEL_ variables and what collectors say.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)


def announce(line: str) -> bool:
    """Write `line` to stderr as it is, at every level; False where nothing was set up to do so."""
    handlers = logging.getLogger().handlers
    if not any(isinstance(getattr(handler, "stream", None), LogWriter) for handler in handlers):
        return False
    _ANNOUNCEMENTS.critical("%s", line)
    return True


def _lost(lines: int) -> logging.LogRecord:
    """The record that takes the place of lines which nobody read in time."""
    said = {"msg": "lines were lost: stderr was not read", "fields": {"lines": lines}}
    about = {"name": "vapi_sessions_mcp.log", "levelno": logging.WARNING, "levelname": "WARNING"}
    return logging.makeLogRecord({**about, **said})


@contextmanager
def logged_call(tool: str, call: CallRecord) -> Generator[None]:
    """Log one line when the block ends: what `call` was and took; what it asked for, never."""
    started, error = time.perf_counter(), ""
    try:
        yield
    except BaseException as exc:
        error = type(exc).__name__
        raise
    finally:
        fields = {
            "tool": tool,
            "session": call.session,
            "status": call.status,
            "error": error,
            "tries": call.tries,
            "ms": round((time.perf_counter() - started) * 1000),
            "bytes": call.size,
        }
        given = {name: value for name, value in fields.items() if value not in ("", None)}
        _CALLS.info("call", extra={"fields": given})


def log_fault(fault: BaseException, level: int = logging.ERROR) -> None:
    """Log a failure that nobody foresaw: what it was and where, not its words."""
    _FAULTS.log(level, "unforeseen failure", extra={"fields": _reason(fault)})


def _reason(error: BaseException) -> dict[str, str]:
    """The class of the error at the bottom of `error`, and the line of ours that it came from.

    Its text may hold what customers said, or a password.
    """
    chain: list[BaseException] = []
    below: BaseException | None = error
    while below is not None and below not in chain:
        chain.append(below)
        below = _beneath(below)
    places = [
        f"{frame.f_globals.get('__name__')}:{line}"
        for each in chain
        for frame, line in traceback.walk_tb(each.__traceback__)
    ]
    ours = [place for place in places if place.startswith(_OURS)]
    return {"exception": type(chain[-1]).__name__, "at": ["unknown", *places, *ours][-1]}


def _beneath(error: BaseException) -> BaseException | None:
    """The first of a group, or what an error was raised `from`."""
    if isinstance(error, BaseExceptionGroup):
        return cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error.__cause__


class Repeats(logging.Filter):
    """Lets a record through once a minute, and says then how many like it were left out.

    All that is said about calls, about who was refused and about what Vapi reported is let
    through: it is the account of what was done here.
    """

    SECONDS = 60.0
    # Of different records; more are forgotten, and said again.
    MOST = 1_000

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds."""
        super().__init__()
        self._clock = clock
        # When each was last let through, and how many were left out since.
        self._said: dict[tuple[str, str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether `record` is let through."""
        if record.name in _ACCOUNT:
            return True
        fields: dict[str, Any] = getattr(record, "fields", {})
        said = (record.name, record.getMessage(), str(fields))
        now = self._clock()
        last, left_out = self._said.get(said, (now - self.SECONDS, 0))
        if now - last < self.SECONDS:
            self._said[said] = (last, left_out + 1)
            return False
        if len(self._said) >= self.MOST:
            self._said.clear()
        self._said[said] = (now, 0)
        if left_out:
            record.fields = {**fields, "left_out": left_out}
        return True


class _OneLine(logging.Formatter):
    converter = time.gmtime
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self, shape: Callable[[Mapping[str, Any]], str]) -> None:
        """`shape` makes one line of fields."""
        super().__init__()
        self._shape = shape

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record; an announcement is one already."""
        if record.name == _ANNOUNCEMENTS.name:
            return record.getMessage()
        return self._shape(self.fields(record))

    def fields(self, record: logging.LogRecord) -> Mapping[str, Any]:
        """What a line holds; a stack trace may hold what customers said, and is left out."""
        message, reason = record.getMessage(), {}
        if record.exc_info and record.exc_info[1]:
            reason = _reason(record.exc_info[1])
            # Below its first line asyncio repeats what the exception says.
            message = message.strip().partition("\n")[0]
        if message.startswith("Traceback "):
            # Starlette hands its own over as text, with all that the exception says.
            message = "A failure, whose stack trace is left out"
        about: dict[str, Any] = {
            "time": self.formatTime(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": " ".join(message.split()),
        }
        return about | reason | getattr(record, "fields", {})


def _text(fields: Mapping[str, Any]) -> str:
    time, level, logger, message, *_ = fields.values()
    more = "".join(f" {name}={value}" for name, value in [*fields.items()][4:])
    return visible_text(f"{time} {level.upper()} {logger}: {message}{more}")
