"""Input that no honest caller sends, and what must hold of all that reaches Vapi all the same."""

import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TypeAlias, cast
from urllib.parse import quote

import httpx2
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from support.arguments import (
    GOOD,
    Given,
    any_text,
    anything,
    known,
)
from support.http_calls import tool_call
from support.tools import ERAS, GET
from vapi_sessions_mcp.contract.operations import (
    CREATE,
    LIST,
    OPERATIONS,
    Operation,
)

KEY = "key-0123456789abcdef"
HOST = "localhost:9"
BASE_URL = f"http://{HOST}"
ONE = "/session/[A-Za-z0-9_-]{1,128}"
PATHS = {"POST": "/session", "GET": f"/session|{ONE}", "PATCH": ONE, "DELETE": ONE}

Spell: TypeAlias = Callable[[str], str]


def snake(name: str) -> str:
    return re.sub("([A-Z])", r"_\1", name).lower()


def escaped(name: str) -> str:
    """A JSON string in which every character is an escape."""
    units = name.encode("utf-16-be", "surrogatepass")
    return '"' + "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)) + '"'


def plain(name: str) -> str:
    """A JSON string without an escape that JSON does not ask for."""
    return json.dumps(name, ensure_ascii=False)


def changed(name: str, change: Spell) -> str:
    return change(name)


def quoted(text: str, safe: str = "") -> str:
    """`text` in a URL, surrogates and all."""
    return quote(text.encode(errors="surrogatepass"), safe=safe)


# What Python, pydantic, JSON-RPC and hosts give a meaning of their own.
meaningful = st.sampled_from(
    [
        *("__class__", "__dict__", "__init__", "__pydantic_extra__", "model_config", "given"),
        *("model_fields_set", "self", "from_", "_meta", "wait_for_previous", "params", "arguments"),
    ]
)
odd = st.sampled_from(
    [
        *("\0", "a\r\nHost: evil.example", "\ud83d", "\udc00a", "\ufeff{}", "\x7f\x1b[2J", "٣"),
        *("../session", "s-1/../x", "%2e%2e%2f", "s-1?limit=1", "s-1#", "s-1\n", "NaN", "1e400"),
        *('{"a": 1e400}', '{"a": 1, "a": 2}', '[{"role": "user", "time": NaN}]', "9" * 4301),
    ]
)
changes: list[Spell] = [str.upper, str.title, snake, "{} ".format, "{}\n".format, "{}s".format]
near = st.builds(changed, known, st.sampled_from(changes))
names = known | near | meaningful | odd | any_text
junk = anything | odd | meaningful
tool_names = (names | st.from_regex(r"[a-z_-]{0,40}\s?", fullmatch=True)).filter(
    lambda name: not any(name in row.names for row in OPERATIONS)
)


@st.composite
def arguments(draw: DrawFn, operation: Operation) -> Given:
    """Anything at all, or what would be good but for a value, a name or two."""
    if draw(st.booleans()):
        return draw(st.dictionaries(names, junk, max_size=8))
    spoilt: Given = {"": draw(GOOD[operation])}
    for _ in range(draw(st.integers(0, 2))):
        node, key = draw(st.sampled_from([*places(spoilt)]))
        match draw(st.sampled_from(["value", "text", "beside"])):
            case "value":
                node[key] = draw(junk)
            case "text":
                node[key] = json.dumps(node[key])
            case _ if isinstance(node[key], dict):
                node[key][draw(names)] = draw(junk)
            case _:
                node[key] = [node[key], draw(junk)]
    # The whole is an object on every wire; what it holds need not be.
    whole = spoilt[""]
    return cast("Given", whole) if isinstance(whole, dict) else {draw(names): whole}


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON value, as its container and its key there."""
    pairs = cast("Given", node).items() if isinstance(node, dict) else enumerate(node)
    for key, child in [*pairs]:
        yield node, key
        if isinstance(child, dict | list):
            yield from places(child)


methods = st.sampled_from(
    ["GET", "HEAD", "POST", "PATCH", "DELETE"] * 3 + ["PUT", "OPTIONS", "TRACE", "get", "__class__"]
)
visible = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=40)
segments = (
    st.sampled_from(["v1", "session", "sessions", "s-1", "docs", "skills", "vapi-sessions", "live"])
    | st.sampled_from(["", ".", "..", "%2e%2e", "%2f", "a%2fb", "%252e", "%00", "%0d%0a", "%0a"])
    | st.sampled_from(["%ed%a0%80", "%ff", "%", "%zz", "%u0041", ";a=b", "__class__", "~"])
    | st.builds(quoted, any_text | odd)
)
routes = st.sampled_from(
    [
        *("/v1/session", "/v1/session/s-1", "/openapi.json", "/docs", "/docs/docs.css", "/skills"),
        *("/skills/vapi-sessions", "/skills/vapi-sessions/download", "/health/live"),
        *("/skills/vapi-sessions/contents/SKILL.md", "/health/ready", "/", "*", ""),
    ]
)
paths = (
    routes
    | st.builds("/v1/session/{}".format, segments)
    | st.builds(str.__add__, routes, segments)
    | st.lists(segments, max_size=5).map(lambda parts: "/" + "/".join(parts))
    | visible
)


def as_query(given: Given) -> str:
    """Arguments as a query, an array as a repeated name."""
    pairs = [
        (name, item if isinstance(item, str) else json.dumps(item))
        for name, value in given.items()
        for item in (cast("list[Any]", value) if isinstance(value, list) else [value])
    ]
    return "&".join(f"{quoted(name)}={quoted(value, ',:')}" for name, value in pairs)


queries = (
    arguments(LIST).map(as_query)
    | st.builds("id={}".format, segments)
    | visible
    | st.sampled_from(["&" * 99, "=", "id", "id=s-1&id=s-2", "limit=1%00", "%ff=%ff", "a" * 9999])
)
targets = paths | st.builds("{}?{}".format, paths, queries)
content_types = st.sampled_from(["application/json"] * 6 + ["Application/JSON ;charset=x"]) | (
    st.sampled_from(["", "text/plain", "application/json-patch+json", "application/json\0", "\xff"])
    | visible
)


@st.composite
def bodies(draw: DrawFn, operation: Operation = CREATE) -> bytes:
    """JSON of every kind in several encodings, cut, doubled, or no JSON at all."""
    given = draw(arguments(operation))
    value = draw(st.just(given.get("body", given)) | junk)
    text = json.dumps(value, ensure_ascii=draw(st.booleans()))
    if draw(st.booleans()):
        text = text.replace("{", '{"name": 1,', 1).replace("1,}", "1}")
    encoding = draw(st.sampled_from(["utf-8"] * 5 + ["utf-8-sig", "utf-16", "utf-32", "utf-7"]))
    body = text.encode(encoding, "replace" if encoding == "utf-7" else "surrogatepass")
    return draw(st.sampled_from([body] * 5 + [body[: len(body) // 2], body + b"\0", body * 2]))


header_fields = ("Mcp-Session-Id", "Mcp-Param-Id", "Last-Event-ID", "Authorization", "Cookie")
header_values = st.text(st.characters(max_codepoint=0xFF), max_size=30) | st.sampled_from(
    ["", "\0", "a\r\nX-Injected: b", "\xff", "1e400", "2024-11-05", "x" * 9_999]
)


@st.composite
def posts(draw: DrawFn) -> tuple[dict[str, str], bytes]:
    """What a client posts to MCP, with arguments, a part or a header that none would send."""
    operation = draw(st.sampled_from(OPERATIONS))
    good = tool_call(draw(st.sampled_from(ERAS)), GET)
    frame, headers = good["json"], {**good["headers"]}
    frame["params"] |= {"name": operation.name, "arguments": draw(arguments(operation))}
    if "Mcp-Name" in headers:
        headers["Mcp-Name"] = operation.name
    if draw(st.booleans()):
        part = draw(st.sampled_from([frame, frame["params"]]))
        part[draw(st.sampled_from([*part]) | names)] = draw(junk)
    if draw(st.booleans()):
        headers[draw(st.sampled_from([*headers, *header_fields]))] = draw(header_values)
    text = json.dumps(frame, ensure_ascii=draw(st.booleans()))
    return headers, text.encode(errors="surrogatepass")


class Echo:
    """A Vapi with one session, of whatever id, that takes and shows whatever it is sent."""

    def __init__(self) -> None:
        self.session: Given = {}

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """The session, changed as asked, or the page that holds it."""
        _, _, id = request.url.path.partition("/session/")
        self.session |= {**json.loads(request.content or b"{}"), "id": id or "s-1"}
        page = {"results": [self.session], "metadata": {"totalItems": 1, "currentPage": 1}}
        return httpx2.Response(200, json=self.session if id or request.content else page)


def check_sent(request: httpx2.Request) -> None:
    """What Vapi got is one of the five operations, whole and clean."""
    url = request.url
    assert (url.scheme, url.netloc.decode(), url.fragment) == ("http", HOST, "")
    check_parts(request.method, url.raw_path.decode("ascii"), request.content)
    for name, value in request.headers.raw:
        assert re.fullmatch(rb"[!-~]+", name)
        assert re.fullmatch(rb"[ -~]*", value)
    assert request.headers.get_list("Host") == [HOST]
    assert request.headers.get_list("Authorization") == [f"Bearer {KEY}"]


def check_parts(method: str, target: str, body: bytes) -> None:
    """The path is one that the method has, and the body strict JSON where there is one."""
    path, _, query = target.partition("?")
    assert re.fullmatch(PATHS[method], path), path
    assert re.fullmatch("[!-~]*", query)
    assert bool(body) == (method in ("POST", "PATCH"))
    if body:
        assert isinstance(strict(body), dict)


def strict(raw: bytes) -> Any:
    """JSON that any reader takes: UTF-8, no half surrogate, finite numbers only."""

    def finite(number: str) -> float:
        assert math.isfinite(float(number)), number
        return float(number)

    def refuse(constant: str) -> NoReturn:
        raise AssertionError(constant)

    value = json.loads(raw.decode(), parse_float=finite, parse_constant=refuse)
    json.dumps(value, ensure_ascii=False).encode()
    return value
