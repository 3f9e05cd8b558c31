"""Which failed tries may be made again and after how long, so that none does harm."""

import math
import random
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256

from vapi_sessions_mcp.clock import Clock, real
from vapi_sessions_mcp.contract.operations import Operation
from vapi_sessions_mcp.errors import (
    ConnectionLost,
    Crowded,
    Failed,
    NotConnected,
    RateLimited,
    Untrusted,
    VapiError,
)

TRIES = 3
# Before the second try up to this many seconds, before the third up to twice as many.
BACKOFF = 0.5
# A longer wait is reported to the caller instead of waited for here.
LONGEST_WAIT = 10.0
# No server that is well asks for more than a day.
LONGEST_SAID = 86_400
PASSING = frozenset({500, 502, 503, 504})
# Retries that may be made while nothing works; each call that Vapi answers earns half a one.
BUDGET = 10.0
EARNED = 0.5
# Callers bring keys of their own, real ones or not: only so many are kept apart.
KEYS = 1024


class RetriesByKey:
    """The retries of each key of Vapi's: whoever spends theirs spends nobody else's."""

    def __init__(self) -> None:
        self._kept: dict[bytes, Retries] = {}

    def of(self, key: str) -> "Retries":
        """Those of `key`; a key that was not used for long begins anew."""
        digest = sha256(key.encode()).digest()
        self._kept[digest] = retries = self._kept.pop(digest, None) or Retries()
        if len(self._kept) > KEYS:
            del self._kept[next(iter(self._kept))]
        return retries


class Retries:
    """The retries that all calls with one key have together, so that they feed no outage."""

    def __init__(self) -> None:
        self._left = BUDGET

    def answered(self) -> None:
        """Vapi is there: it answered, be it with a refusal."""
        self._left = min(self._left + EARNED, BUDGET)

    def take_retry(
        self, operation: Operation, error: VapiError, tries: int, left: float = math.inf
    ) -> float | None:
        """Seconds to wait before `operation` is tried again, or None when `error` is final.

        `tries` have been made, and `left` seconds are left for the whole call. The
        wait is exponential with full jitter, on top of what Vapi itself asks for.
        """
        if tries >= TRIES or self._left < 1 or not may_repeat(operation, error):
            return None
        asked = error.retry_after or 0.0 if isinstance(error, Failed | RateLimited) else 0.0
        wait = asked + random.uniform(0, BACKOFF * 2 ** (tries - 1))  # noqa: S311 - no secret
        if asked > LONGEST_WAIT or wait >= left:
            return None
        self._left -= 1
        return wait


def may_repeat(operation: Operation, error: VapiError) -> bool:
    """Whether trying `operation` again after `error` can help, and cannot do anything twice.

    What may have reached Vapi is sent again only where that changes nothing: a
    second create makes a second session, and a second update could overwrite
    what somebody else changed in between.
    """
    match error:
        case Untrusted() | Crowded():
            return False
        case NotConnected() | RateLimited():
            return True
        case ConnectionLost():
            return operation.idempotent
        case Failed():
            return operation.idempotent and error.status in PASSING
        case _:
            return False


def retry_after(headers: Mapping[str, str], clock: Clock = real) -> float | None:
    """The wait that Vapi asks for in seconds, where it makes sense, said as such or as a date.

    A date is compared with Vapi's own clock, or with ours where Vapi does not send its time.
    """
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value):
        seconds = float(value)
    elif (until := _moment(value)) is None:
        return None
    else:
        # Ours may be wrong.
        now = _moment(headers.get("Date", "")) or clock()
        seconds = max((until - now).total_seconds(), 0.0)
    return seconds if seconds <= LONGEST_SAID else None


def _moment(value: str) -> datetime | None:
    """An HTTP date, RFC 9110."""
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
