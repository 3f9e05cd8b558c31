"""The published contract, made by asking the SDK's server, and the server to compare with it."""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import product
from typing import Any, TypeAlias

import anyio
import httpx2
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from support.stdio_calls import INITIALIZED, initialize, legacy, modern
from vapi_sessions_mcp.contract.operations import OPERATIONS
from vapi_sessions_mcp.mcp_server.server import build_server
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.transports.published import MODERN
from vapi_sessions_mcp.vapi.client import Vapi

Json: TypeAlias = dict[str, Any]

HANDSHAKES = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
LATEST = HANDSHAKES[-1]
LISTS = ("tools/list", "prompts/list", "resources/list", "resources/templates/list")
# What the settings can do to the lists: each of these, with each of the others.
NARROWINGS: dict[str, Sequence[Any]] = {
    "read_only": (False, True),
    "no_delete": (False, True),
    "confirm_delete": (None, "person", "argument"),
}


async def answers(settings: Settings, frames: Sequence[Json]) -> list[Json]:
    """What the SDK's server answers to each request, in the order of the requests."""
    vapi = Vapi(settings, transport=httpx2.MockTransport(lambda _: httpx2.Response(500)))
    server = build_server(Sessions(vapi, settings), settings)
    to_server, from_client = anyio.create_memory_object_stream[SessionMessage | Exception](1)
    to_client, from_server = anyio.create_memory_object_stream[SessionMessage](1)
    found: list[Json] = []
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks, to_server, from_server:
            tasks.start_soon(
                server.run, from_client, to_client, server.create_initialization_options()
            )
            for frame in frames:
                message = jsonrpc_message_adapter.validate_python(frame)
                await to_server.send(SessionMessage(message))
                if "id" in frame:
                    sent = (await from_server.receive()).message
                    found.append(sent.model_dump(mode="json", by_alias=True, exclude_none=True))
            tasks.cancel_scope.cancel()
    return found


def opening(version: str, *methods: str) -> list[Json]:
    """The frames with which a client of that version begins, then asks for `methods`."""
    if version == MODERN:
        return [modern(n, method) for n, method in enumerate(("server/discover", *methods))]
    asked = [legacy(n + 1, method) for n, method in enumerate(methods)]
    return [initialize(0, version), INITIALIZED, *asked]


async def results(settings: Settings, version: str, *methods: str) -> list[Json]:
    """The results of the opening and of `methods`, in that version."""
    return [one["result"] for one in await answers(settings, opening(version, *methods))]


async def contract() -> Json:
    """The whole of it, from servers with every combination of narrowing settings."""
    plain = Settings()
    _, *lists = await results(plain, LATEST, *LISTS)
    discover, *listed = await results(plain, MODERN, *LISTS)
    handshakes = {version: (await results(plain, version))[0] for version in HANDSHAKES}
    about = {"server/discover": discover}
    for method, whole, shared in zip(LISTS, listed, lists, strict=True):
        about[method] = {name: value for name, value in whole.items() if name not in shared}
    shared_lists = dict(zip(LISTS, lists, strict=True))
    del shared_lists["tools/list"]
    return {
        "initialize": handshakes,
        MODERN: about,
        "lists": shared_lists,
        "tools": [row async for row in _tools()],
    }


async def _tools() -> AsyncIterator[Json]:
    """Each form that a tool has, and the settings with which it has it."""
    shown = {
        tuple(narrowing.items()): await _listed(Settings(**narrowing))
        for narrowing in _combinations()
    }
    for row in OPERATIONS:
        forms: dict[str, Json] = {}
        for narrowing, tools in shown.items():
            if tool := tools.get(row.name):
                forms.setdefault(json.dumps(tool), {"tool": tool, "with": []})["with"].append(
                    dict(narrowing)
                )
        for form in forms.values():
            yield {
                "names": {"full": row.name, "short": row.short_name},
                "when": _common(form["with"]),
                "tool": {name: part for name, part in form["tool"].items() if name != "name"},
            }


async def _listed(settings: Settings) -> dict[str, Json]:
    _, listed = await results(settings, LATEST, "tools/list")
    return {tool["name"]: tool for tool in listed["tools"]}


def _combinations() -> Iterator[Json]:
    for values in product(*NARROWINGS.values()):
        yield dict(zip(NARROWINGS, values, strict=True))


def _common(narrowings: Sequence[Json]) -> Json:
    """The values of each setting with which a form is shown, where not with all of them."""
    values = {
        name: [value for value in every if any(one[name] == value for one in narrowings)]
        for name, every in NARROWINGS.items()
    }
    assert len([*product(*values.values())]) == len(narrowings), (
        "settings that depend on each other"
    )
    return {name: some for name, some in values.items() if len(some) < len(NARROWINGS[name])}
