"""The clock that is passed to whatever needs the time; no other module reads the machine's."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

# What time it is, in UTC.
Clock: TypeAlias = Callable[[], datetime]


def real() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)  # noqa: TID251 - the one place that may


def stopped_at(moment: datetime) -> Clock:
    """A clock that always shows `moment`."""
    return lambda: moment
