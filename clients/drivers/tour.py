"""A round through the five tools, whatever framework calls them, and what came of it as JSON."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

# The model's view: each function's name, description and parameters; and the text of an answer.
Functions = list[dict[str, Any]]
Call = Callable[[str, dict[str, Any]], Awaitable[str]]
# What a driver is: it connects, over stdio or to a URL, and hands what it got to the tour.
Tour = Callable[[Functions, Call], Awaitable[None]]
Driver = Callable[[str | None, Tour], Awaitable[None]]


def drive(driver: Driver, *, stdio: bool = True) -> None:
    """Drive over stdio and over HTTP, at the URL in the arguments; print what each brought."""
    servers = {"stdio": None} if stdio else {}
    servers["http"] = sys.argv[1]
    print(json.dumps({name: asyncio.run(_driven(driver, url)) for name, url in servers.items()}))


async def _driven(driver: Driver, url: str | None) -> dict[str, Any]:
    brought: dict[str, Any] = {}

    async def tour(functions: Functions, call: Call) -> None:
        brought["functions"] = {function["name"]: function for function in functions}
        brought["answers"] = await _answers(call)

    await driver(url, tour)
    return brought


async def _answers(call: Call) -> dict[str, str]:
    asked = {"role": "user", "content": "Where is my parcel?"}
    replied = {"role": "assistant", "content": "It is on its way."}
    body = {"name": "A tour", "customer": {"number": "+14155550188"}, "messages": [asked]}
    created = await call("create_session", {"body": body})
    id = json.loads(created)["id"]
    both = {"first": 1, "last": 1}
    return {
        "create": created,
        "get": await call("get_session", {"id": id, "messages": {"last": 5}}),
        "list": await call("list_sessions", {"number": "+14155550188", "limit": 5}),
        "append": await call("update_session", {"id": id, "appendMessages": [replied]}),
        "refused": await call("get_session", {"id": id, "messages": both}),
        "delete": await call("delete_session", {"id": id}),
        "gone": await call("get_session", {"id": id}),
    }
