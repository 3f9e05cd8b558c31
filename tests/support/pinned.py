"""Sessions of pinned and of other assistants and squads, and a server that is pinned."""

from typing import Any, TypeAlias

from support.upstream import Upstream
from vapi_sessions_mcp.caller import Caller, CallRecord
from vapi_sessions_mcp.contract.operations import (
    Operation,
    Perform,
)
from vapi_sessions_mcp.contract.parsing import parse
from vapi_sessions_mcp.sandbox import SANDBOX_KEY
from vapi_sessions_mcp.sessions.pins import Pins
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi

Json: TypeAlias = dict[str, Any]

# What each session of these tests is created with: pinned are a1 and a2, or q1.
MADE: dict[str, Json] = {
    "of a1": {"assistantId": "a1"},
    "of a2": {"assistantId": "a2"},
    "of a1 and q1": {"assistantId": "a1", "squadId": "q1"},
    "of a1 and q9": {"assistantId": "a1", "squadId": "q9"},
    "of q1": {"squadId": "q1"},
    "of a9 and q1": {"assistantId": "a9", "squadId": "q1"},
    "of a9": {"assistantId": "a9"},
    "of q9": {"squadId": "q9"},
    "of a9 and q9": {"assistantId": "a9", "squadId": "q9"},
    "of A1": {"assistantId": "A1"},
    "of a10": {"assistantId": "a10"},
    "of a1 as a squad": {"squadId": "a1"},
    "of q1 as an assistant": {"assistantId": "q1"},
    "of an inline assistant": {"assistant": {"name": "a1", "id": "a1"}},
    "of an inline squad": {"squad": {"name": "q1", "members": [{"assistantId": "a1"}]}},
    "of nobody": {},
}


INSIDE = [*MADE][:4]


OUTSIDE = [*MADE][4:]


IN_SQUAD = ["of a1 and q1", "of a9 and q1", "of q1"]


NOWHERE = "3f2a8c1e-0b7d-4f7e-9d53-6a1c2b9e4d10"


BOUND = "this server is pinned to assistantId a1 or a2"


def pinned_to(*assistants: str, squad: str | None = None) -> Pins:
    return Pins(Settings(only_assistants=assistants, only_squad=squad))


PINS = pinned_to("a1", "a2")


SQUAD = pinned_to(squad="q1")


def through(vapi: Vapi) -> Perform:
    async def perform(operation: Operation, request: Any) -> Json:
        return await vapi.call(operation, request, CallRecord(caller=Caller(api_key=SANDBOX_KEY)))

    return perform


def vapi_at(upstream: Upstream) -> Vapi:
    return Vapi(Settings(base_url="http://localhost:9"), transport=upstream)


async def ask(perform: Perform, operation: Operation, **arguments: Any) -> Json:
    return await perform(operation, parse(operation.request, arguments))


def methods(upstream: Upstream) -> list[str]:
    """How often, and how, Vapi was asked since this was last looked at."""
    asked = [request.method for request in upstream.requests]
    upstream.requests.clear()
    return asked


def queries(upstream: Upstream) -> list[Json]:
    """What Vapi was asked in each request since this was last looked at, without their order."""
    asked = [dict(request.url.params) for request in upstream.requests]
    upstream.requests.clear()
    return arranged(asked)


def arranged(asked: list[Json]) -> list[Json]:
    return sorted(asked, key=lambda query: sorted(query.items()))


def names(page: Json) -> list[str]:
    return sorted(row["name"] for row in page["results"])
