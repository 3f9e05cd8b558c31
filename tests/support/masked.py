"""Everything that an agent can be shown of one session, for tests of what is masked in it."""

import json
from typing import Any, TypeAlias, cast

import httpx2
from mcp import Client
from mcp_types import TextResourceContents

from support.tools import CREATE, DELETE, GET, LIST, UPDATE, text

Json: TypeAlias = dict[str, Any]
ID = "3f2a8c1e-0b7d-4f7e-9d53-6a1c2b9e4d10"


class Keeper(httpx2.AsyncBaseTransport):
    """An upstream with one session, whatever is in it; a refusal is answered instead if there."""

    def __init__(self, session: Json, *, refusal: str = "") -> None:
        self.session = session
        self.refusal = refusal

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.refusal:
            return httpx2.Response(400, json={"message": [self.refusal]})
        if request.method == "PATCH":
            self.session = {**self.session, **json.loads(await request.aread())}
        if request.method == "GET" and request.url.path == "/session":
            place = {"itemsPerPage": 100, "totalItems": 1, "currentPage": 1, "totalPages": 1}
            return httpx2.Response(200, json={"results": [self.session], "metadata": place})
        return httpx2.Response(200, json=self.session)


def session(**fields: Any) -> Json:
    times = {"createdAt": "2026-11-20T09:00:00.000Z", "updatedAt": "2026-11-20T09:05:00.000Z"}
    return {"id": ID, "orgId": "9b1f", **times, "status": "completed", **fields}


async def answers(client: Client) -> dict[str, Json]:
    """What every tool and view answers, by name, after checking that both forms agree."""
    new = {"role": "user", "content": "One more thing"}
    calls: dict[str, tuple[str, Json]] = {
        "get": (GET, {"id": ID}),
        "get full": (GET, {"id": ID, "view": "full"}),
        "get transcript": (GET, {"id": ID, "view": "transcript"}),
        "get summary": (GET, {"id": ID, "view": "summary"}),
        "get last": (GET, {"id": ID, "messages": {"last": 20}}),
        "list": (LIST, {}),
        "list full": (LIST, {"view": "full"}),
        "list transcript": (LIST, {"view": "transcript"}),
        "scan": (LIST, {"status": "completed", "view": "full"}),
        "create": (CREATE, {"body": {"name": "New"}}),
        "update": (UPDATE, {"id": ID, "body": {"name": "Old"}}),
        "append": (UPDATE, {"id": ID, "appendMessages": [new]}),
        "delete": (DELETE, {"id": ID}),
    }
    found: dict[str, Json] = {}
    for name, (tool, arguments) in calls.items():
        result = await client.call_tool(tool, arguments)
        assert not result.is_error, text(result)
        structured = cast("Json", result.structured_content)
        shown = json.loads(text(result))
        assert structured | {"note": ""} == shown | {"note": ""}
        # The notes and links are part of what a model reads.
        found[name] = {**shown, "everything": result.model_dump_json()}
    return found


async def resources(client: Client) -> dict[str, str]:
    found: dict[str, str] = {}
    for suffix in ("", "/transcript"):
        [contents] = (await client.read_resource(f"vapi-session://{ID}{suffix}")).contents
        assert isinstance(contents, TextResourceContents)
        found[f"resource{suffix}"] = contents.text
    return found


async def full(client: Client) -> Json:
    result = await client.call_tool(GET, {"id": ID, "view": "full"})
    assert not result.is_error, text(result)
    return cast("Json", result.structured_content)
