"""The clock that a sandbox goes by, and moments as Vapi writes and counts them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

# What time it is, in any zone.
Clock: TypeAlias = Callable[[], datetime]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def real() -> datetime:
    """Return the time of this machine."""
    return datetime.now(UTC)  # noqa: TID251 - the one place that may


def timestamp(moment: datetime) -> str:
    """Return a moment as Vapi writes it: ISO 8601 in UTC, to the millisecond."""
    instant = moment.astimezone(UTC)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
