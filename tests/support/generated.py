"""Sessions as hard as Vapi may send them, and an upstream that answers with them verbatim."""

import json
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, TypeAlias, cast

import anyio
import httpx2
from jsonschema import Draft202012Validator
from mcp import Client
from mcp_types import CallToolResult, TextContent, Tool

from support.sandbox import stopped
from support.timeline import fitting
from vapi_sessions_mcp.clock import Clock
from vapi_sessions_mcp.mcp_server.server import build_server
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi

Json: TypeAlias = dict[str, Any]

# The fields that FACTS name, in Vapi's order.
FIELDS = (
    *("id", "orgId", "createdAt", "updatedAt", "cost", "costs", "status", "name"),
    *("expirationSeconds", "assistantId", "assistant", "assistantOverrides", "squadId", "squad"),
    *("messages", "customer", "customerId", "phoneNumberId", "phoneNumber", "artifact", "metadata"),
)
# Each breaks something when text is cut, counted or escaped without care.
AWKWARD = (
    *("".join(map(chr, range(0x20))), "\x7f\x85\u2028\u2029\ufeff\u200b", '"quoted" \\ </script>'),
    *("שלום עולם", "مرحبا بالعالم", "\u202eright to left\u202c", "e\u0301a\u0300\u0336o\u0328"),
    *(
        "\U0001f469\u200d\U0001f467 \U0001f44b\U0001f3fd",
        "日本語テキスト",
        "\U0001d518\U0001d52b",
        "ﷺ" * 3,
    ),
)
# Characters of each of the seventeen planes, the last ones ("noncharacters") included.
PLANES = "".join(chr((plane << 16) + at) for plane in range(17) for at in (0x1234, 0xFFFD, 0xFFFF))
NUMBERS = (
    *("0", "-0", "-0.0", "1", "1.0", "1e2", "1E+2", "-1.5e-7", "0.1", "1234567890.1234567"),
    *("9007199254740993", "-9223372036854775809", "123456789012345678901234567890"),
    *("5e-324", "1.7976931348623157e308"),
)


def session(number: int = 1, **fields: Any) -> Json:
    """An ordinary session, the `number`th of many."""
    return {
        "id": f"00000000-0000-4000-8000-{number:012}",
        "orgId": "11111111-1111-4111-8111-111111111111",
        "createdAt": f"2026-01-01T00:00:00.{number % 1000:03}Z",
        "updatedAt": "2099-01-01T00:00:00.000Z",
        "name": f"Session {number}",
        "status": "active",
        "cost": 0.1234,
        "customer": {"number": f"+1415555{number % 10_000:04}", "name": "Robin Vale"},
        "messages": [{"role": "user", "content": f"This is session {number}."}],
        **fields,
    }


def talk(count: int, size: int = 120) -> list[Json]:
    """`count` messages in turn from user and assistant, each told apart by its number."""
    roles = ("user", "assistant")
    return [{"role": roles[n % 2], "content": f"<{n}> {'ab ' * (size // 3)}"} for n in range(count)]


def in_calls() -> list[Json]:
    """A conversation as recorded calls keep it."""
    arguments = {"order": "A 1", "deep": {"list": [1, 2.5, None, True]}}
    function = {"name": "find_order", "arguments": json.dumps(arguments)}
    asked = [{"id": "call_1", "type": "function", "function": function}]
    found = {"toolCallId": "call_1", "name": "find_order", "result": '{"status": "late"}'}
    said: list[Json] = [
        {"role": "system", "message": "Be brief."},
        {"role": "bot", "message": "Hello, how can I help?", "duration": 1.25},
        {"role": "user", "message": "Where is order A 1?"},
        {"role": "tool_calls", "message": "", "toolCalls": asked},
        {"role": "tool_call_result", **found},
        {"role": "bot", "message": "It is late."},
    ]
    start = 1_767_225_600_000
    return [{**one, "time": start + n * 1000, "secondsFromStart": n} for n, one in enumerate(said)]


def in_chats() -> list[Json]:
    """The same conversation as chats keep it: the tool's answer names only the call."""
    arguments = {"order": "A 1", "deep": {"list": [1, 2.5, None, True]}}
    function = {"name": "find_order", "arguments": json.dumps(arguments)}
    asked = [{"id": "call_1", "type": "function", "function": function}]
    return [
        {"role": "system", "content": "Be brief."},
        {"role": "assistant", "content": "Hello, how can I help?"},
        {"role": "user", "content": [{"type": "text", "text": "Where is order A 1?"}]},
        {"role": "assistant", "content": None, "tool_calls": asked},
        {"role": "tool", "content": '{"status": "late"}', "tool_call_id": "call_1"},
        {"role": "assistant", "content": "It is late."},
    ]


def oddly_said() -> list[Any]:
    """Messages that are none of Vapi's, or only half of one."""
    broken = [
        *('{"a": NaN}', '{"a": 1e999}', '{"a": "\\ud83d"}', "[" * 300 + "]" * 300, "not JSON"),
        *("", "[1]", None, 7),
    ]
    calls: list[Any] = [{"function": {"name": "odd", "arguments": given}} for given in broken]
    calls += [{"name": "bare", "parameters": {"a": 1}}, {}, None, "call", {"function": {"name": 7}}]
    return [
        *(None, 7, 0.5, True, "just text", [], {}, ["a list"], {"content": "no role"}),
        *({"role": role, "content": "odd role"} for role in ("", None, 5, "narrator", ["user"])),
        {"role": "assistant", "content": "", "tool_calls": calls},
        {"role": "user", "content": "after calls without ids"},
        *(
            {"role": "tool", "tool_call_id": "lost", "content": kept}
            for kept in (0, False, {"a": 1})
        ),
        *(
            {"role": "user", "message": "timed", "time": at}
            for at in (10**400, -1e300, "noon", None)
        ),
        {"role": "user", "name": {"not": "a name"}, "content": [{"type": "image"}, "text", None]},
        {"role": "tool_calls", "message": "calls nothing", "toolCalls": []},
    ]


@cache
def generated() -> dict[str, Json]:
    """The sessions by what is hard about them; not to be changed."""
    text = " ".join(AWKWARD) + PLANES
    prompt = {"messages": [{"role": "system", "content": "Be kind. " * 1000}] * 340}
    return {
        "ordinary": session(),
        "3 MB assistant": session(2, assistant={"model": prompt, "name": "Big"}),
        "5000 messages": session(3, messages=talk(5000)),
        "every plane": session(
            4,
            name=PLANES,
            status=text,
            createdAt=text,
            updatedAt=text,
            customer={"name": text, "number": PLANES, "sipUri": text},
            messages=[{"role": "user", "content": part} for part in (*AWKWARD, PLANES, text)],
            **{text: text},
        ),
        "nulls": {
            **dict.fromkeys(FIELDS),
            "id": session(5)["id"],
            "messages": [None, {"role": None}],
        },
        "only nulls": {**dict.fromkeys(FIELDS), "id": session(6)["id"]},
        "only an id": {"id": session(7)["id"]},
        "empty": {"id": session(8)["id"], "name": "", "customer": {}, "messages": [], "costs": []},
        "unknown fields": session(
            9, metadata={"variableValues": {"a": [{"b": None}]}}, n3w=[[], {}]
        ),
        "call shape": session(10, messages=in_calls()),
        "chat shape": session(11, messages=in_chats()),
        "odd messages": session(12, messages=oddly_said()),
        "long texts": session(13, **dict.fromkeys(("name", "status", "createdAt"), "x" * 90_000)),
        "wrong types": {
            **{name: [{"a": 1}] for name in FIELDS},
            "id": session(14)["id"],
            "customer": {"name": {"first": "Robin"}, "number": 14155550123},
            "cost": True,
        },
        "costly": session(15, cost=10**400, name="\x01" * 90, customer={"name": "\x02" * 90}),
        "one long message": session(
            16, messages=[*talk(9), {"role": "user", "content": "y" * 99_999}]
        ),
    }


def raw_numbers() -> str:
    """A session as JSON text with numbers of every form that JSON has."""
    named = [f'"n{place}": {number}' for place, number in enumerate(NUMBERS)]
    return f'{{"id": "{session(20)["id"]}", "cost": 1.50e0, {", ".join(named)}}}'


class Fixed(httpx2.AsyncBaseTransport):
    """Answers with the same sessions always, in their own words, and remembers the requests."""

    def __init__(self, sessions: Sequence[Json | str], metadata: Sequence[str]) -> None:
        self.raw = [s if isinstance(s, str) else json.dumps(s) for s in sessions]
        self.by_id = {json.loads(raw).get("id"): raw for raw in self.raw}
        self.metadata = metadata
        self.requests: list[httpx2.Request] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        parts = request.url.path.strip("/").split("/")
        if len(parts) == 1:
            raw = self.page(request) if request.method == "GET" else self.raw[0]
            return httpx2.Response(200, content=raw.encode())
        if parts[1] in self.by_id:
            return httpx2.Response(200, content=self.by_id[parts[1]].encode())
        return httpx2.Response(404, json={"message": "not found", "statusCode": 404})

    def page(self, request: httpx2.Request) -> str:
        query = request.url.params
        page, limit = int(query.get("page", "1")), int(query.get("limit", "100"))
        chosen = self.in_time(dict(query)) if query.get("sortBy") == "createdAt" else self.raw
        rows = chosen[(page - 1) * limit : page * limit]
        total = len(chosen)
        metadata: Json = {
            "itemsPerPage": limit,
            "totalItems": total,
            "currentPage": page,
            "totalPages": -(-total // limit) if limit else 0,
            "hasNextPage": page * limit < total,
        }
        told = json.dumps({name: metadata[name] for name in self.metadata})
        return f'{{"results": [{",".join(rows)}], "metadata": {told}}}'

    def in_time(self, params: Mapping[str, str]) -> list[str]:
        """The sessions between the bounds in the order that is asked for, if all say when."""
        sessions = [{**json.loads(raw), "raw": raw} for raw in self.raw]
        try:
            return [one["raw"] for one in fitting(sessions, params)]
        except (KeyError, TypeError, ValueError):
            return self.raw


# FACTS: the first three always, the others perhaps.
ALWAYS = ("itemsPerPage", "totalItems", "currentPage")
PERHAPS = (*ALWAYS, "totalPages", "hasNextPage")


def fixed_upstream(sessions: Sequence[Json | str], metadata: Sequence[str] = PERHAPS) -> Fixed:
    """A transport for `Vapi`: GET /session with paging, /session/{id} whatever the method."""
    return Fixed(sessions, metadata)


@asynccontextmanager
async def served(
    upstream: httpx2.AsyncBaseTransport,
    *,
    era: str = "auto",
    clock: Clock = stopped,
    **options: Any,
) -> AsyncGenerator[Client]:
    """A client of our server, in this process, with `upstream` in Vapi's place.

    Sessions expire by `clock`, which stands still unless told otherwise.
    """
    given: Json = {"api_key": "test-key", "base_url": "http://localhost:9", **options}
    settings = Settings(**given)
    server = build_server(
        Sessions(Vapi(settings, transport=upstream, clock=clock), settings), settings
    )
    with anyio.fail_after(20):
        async with Client(server, mode=era) as client:
            yield client


def texts(result: CallToolResult) -> list[str]:
    """The text of each text block."""
    return [block.text for block in result.content if isinstance(block, TextContent)]


def note(result: CallToolResult) -> str:
    """What the answer says about itself, in its JSON; none of the sessions has such a field."""
    assert not result.is_error, texts(result)
    return structured(result).get("note", "")


def data(result: CallToolResult) -> Json:
    """The answer without its note: one block of JSON, and structuredContent is the same JSON."""
    said = note(result)
    assert len(result.content) == 1
    [block] = texts(result)
    answer = cast("Json", json.loads(block, parse_constant=_no_json))
    assert block == written(answer)
    assert block.encode()
    assert exact(structured(result)) == exact(answer)
    assert answer.pop("note", "") == said
    return answer


def written(answer: Any) -> str:
    """How JSON is written for hosts: compact up to 19 000 bytes, else one value a line."""
    compact = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    if len(compact.encode()) <= 19_000:
        return compact
    return json.dumps(answer, ensure_ascii=False, separators=(",\n", ":"))


def structured(result: CallToolResult) -> Json:
    assert result.structured_content is not None
    return result.structured_content


def exact(value: Any) -> str:
    """A JSON value as text that tells 1 from 1.0 and True, which == does not."""
    return json.dumps(value, allow_nan=False, sort_keys=True)


def checker(tool: Tool) -> Callable[[Json], None]:
    """What a client does that validates: raises for structuredContent the schema does not allow."""
    validator: Any = Draft202012Validator(tool.output_schema or False)
    return validator.validate


def calls(said: str) -> list[tuple[str, Json]]:
    """The calls that a note names, as tool and arguments."""
    decoder = json.JSONDecoder()
    return [
        (found[1], decoder.raw_decode(said, found.end() - 1)[0])
        for found in re.finditer(r"\b(vapi-\w+|\w+_sessions?) \{", said)
    ]


def _no_json(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")
