"""Numbers as people are shown them: a time, a cost or a count, or nothing where it is not one."""

from datetime import UTC, datetime
from typing import Any

# In milliseconds, the years 2000 to 2099: 0 is a clock that was never set.
_TIMES = (946_684_800_000, 4_102_444_800_000)
# What no session costs: longer numbers would be the whole summary.
_COSTS = 1_000_000


def moment(value: Any) -> str:
    """A Unix time in milliseconds as ISO 8601 in UTC."""
    first, end = _TIMES
    if not _is_number(value) or not first <= value < end:
        return ""
    # Formats of its own take datetime four times as long.
    return f"{datetime.fromtimestamp(value / 1000, UTC).isoformat()[:19]}Z"


def cost(value: Any) -> float | None:
    """US dollars to four decimals, or to two digits where those would say nothing."""
    if not _is_number(value) or not abs(value) < _COSTS:
        return None
    return round(value, 4) or (float(f"{value:.2g}") if value else value)


def count(value: Any) -> int | None:
    """How many there are."""
    if not _is_number(value) or not 0 <= value < 2**53 or value % 1:
        return None
    return int(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
