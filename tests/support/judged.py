"""A server in this process, asked with every byte as given, and how its answers are judged."""

from collections.abc import Iterable
from urllib.parse import unquote

import anyio
import httpx2
import pytest
from mcp_types import INTERNAL_ERROR
from starlette.types import ASGIApp, Message

from support.arguments import Given
from support.hostile import BASE_URL, KEY
from support.tools import ERAS
from vapi_sessions_mcp.settings import Settings

PATIENCE = 20
every_era = pytest.mark.parametrize("era", ERAS)
SETTINGS = Settings(api_key=KEY, base_url=BASE_URL)


def failed(answer: Given) -> bool:
    """Whether the caller is told, briefly, that nothing came of it."""
    if "error" in answer:
        assert answer["error"]["code"] not in (0, INTERNAL_ERROR)
        assert len(answer["error"]["message"]) < 400
        return True
    return answer["result"]["isError"]


async def asked(
    app: ASGIApp, method: str, target: str, fields: Iterable[tuple[str, str]], *body: bytes
) -> httpx2.Response:
    """What an ASGI app answers to a request whose every byte is as given."""
    path, _, query = target.partition("?")
    headers = [("host", "localhost:8080"), *fields]
    scope: Given = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode("ascii"),
        "query_string": query.encode("ascii"),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8080),
    }
    parts, sent, answered = [*body, b""], list[Message](), anyio.Event()

    async def receive() -> Message:
        if parts:
            return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            answered.set()

    with anyio.fail_after(PATIENCE):
        await app(scope, receive, send)
    content = b"".join(message.get("body", b"") for message in sent)
    url = httpx2.URL("http://localhost:8080", path=path if path == "/mcp" else "/")
    request = httpx2.Request(method, url)
    first = sent[0]
    return httpx2.Response(
        first["status"], headers=first["headers"], content=content, request=request
    )
