"""The table: the five operations on sessions, each declared once."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from vapi_sessions_mcp import models


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation: its names, its place in Vapi's API, its promises.

    `doing` completes "could not …"; `find_out` tells how to learn whether a change
    happened whose answer was lost. Both may name the `{id}`.
    """

    name: str
    short_name: str
    title: str
    description: str
    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    request: type[models.Request]
    answer: type[BaseModel]
    doing: str
    find_out: str = ""
    read_only: bool = False
    destructive: bool = False
    idempotent: bool = False


CREATE = Operation(
    name="vapi-sessioncontrollercreate",
    short_name="create_session",
    title="Create Session",
    description=(
        "Create a Vapi session, which keeps one conversation's history across calls and chats. "
        "Returns it with its id. Not to be repeated after an unclear failure: list first."
    ),
    method="POST",
    path="/session",
    request=models.CreateRequest,
    answer=models.Session,
    doing="create the session",
    find_out="list the sessions of the last minutes (createdAtGe) before you create it again",
)
LIST = Operation(
    name="vapi-sessioncontrollerfindallpaginated",
    short_name="list_sessions",
    title="List Sessions",
    description=(
        "Find sessions by customer, assistant, phone number or time, newest first, a page at a "
        "time. There is no filter by status or text. Use a small limit: sessions can be large."
    ),
    method="GET",
    path="/session",
    request=models.ListRequest,
    answer=models.SessionPage,
    doing="list sessions",
    read_only=True,
    idempotent=True,
)
GET = Operation(
    name="vapi-sessioncontrollerfindone",
    short_name="get_session",
    title="Get Session",
    description="Read one session by id: customer, status, cost and its whole conversation.",
    method="GET",
    path="/session/{id}",
    request=models.GetRequest,
    answer=models.Session,
    doing="get session {id}",
    read_only=True,
    idempotent=True,
)
UPDATE = Operation(
    name="vapi-sessioncontrollerupdate",
    short_name="update_session",
    title="Update Session",
    description=(
        "Change a session's name, status, lifetime or messages. body.messages REPLACES the whole "
        "conversation: send all of it or none. Returns the changed session."
    ),
    method="PATCH",
    path="/session/{id}",
    request=models.UpdateRequest,
    answer=models.Session,
    doing="update session {id}",
    find_out="get session {id} and compare before you update it again",
)
DELETE = Operation(
    name="vapi-sessioncontrollerremove",
    short_name="delete_session",
    title="Delete Session",
    description=(
        "Delete a session and its conversation for good. Returns the deleted session, "
        "which is the last copy."
    ),
    method="DELETE",
    path="/session/{id}",
    request=models.DeleteRequest,
    answer=models.Session,
    doing="delete session {id}",
    find_out="get session {id}: when it is not found, it was deleted",
    destructive=True,
    idempotent=True,
)
OPERATIONS = (CREATE, LIST, GET, UPDATE, DELETE)
