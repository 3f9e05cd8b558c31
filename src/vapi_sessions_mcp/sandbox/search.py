"""What a list query asks for: its filters as one SQL condition, its order and its page."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from starlette.datastructures import QueryParams

from vapi_sessions_mcp.sandbox.clock import EPOCH, MILLISECOND
from vapi_sessions_mcp.sandbox.rules import (
    Check,
    RefusedError,
    choice,
    flag,
    number,
    phone_number,
    text,
)

DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE]-?[0-9]+)?")

# Each query name, and the column of store.py that it must equal.
EXACT = {
    "id": "id",
    "assistantId": "assistant_id",
    "squadId": "squad_id",
    "workflowId": "workflow_id",
    "phoneNumberId": "phone_number_id",
    "number": "customer_number",
    "sipUri": "sip_uri",
    "email": "email",
    "externalId": "external_id",
    "extension": "extension",
}
ANY_OF = {
    "idAny": "id",
    "assistantIdAny": "assistant_id",
    "customerNumberAny": "customer_number",
    "phoneNumberIdAny": "phone_number_id",
}
RANGES = {
    f"{name}{suffix}": f"{column} {operator} ?"
    for name, column in (("createdAt", "created_ms"), ("updatedAt", "updated_ms"))
    for suffix, operator in (("Gt", ">"), ("Lt", "<"), ("Ge", ">="), ("Le", "<="))
}
ORDERS = {"createdAt": "created_ms", "duration": "duration", "cost": "cost"}


@dataclass(frozen=True)
class Search:
    """A checked list query; `where` and `order` hold only this module's own words."""

    where: str
    values: list[Any]
    order: str
    sort_order: str
    page: int
    limit: int

    @property
    def offset(self) -> int:
        """Rows to skip, within what SQLite can count."""
        return min((self.page - 1) * self.limit, 2**62)


def read_search(query: QueryParams) -> Search:
    """Return what the query asks for; names Vapi does not know are ignored, as Vapi does."""
    given = {name: _value(name, query.getlist(name)) for name in RULES if name in query}
    e164 = given.get("numberE164CheckEnabled") is not False
    rules: dict[str, Check] = RULES | {"number": partial(phone_number, e164=e164)}
    messages = [
        m for name, check in rules.items() if name in given for m in check(name, given[name])
    ]
    if messages:
        raise RefusedError(400, messages)
    sort_order = given.get("sortOrder", "DESC")
    conditions, values = _conditions(given)
    return Search(
        where=" AND ".join(["1", *conditions]),
        values=values,
        order=", ".join(
            f"{column} {sort_order}"
            for column in (ORDERS[given.get("sortBy", "createdAt")], "created_ms", "position")
        ),
        sort_order=sort_order,
        page=int(given.get("page", 1)),
        limit=int(given.get("limit", 100)),
    )


def milliseconds(date: str) -> float:
    """Return an ISO 8601 date as milliseconds since 1970, UTC where it names no offset."""
    if not DATE.fullmatch(date):
        raise ValueError(date)
    instant = datetime.fromisoformat(date)
    instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return (instant - EPOCH) / MILLISECOND


def _value(name: str, values: list[str]) -> Any:
    """Return a query value as the type its rule expects; a repeated one stays a list."""
    if name == "phoneNumberIdAny":
        return ",".join(values)
    if len(values) > 1:
        return values
    [value] = values
    if name in ("page", "limit") and NUMBER.fullmatch(value):
        return float(value)
    if name == "numberE164CheckEnabled":
        return {"true": True, "false": False}.get(value, value)
    return value


def _conditions(given: dict[str, Any]) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    values: list[Any] = []

    def add(condition: str, *parameters: Any) -> None:
        conditions.append(condition)
        values.extend(parameters)

    for name, column in EXACT.items():
        if name in given:
            add(f"{column} = ?", given[name])
    for name, column in ANY_OF.items():
        if name in given:
            wanted = [part.strip() for part in given[name].split(",") if part.strip()]
            add(f"{column} IN ({', '.join('?' * len(wanted))})", *wanted)
    for name, condition in RANGES.items():
        if name in given:
            add(condition, milliseconds(given[name]))
    for name in ("assistantOverrides", "squadOverrides"):
        if name in given:
            add("holds(body, ?, ?)", name, given[name])
    if "name" in given:
        add("(name = ? OR customer_name = ?)", given["name"], given["name"])
    if "numberE164CheckEnabled" in given:
        add("e164_check = ?", given["numberE164CheckEnabled"])
    return conditions, values


def _date(name: str, value: Any) -> list[str]:
    try:
        milliseconds(value)
    except (TypeError, ValueError):
        return [f"{name} must be a valid ISO 8601 date string"]
    return []


def _json_object(name: str, value: Any) -> list[str]:
    try:
        return [] if isinstance(json.loads(value), dict) else [f"{name} must be an object"]
    except (TypeError, ValueError, RecursionError):
        return [f"{name} must be a json string"]


RULES: dict[str, Check] = {
    **dict.fromkeys((*EXACT, *ANY_OF), text()),
    "name": text(longest=40),
    "extension": text(longest=10),
    "email": text(longest=40),
    "externalId": text(longest=40),
    "numberE164CheckEnabled": flag,
    "assistantOverrides": _json_object,
    "squadOverrides": _json_object,
    "page": number(least=1, whole=True),
    "limit": number(least=0, most=1000, whole=True),
    "sortOrder": choice("ASC", "DESC"),
    "sortBy": choice("createdAt", "duration", "cost"),
    **dict.fromkeys(RANGES, _date),
}
