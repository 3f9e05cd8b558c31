"""What repeats in the log is one line a minute, with how many were left out."""

import logging
from typing import Any

import pytest

from vapi_sessions_mcp.logs import Repeats


class Log:
    """What a log shows of records that come at times of our choice."""

    def __init__(self) -> None:
        self.now = 0.0
        self._filter = Repeats(lambda: self.now)

    def shows(self, message: str, logger: str = "asyncio", **fields: Any) -> dict[str, Any] | None:
        """The fields of the line that a record makes, or None where it makes none."""
        record = logging.LogRecord(logger, logging.ERROR, "", 0, message, None, None)
        if fields:
            record.fields = fields
        return getattr(record, "fields", {}) if self._filter.filter(record) else None


def test_what_repeats_is_said_once_a_minute_with_its_count() -> None:
    # 200 connections too many made asyncio write 29 831 lines.
    log = Log()
    assert log.shows("too many files") == {}
    for log.now in (0.0, 1.0, 59.9):
        assert log.shows("too many files") is None
    log.now = 60.0
    assert log.shows("too many files") == {"left_out": 3}
    log.now = 119.9
    assert log.shows("too many files") is None
    log.now = 200.0
    assert log.shows("too many files") == {"left_out": 1}
    log.now = 300.0
    assert log.shows("too many files") == {}


@pytest.mark.parametrize(
    "other",
    [
        {"message": "another"},
        {"logger": "uvicorn.error"},
        {"count": 2},
    ],
    ids=str,
)
def test_only_what_is_the_same_is_left_out(other: dict[str, Any]) -> None:
    # A refusal of another kind in the same minute is news.
    log = Log()
    same: dict[str, Any] = {"message": "full", "count": 1}
    assert log.shows(**same) == {"count": 1}
    assert log.shows(**same | other) is not None
    log.now = 60.0
    assert log.shows(**same) == {"count": 1}


def test_every_call_and_every_refusal_is_in_the_log_however_alike_they_are() -> None:
    # It is the account of what was done, and of who tried.
    log = Log()
    for logger in ("calls", "access", "webhooks"):
        for _ in range(3):
            shown = log.shows("refused", logger=f"vapi_sessions_mcp.{logger}", status=401)
            assert shown == {"status": 401}
    # What Vapi, or whoever has the Redis, can say without end is no account of anything.
    ignored = "vapi_sessions_mcp.webhooks.ignored"
    assert [log.shows("ignored", logger=ignored) for _ in range(2)] == [{}, None]


def test_the_memory_of_what_was_said_is_bounded() -> None:
    # Records can hold what clients choose.
    log = Log()
    for number in range(Repeats.MOST):
        assert log.shows(f"{number}") == {}
    assert log.shows("1") is None
    assert log.shows("one too many") == {}
    assert log.shows("1") == {}
