"""Times as people write them: a moment in one form, and a date alone as the whole day in UTC."""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# RFC 3339, and what its section 5.6 and ISO 8601 let people write besides.
_MOMENT = re.compile(
    rf"(?P<date>{_DATE.pattern})[T ]"
    r"(?P<time>[0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?)"
    r" ?(?P<zone>Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)?"
)
_ZONE = re.compile(r"(Z|[+-][0-9]{2}:[0-9]{2})$")
_MIDNIGHT = re.compile(r"24:00(:00([.,]0+)?)?")

COLUMNS = ("createdAt", "updatedAt")
# A bound of a whole day, as a bound of the day after it.
_ACROSS = {"Gt": "Ge", "Le": "Lt"}


def read_time(text: str) -> str:
    """A date as it is, a moment as Vapi writes it; raises ValueError for anything else.

    A zone that was not given is not added.
    """
    said = text.strip(" ").upper()
    if _DATE.fullmatch(said):
        _next(said)
        return said
    found = _MOMENT.fullmatch(said)
    if found is None:
        raise ValueError(text)
    day, time = found["date"], found["time"].replace(",", ".")
    if _MIDNIGHT.fullmatch(time):
        day, time = _next(day), "00:00:00"
    moment = f"{day}T{time}{_zone(found['zone'])}"
    datetime.fromisoformat(moment)
    return moment


def has_zone(moment: str) -> bool:
    """Whether what `read_time` returned says in which zone it is."""
    return bool(_ZONE.search(moment))


def bounds(filters: Mapping[str, Any]) -> dict[str, Any]:
    """The filters of a list with their times as Vapi understands them: moments with a zone.

    A day, which to Vapi is its midnight, is a whole one: after it is from the next
    one on, and until it is before the next one. Where two bounds then are one
    filter, the narrower remains.
    """
    sent: dict[str, Any] = {}
    for name, value in filters.items():
        column, suffix = name[:-2], name[-2:]
        if column not in COLUMNS:
            sent[name] = value
            continue
        if _DATE.fullmatch(value) and suffix in _ACROSS:
            suffix, value = _ACROSS[suffix], _next(value)
        moment = _in_zone(value)
        if (other := sent.get(column + suffix)) is not None:
            narrower = min if suffix == "Lt" else max
            moment = narrower(other, moment, key=datetime.fromisoformat)
        sent[column + suffix] = moment
    return sent


def _in_zone(text: str) -> str:
    if _DATE.fullmatch(text):
        return f"{text}T00:00:00Z"
    return text if has_zone(text) else f"{text}Z"


def _next(day: str) -> str:
    """The day after; raises ValueError where there is none."""
    try:
        return (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    except OverflowError as exc:
        raise ValueError(day) from exc


def _zone(said: str | None) -> str:
    if not said or not said.startswith(("+", "-")):
        return "Z" if said else ""
    digits = said.replace(":", "")
    return f"{digits[:3]}:{digits[3:] or '00'}"
