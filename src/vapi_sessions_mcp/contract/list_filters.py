"""What a list of sessions can be narrowed by: Vapi's own filters, and what we look for ourselves.

Names, limits and defaults are those of Vapi's published OpenAPI.
"""

import json
from typing import Any, Literal, Self, cast
from urllib.parse import urlencode

from pydantic import Field, ValidationInfo, field_validator, model_validator

from vapi_sessions_mcp.contract.base import Numbered
from vapi_sessions_mcp.contract.bodies import Status
from vapi_sessions_mcp.contract.fields import (
    Comma,
    Extension,
    JsonObject,
    Label,
    Limit,
    Numbers,
    Page,
    Scan,
    SearchText,
    Text,
    Texts,
    Timestamp,
    check_phone_number,
)
from vapi_sessions_mcp.contract.instants import Instant, written
from vapi_sessions_mcp.contract.requests import Request, View
from vapi_sessions_mcp.contract.times import bounds, has_zone

# Rows a page, where none are asked for: Vapi's default.
LIMIT = 100
# Node servers take 16 KiB of headers, the URL included.
MAX_QUERY = 8_000


class ListFilters(Numbered, Request):
    """Vapi's own filters of list, all optional, joined by and."""

    id: Text | None = Field(default=None, description="Session id")
    id_any: Comma | None = Field(default=None, description="Session ids, comma-separated")
    name: Label | None = Field(default=None, description="Session's or customer's name, exact")
    assistant_id: Text | None = Field(default=None, description="Assistant id")
    assistant_id_any: Comma | None = Field(
        default=None, description="Assistant ids, comma-separated"
    )
    squad_id: Text | None = Field(default=None, description="Squad id")
    workflow_id: Text | None = Field(default=None, description="Workflow id")
    phone_number_id: Text | None = Field(default=None, description="Phone number id")
    phone_number_id_any: Texts | None = Field(default=None, description="Phone number ids")
    customer_number_any: Numbers | None = Field(
        default=None, description="Customer numbers, E.164, comma-separated"
    )
    sip_uri: Text | None = Field(default=None, description="Customer's SIP URI")
    email: Label | None = Field(default=None, description="Customer's e-mail")
    external_id: Label | None = Field(default=None, description="Customer's external id")
    extension: Extension | None = Field(default=None, description="Customer's extension")
    assistant_overrides: JsonObject | None = Field(default=None, description="Their overrides")
    squad_overrides: JsonObject | None = Field(default=None, description="Their squad overrides")
    page: Page | None = Field(default=None, description="Page; scans go on by coverage.next")
    limit: Limit | None = Field(default=None, description="Rows a page (100); 0 only counts")
    sort_order: Literal["ASC", "DESC"] | None = Field(default=None, description="Sort order (DESC)")
    sort_by: Literal["createdAt", "duration", "cost"] | None = Field(
        default=None, description="Sort column (createdAt; no duration in scans)"
    )
    created_at_gt: Timestamp | None = Field(
        default=None, description="Created after; ISO 8601, a date alone is that whole day"
    )
    created_at_lt: Timestamp | None = Field(default=None, description="Created before")
    created_at_ge: Timestamp | None = Field(default=None, description="Created from")
    created_at_le: Timestamp | None = Field(default=None, description="Created until")
    updated_at_gt: Timestamp | None = Field(default=None, description="Updated after")
    updated_at_lt: Timestamp | None = Field(default=None, description="Updated before")
    updated_at_ge: Timestamp | None = Field(default=None, description="Updated from")
    updated_at_le: Timestamp | None = Field(default=None, description="Updated until")

    @field_validator("number")
    @classmethod
    def _check_number(cls, number: str, info: ValidationInfo) -> str:
        return _known_number(number, info)

    @field_validator("customer_number_any")
    @classmethod
    def _check_numbers(cls, numbers: str, info: ValidationInfo) -> str:
        return ",".join(_known_number(number, info) for number in numbers.split(","))

    @model_validator(mode="after")
    def _fits_in_a_url(self) -> Self:
        # The times are short, and a scan adds one of its own when it goes on.
        query = [pair for pair in self.query() if not pair[0].startswith("createdAt")]
        # Counted first: encoding millions of characters takes long.
        size = sum(len(value) for _, value in query)
        if size > MAX_QUERY or len(urlencode(query)) > MAX_QUERY:
            longest, _ = max(query, key=lambda pair: len(pair[1]))
            raise ValueError(
                f"`{longest}` is too long: all filters together may take {MAX_QUERY} characters in"
                " a URL"
            )
        return self

    def query(self) -> list[tuple[str, str]]:
        """The filters that were given; an object is sent as JSON text."""
        given = self.model_dump(by_alias=True, exclude_unset=True, include=_FILTERS)
        return [pair for name, value in bounds(given).items() for pair in _pairs(name, value)]

    @property
    def assumed_utc(self) -> list[str]:
        """The filters on times that were given without a zone, a date among them."""
        given = self.model_dump(by_alias=True, exclude_unset=True, include=_TIMES)
        return [name for name, text in given.items() if not has_zone(text)]


_FILTERS = set(ListFilters.model_fields)
_TIMES = {name for name in _FILTERS if name.startswith(("created_at", "updated_at"))}


class ListRequest(ListFilters):
    """Arguments of list: Vapi's filters, and what we add to them."""

    status: Status | None = Field(default=None, description="Found by scanning")
    contains: SearchText | None = Field(
        default=None, description="Text anywhere in it, by scanning"
    )
    max_scan: Scan | None = Field(default=None, description="Most sessions to scan (500)")
    view: View | None = Field(default=None, description="How much of each session (summary)")

    @model_validator(mode="after")
    def _scans_by_time(self) -> Self:
        if self.scans and (self.page or 1) > 1:
            raise ValueError(
                "`page` cannot be combined with `status` or `contains`: a scan goes on with the"
                " arguments in the `coverage.next` of its answer"
            )
        if self.scans and self.sort_by == "duration":
            raise ValueError(
                "`sortBy` duration cannot be combined with `status` or `contains`, since a session"
                " does not say how long it took: leave it out, or sort by cost"
            )
        return self

    @property
    def scans(self) -> bool:
        """Whether something is asked for that Vapi cannot filter by."""
        return self.status is not None or self.contains is not None

    @property
    def newest_first(self) -> bool:
        """Which way a scan goes through time; what it finds may be sorted by cost afterwards."""
        return self.sort_by == "cost" or self.sort_order != "ASC"

    def by_time(self, page: int, limit: int) -> Self:
        """One page of these sessions in the order of their creation."""
        order = {"sort_by": "createdAt", "sort_order": "DESC" if self.newest_first else "ASC"}
        return self.model_copy(update={**order, "page": page, "limit": limit})

    def after(self, instant: Instant) -> Self:
        """These sessions without those that a scan meets before it has passed `instant`."""
        if self.newest_first:
            return self.model_copy(update={"created_at_lt": written(instant.start)})
        return self.model_copy(update={"created_at_ge": written(instant.end)})

    def within(self, instant: Instant) -> Self:
        """Those of these sessions that were created at `instant`."""
        bounds = {"created_at_ge": written(instant.start), "created_at_lt": written(instant.end)}
        return self.model_copy(update=bounds)


def _pairs(name: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, list):
        return [(name, item) for item in cast("list[str]", value)]
    if isinstance(value, str):
        return [(name, value)]
    return [(name, json.dumps(value, separators=(",", ":"), ensure_ascii=False))]


def _known_number(number: str, info: ValidationInfo) -> str:
    try:
        return check_phone_number(number, info.data.get("number_e164_check_enabled") is not False)
    except ValueError as exc:
        raise ValueError(f"{exc}; contains finds its digits where numbers are not masked") from None
