"""When a session was created, at the precision in which Vapi says so."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

_FRACTION = re.compile(r"[.,](\d{1,6})")


@dataclass(frozen=True, slots=True)
class Instant:
    """The time from `start` up to `end`, which is the next: a millisecond of Vapi's.

    Vapi may store more digits than it shows, so two sessions of one instant can
    differ, and a filter meets all of them only by both bounds.
    """

    start: datetime
    end: datetime

    @classmethod
    def of(cls, session: dict[str, Any]) -> Self | None:
        """When `session` was created; None where it does not say so in ISO 8601 with a zone."""
        text = session.get("createdAt")
        if not isinstance(text, str):
            return None
        fraction = _FRACTION.search(text)
        step = timedelta(microseconds=10 ** (6 - len(fraction[1] if fraction else "")))
        try:
            start = datetime.fromisoformat(text)
            return (
                cls(start.astimezone(UTC), start.astimezone(UTC) + step) if start.tzinfo else None
            )
        except (ValueError, OverflowError):
            return None

    def __str__(self) -> str:
        return written(self.start)


def written(moment: datetime) -> str:
    """A time in UTC as Vapi writes it, with more digits where it has more."""
    digits = "microseconds" if moment.microsecond % 1000 else "milliseconds"
    return moment.isoformat(timespec=digits).replace("+00:00", "Z")
