"""The table: the five operations on sessions, each declared once."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel

from vapi_sessions_mcp.contract import requests
from vapi_sessions_mcp.contract.list_filters import ListRequest
from vapi_sessions_mcp.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation: its names, its place in Vapi's API, its promises.

    `operation_id` is Vapi's and the REST document's, `status` what success answers.
    `doing` completes "could not …"; `find_out` says how to learn whether a change
    happened whose answer was lost. Both may name the `{id}`. `withheld` are fields of
    the body that are refused by the settings, and so are not shown.
    """

    name: str
    short_name: str
    operation_id: str
    title: str
    description: str
    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    request: type[requests.Request]
    answer: type[BaseModel]
    doing: str
    status: int = 200
    find_out: str = ""
    withheld: tuple[str, ...] = ()
    read_only: bool = False
    destructive: bool = False
    idempotent: bool = False

    @property
    def names(self) -> tuple[str, str]:
        """Both names that a call may use."""
        return self.name, self.short_name

    @property
    def has_body(self) -> bool:
        """Whether it sends one."""
        return self.method in ("POST", "PATCH")

    def tool_name(self, names: Literal["full", "short"]) -> str:
        """The name under which tools/list shows it."""
        return self.name if names == "full" else self.short_name


CREATE = Operation(
    name="vapi-sessioncontrollercreate",
    short_name="create_session",
    operation_id="SessionController_create",
    title="Create Session",
    description="Create a session: one conversation's history across calls and chats.",
    method="POST",
    path="/session",
    request=requests.CreateRequest,
    answer=requests.Session,
    doing="create the session",
    status=201,
    find_out="list the sessions of the last minutes (createdAtGe) before you create it again",
)
LIST = Operation(
    name="vapi-sessioncontrollerfindallpaginated",
    short_name="list_sessions",
    operation_id="SessionController_findAllPaginated",
    title="List Sessions",
    description="Find sessions by customer, assistant, time or text, newest first, as summaries.",
    method="GET",
    path="/session",
    request=ListRequest,
    answer=requests.SessionPage,
    doing="list sessions",
    read_only=True,
    idempotent=True,
)
GET = Operation(
    name="vapi-sessioncontrollerfindone",
    short_name="get_session",
    operation_id="SessionController_findOne",
    title="Get Session",
    description=("Read one session. Cheapest: view summary, or messages {last: 20}."),
    method="GET",
    path="/session/{id}",
    request=requests.GetRequest,
    answer=requests.Session,
    doing="get session {id}",
    read_only=True,
    idempotent=True,
)
UPDATE = Operation(
    name="vapi-sessioncontrollerupdate",
    short_name="update_session",
    operation_id="SessionController_update",
    title="Update Session",
    description=(
        "Change a session. body.messages REPLACES the whole conversation; "
        "appendMessages adds to it. Returns the full session."
    ),
    method="PATCH",
    path="/session/{id}",
    request=requests.UpdateRequest,
    answer=requests.Session,
    doing="update session {id}",
    find_out="get session {id} and compare before you update it again",
)
DELETE = Operation(
    name="vapi-sessioncontrollerremove",
    short_name="delete_session",
    operation_id="SessionController_remove",
    title="Delete Session",
    description=(
        "Delete a session and its conversation for good. Returns it in full: your last copy."
    ),
    method="DELETE",
    path="/session/{id}",
    request=requests.DeleteRequest,
    answer=requests.Session,
    doing="delete session {id}",
    find_out="get session {id}: when it is not found, it was deleted",
    destructive=True,
    idempotent=True,
)
OPERATIONS = (CREATE, LIST, GET, UPDATE, DELETE)
_ASKS = " A person is asked first."
_ASKS_SOME = " A person is asked before messages are replaced or the lifetime is shortened."
_ONLY_ADDS = "Change a session; appendMessages adds to the conversation. Returns the full session."

# What performs one operation: its request in, Vapi's JSON out, or a VapiError.
Perform: TypeAlias = Callable[[Operation, requests.Request], Awaitable[dict[str, Any]]]


def offered(settings: Settings) -> tuple[Operation, ...]:
    """The rows that a server offers; the settings are the most that any caller can do."""
    return tuple(
        _guarded(row, settings)
        for row in OPERATIONS
        if (row.read_only or not settings.read_only)
        and not (row.destructive and settings.no_delete)
    )


def _guarded(row: Operation, settings: Settings) -> Operation:
    """The row as the settings narrow it, said where whoever calls it reads."""
    if row.name == UPDATE.name and settings.no_delete:
        row = replace(row, description=_ONLY_ADDS, withheld=("messages",))
    if row.name not in (UPDATE.name, DELETE.name) or settings.confirm_delete is None:
        return row
    updates = row.name == UPDATE.name
    if not (updates and settings.no_delete):
        row = replace(row, description=row.description + (_ASKS_SOME if updates else _ASKS))
    if settings.confirm_delete == "person":
        return row
    confirmed = requests.ConfirmedUpdateRequest if updates else requests.ConfirmedDeleteRequest
    return replace(row, request=confirmed)


def by_path(rows: Iterable[Operation]) -> dict[str, dict[str, Operation]]:
    """Operations by path and method, as REST serves them.

    What takes an id takes it in the path, or as `?id=` where that leaves the
    method free: GET /session is the list.
    """
    paths: dict[str, dict[str, Operation]] = {}
    for row in rows:
        for path in (row.path, row.path.removesuffix("/{id}")):
            paths.setdefault(path, {}).setdefault(row.method, row)
    return paths
