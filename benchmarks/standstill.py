"""How long everybody else waits while one caller sends or fetches the most that is allowed.

A real server is asked for `/health/live` over and over while it works on the requests
below, one after the other: bodies of 4 MiB over MCP and REST, or of as many values as a
body may hold, and answers of Vapi's of up to 32 MiB. Run it on a quiet machine.

Run with: python benchmarks/standstill.py [WORD], where WORD is part of a request's name.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, TypeAlias
from urllib.parse import parse_qs, urlsplit

from vapi_sessions_mcp.access.bodies import MAX_BODY
from vapi_sessions_mcp.json_text import MAX_SENT_VALUES, MAX_VALUES, compact, values
from vapi_sessions_mcp.vapi.response import MAX_BODY as MAX_ANSWER

Json: TypeAlias = dict[str, Any]
BOUND = 0.5
# What is around the arguments in a request.
ENVELOPE = 2_000
VERSIONS = {"2025": "2025-11-25", "2026": "2026-07-28"}
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "benchmark", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
LONG = "x" * (MAX_BODY - ENVELOPE)
SHORT_LINE = {"role": "user", "content": "a"}
LINE = {"role": "user", "content": "A long line of a conversation, as people say it. " * 8}


def many(item: Any, size: int = MAX_BODY, most: int = MAX_SENT_VALUES) -> list[Any]:
    """As many of `item` as fit in a body of `size` bytes and `most` values."""
    each = compact([item]).encode()
    count = min((size - ENVELOPE) // (len(each) - 1), (most - 100) // (values(each) - 1))
    return [item] * count


def names(value: Any = 1) -> Json:
    """As many names as fit in a body."""
    count = len(many({"000000": value}))
    return {f"{number:06}": value for number in range(count)}


def nested(depth: int) -> Any:
    """An array in an array, and so on."""
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


BODIES: dict[str, Json] = {
    "short messages": {"messages": many(SHORT_LINE)},
    "long messages": {"messages": many(LINE)},
    "messages as text": {"messages": compact(many(LINE, 3 * 2**20))},
    "empty messages": {"messages": many({})},
    "empty tool calls": {"messages": [{"role": "assistant", "tool_calls": many({})}]},
    "tool calls as text": {"messages": [{"role": "assistant", "tool_calls": many("{}")}]},
    "unknown fields": names(),
    "unknown objects": names({}),
    "numbers": {"metadata": many(1)},
    "arrays in arrays": {"metadata": many(nested(90))},
    "a long name": {"name": LONG},
    "half surrogates": {"metadata": "\ud83d" * (MAX_BODY // 8)},
}
ARGUMENTS: dict[str, Json] = {
    **{what: {"id": "s-1", "body": body} for what, body in BODIES.items()},
    "appended messages": {"id": "s-1", "appendMessages": many(LINE)},
    "short appended messages": {"id": "s-1", "appendMessages": many(SHORT_LINE)},
    "unknown arguments": {"id": "s-1", **names()},
    "a long unknown argument": {"id": "s-1", LONG: 1},
    "a long id": {"id": LONG},
}
FILTERS: dict[str, Json] = {
    "many ids": {"idAny": many("a")},
    "overrides": {"assistantOverrides": names()},
    "a long search": {"contains": LONG},
    "a long time": {"createdAtGe": f"2026-01-01T00:00:00.{LONG}"},
    "a long number": {"number": f"+{LONG}"},
}


def page(messages: int, line: Any, size: int, most: int = MAX_VALUES) -> bytes:
    """A page of sessions with so many messages each."""
    session = {"id": "s-1", "name": "a", "messages": [line] * messages}
    return compact({"results": many(session, size, most)}).encode()


def session(line: Any, size: int = MAX_ANSWER) -> bytes:
    """One session of many messages, which Vapi answers to whatever id is asked for."""
    return compact({"id": "s-1", "messages": many(line, size, MAX_VALUES)}).encode()


PAGES = {
    "27 MB": page(40, LINE, 27 * 10**6),
    "32 MiB": page(40, LINE, MAX_ANSWER),
    "short messages": page(40, SHORT_LINE, MAX_ANSWER),
    "numbers for messages": page(900, 1, MAX_ANSWER),
}
SESSIONS = {
    "long messages": session(LINE),
    "short messages": session(SHORT_LINE),
    "one message": session({"role": "user", "content": "1 " * (15 * 2**20)}),
}


class Vapi(BaseHTTPRequestHandler):
    """Answers the page or session that the query or the id names."""

    protocol_version = "HTTP/1.1"
    # What the next request for one session is answered.
    session = b'{"id":"s-1"}'

    def do_GET(self) -> None:
        name = parse_qs(urlsplit(self.path).query).get("name", [""])[0]
        self._answer(PAGES[name] if name else Vapi.session)

    def do_PATCH(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b'{"id":"s-1"}')

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One request to one of the two ports."""

    port: str
    method: str = "POST"
    path: str = "/mcp"
    body: bytes = b""
    era: str = "2026"
    called: str = ""
    rpc: str = "tools/call"
    chunked: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """Its headers, which those of REST do not mind."""
        given = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": VERSIONS[self.era],
            "Mcp-Method": self.rpc,
            "Mcp-Name": self.called,
            "Transfer-Encoding": "chunked" if self.chunked else "",
        }
        return {name: value for name, value in given.items() if value}


def rpc(era: str, method: str, params: Json, named: str = "") -> Ask:
    """A JSON-RPC request."""
    params = {**({"_meta": META} if era == "2026" else {}), **params}
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return Ask(port="mcp", era=era, rpc=method, called=named, body=written(body))


def tool(era: str, name: str, arguments: Json) -> Ask:
    """A tool call."""
    return rpc(era, "tools/call", {"name": name, "arguments": arguments}, name)


def rest(method: str, path: str, body: Json | None = None) -> Ask:
    """A request of the REST adapter."""
    return Ask(port="rest", method=method, path=f"/v1{path}", body=written(body) if body else b"")


def written(value: Any) -> bytes:
    """JSON, in which half a surrogate is escaped as everybody writes it."""
    return json.dumps(value, separators=(",", ":")).encode()


def of_callers() -> Iterator[tuple[str, Ask]]:
    """What callers can send."""
    for what, arguments in ARGUMENTS.items():
        for era in VERSIONS:
            yield f"{era} update: {what}", tool(era, "update_session", arguments)
    for what, arguments in FILTERS.items():
        yield f"2026 list: {what}", tool("2026", "list_sessions", arguments)
    for what, body in BODIES.items():
        yield f"REST update: {what}", rest("PATCH", "/session/s-1", body)
    yield "REST list: many names", rest("GET", "/session?" + "&".join(["a"] * 60_000))
    yield "REST list: a long number", rest("GET", "/session?number=" + "1" * 120_000)
    for port, path in (("mcp", "/mcp"), ("rest", "/v1/session")):
        chunks = b"1\r\n \r\n" * (MAX_BODY // 10)
        yield f"{port}: a byte a chunk", Ask(port=port, path=path, body=chunks, chunked=True)


def of_vapi() -> Iterator[tuple[str, Ask]]:
    """What Vapi can answer."""
    for what in PAGES:
        for era, view in (
            *(("2026", view) for view in ("summary", "transcript", "full")),
            ("2025", "full"),
        ):
            asked = {"name": what, "view": view}
            yield f"{era} list {view}: {what}", tool(era, "list_sessions", asked)
        scanned = {"name": what, "contains": "zebra", "maxScan": 100}
        yield f"2026 search: {what}", tool("2026", "list_sessions", scanned)
        yield f"REST list: {what}", rest("GET", f"/session?name={what.replace(' ', '%20')}")
    for what, body in SESSIONS.items():
        Vapi.session = body
        for view in ("summary", "transcript", "full"):
            asked = {"id": "s-1", "view": view}
            yield f"2026 get {view}: {what}", tool("2026", "get_session", asked)
        yield f"2026 get: {what}", tool("2026", "get_session", {"id": "s-1"})
        uri = {"uri": "vapi-session://s-1/transcript"}
        yield f"2026 resource: {what}", rpc("2026", "resources/read", uri, uri["uri"])
        yield f"REST get: {what}", rest("GET", "/session/s-1")


def of_the_sdk() -> Iterator[tuple[str, Ask]]:
    """What the SDK answers by itself, on the event loop: nothing of it is ours to move."""
    for era in VERSIONS:
        yield f"{era} tools/list with junk", rpc(era, "tools/list", names())
        yield f"{era} tools/list with objects", rpc(era, "tools/list", names({}))
        yield f"{era} an unknown method", rpc(era, "no/such", names())
        yield f"{era} a long URI", rpc(era, "resources/read", {"uri": f"vapi-session://{LONG}"})
        prompt = {"name": "prepare_call", "arguments": {"number": LONG}}
        yield f"{era} a long prompt", rpc(era, "prompts/get", prompt, "prepare_call")
        for what, body in {
            "a batch": written(many({})),
            "arrays in arrays": b"[" * (MAX_SENT_VALUES - 1),
            "no JSON": LONG.encode(),
        }.items():
            yield f"{era} {what}", Ask(port="mcp", era=era, rpc="tools/list", body=body)


class Watch:
    """The longest that `/health/live` took while the block ran."""

    def __init__(self, port: int) -> None:
        self.longest = 0.0
        self._port, self._ended = port, threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Self:
        self._thread.start()
        time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _ask(self) -> None:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=60)
        while not self._ended.wait(0.005):
            begun = time.perf_counter()
            connection.request("GET", "/health/live")
            connection.getresponse().read()
            self.longest = max(self.longest, time.perf_counter() - begun)
        connection.close()


@contextmanager
def served(vapi: str, *options: str) -> Generator[dict[str, int]]:
    """A server of both faces; its ports."""
    command = [sys.executable, "-m", "vapi_sessions_mcp", "--log-level", "error"]
    command += ["--transport", "http", "--port", "0", "--transport", "rest", "--rest-port", "0"]
    env = {**os.environ, "VAPI_BASE_URL": vapi, "VAPI_API_KEY": "key-of-the-benchmark"}
    command += options
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env) as process:
        assert process.stderr is not None
        ports: dict[str, int] = {}
        for name in ("mcp", "rest"):
            url = process.stderr.readline().partition(" at ")[2]
            ports[name] = int(url.partition("127.0.0.1:")[2].partition("/")[0])
        yield ports
        process.terminate()


def take(ports: dict[str, int], ask: Ask) -> str:
    """The status and the size of the answer to `ask`."""
    connection = HTTPConnection("127.0.0.1", ports[ask.port], timeout=120)
    try:
        connection.request(ask.method, ask.path, ask.body or None, ask.headers)
        answer = connection.getresponse()
        return f"{answer.status}{len(answer.read()):10} B"
    except (BrokenPipeError, ConnectionResetError):
        return "cut off"
    finally:
        connection.close()


def waited(ports: dict[str, int], name: str, ask: Ask) -> float:
    """How long somebody else had to wait meanwhile at most."""
    begun = time.perf_counter()
    # On the other port, which the same event loop serves.
    with Watch(ports["rest" if ask.port == "mcp" else "mcp"]) as watch:
        answer = take(ports, ask)
    took = time.perf_counter() - begun
    print(f"{name:<50}{answer:>15}{took:7.2f} s{watch.longest:14.2f} s", flush=True)
    return watch.longest


def main() -> None:
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    vapi = ThreadingHTTPServer(("127.0.0.1", 0), Vapi)
    threading.Thread(target=vapi.serve_forever, daemon=True).start()
    longest = 0.0
    print(f"{'request':<50}{'answer':>15}{'took':>9}{'others waited':>16}")
    url = f"http://127.0.0.1:{vapi.server_port}"
    for options, kinds in (((), (of_callers, of_vapi, of_the_sdk)), (("--mask-pii",), (of_vapi,))):
        with served(url, *options) as ports:
            take(ports, tool("2026", "get_session", {"id": "s-1"}))  # imports what is imported late
            for asks in kinds:
                for said, ask in asks():
                    name = " ".join((said, *options))
                    if word in name:
                        longest = max(longest, waited(ports, name, ask))
    vapi.shutdown()
    print(f"longest wait {longest:.2f} s   (bound: {BOUND})")
    sys.exit(longest > BOUND)


if __name__ == "__main__":
    main()
