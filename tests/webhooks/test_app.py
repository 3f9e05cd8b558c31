"""POST /webhooks/vapi: what is reported, what is refused, and with which status."""

import json
import logging
from typing import Any

import anyio
import httpx2
import pytest
from mcp.server import lowlevel
from starlette.types import ASGIApp, Message

from support.http_calls import LEGACY, message, request
from support.judged import asked
from support.upstream import Upstream
from support.webhooks import (
    JSON,
    PATH,
    SECRET,
    Clock,
    Fields,
    bearer,
    posted,
    report,
    signed,
    taking,
)
from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.access.bodies import MAX_BODY
from vapi_sessions_mcp.access.gate import Gate
from vapi_sessions_mcp.mcp_server.app import MCP, build_app
from vapi_sessions_mcp.mcp_server.server import build_server
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi
from vapi_sessions_mcp.webhooks.app import MOST_UNPROVED, SMALL, build_webhook
from vapi_sessions_mcp.webhooks.events import Change

pytestmark = pytest.mark.anyio

TOKEN = "caller-0123456789abcdef"
HMAC = {"webhook_auth": "hmac"}


class Server:
    """A server in this process, and the changes that it took."""

    def __init__(self, clock: Clock, **settings: Any) -> None:
        self.settings: Settings = taking(**settings)
        self.taken: list[Change] = []
        self.gate = Gate(self.settings, MCP)
        self.webhook = build_webhook(
            self.settings, self.taken.append, self.gate.note_refusal, clock
        )

    def app(self) -> tuple[lowlevel.Server[Any], ASGIApp]:
        """The whole face, its gate for callers included."""
        upstream = Upstream(httpx2.MockTransport(lambda _: httpx2.Response(500)))
        vapi = Vapi(self.settings, transport=upstream)
        server = build_server(Sessions(vapi, self.settings), self.settings)
        return server, build_app(server, self.settings, self.gate, others={PATH: self.webhook})

    async def posted(
        self, *body: bytes, fields: Fields | None = None, method: str = "POST", path: str = PATH
    ) -> httpx2.Response:
        """What the whole face answers."""
        server, app = self.app()
        async with server.session_manager.run():
            return await asked(app, method, path, bearer() if fields is None else fields, *body)


@pytest.fixture
def server(clock: Clock) -> Server:
    """One that asks its callers for a token."""
    return Server(clock, tokens=(TOKEN,))


async def test_a_report_is_taken_and_answered_without_a_word(server: Server) -> None:
    # Vapi takes what it is answered for something that it asked for.
    answer = await server.posted(posted("session.created", "s-1", assistantId="a-1"))
    assert (answer.status_code, answer.content) == (204, b"")
    [change] = server.taken
    assert (change.type, change.id, change.assistant_id) == ("session.created", "s-1", "a-1")


@pytest.mark.parametrize(
    "type", ["assistant-request", "tool-calls", "transfer-destination-request", "status-update"]
)
async def test_every_other_message_is_answered_with_nothing(server: Server, type: str) -> None:
    # An answer with a body could be taken for an assistant, and one that fails be asked again.
    answer = await server.posted(posted(type))
    assert (answer.status_code, answer.content, server.taken) == (204, b"", [])


async def test_a_report_that_cannot_be_used_is_not_asked_for_again(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    # Vapi repeats whatever is not 2xx, and it would be the same report.
    answer = await server.posted(posted("session.updated", "../whisper"))
    assert (answer.status_code, server.taken) == (204, [])
    [line] = [each for each in caplog.records if each.name == "vapi_sessions_mcp.webhooks.ignored"]
    assert "whisper" not in line.getMessage()


async def test_the_log_says_which_session_and_nothing_else(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    # Operators look there for whether Vapi reports anything at all.
    with caplog.at_level(logging.INFO, "vapi_sessions_mcp"):
        await server.posted(posted(name="whisper", messages=[{"content": "whisper"}]))
    [line] = caplog.records
    fields = {"type": "session.updated", "session": "s-1"}
    assert (line.getMessage(), vars(line)["fields"]) == ("reported", fields)


NOT_VAPI: dict[str, Fields] = {
    "nothing": [JSON],
    "another secret": bearer("another-secret-0123456789"),
    "a caller's token": bearer(TOKEN),
    "the secret elsewhere": [JSON, ("X-Vapi-Secret", SECRET), ("x-signature", SECRET)],
    "the secret twice": [*bearer(), ("Authorization", f"Bearer {SECRET}")],
    "no ASCII": bearer("\xfcmlaut\xff"),
}


@pytest.mark.parametrize("shown", NOT_VAPI)
async def test_who_does_not_know_the_secret_is_refused_unread(server: Server, shown: str) -> None:
    # Callers of the server are not Vapi, whatever they may do otherwise.
    answer = await server.posted(posted(), fields=NOT_VAPI[shown])
    assert (answer.status_code, server.taken) == (401, [])
    assert answer.headers["WWW-Authenticate"] == 'Webhook realm="Vapi"'
    assert SECRET not in answer.text


async def test_a_body_that_was_changed_on_the_way_is_refused(clock: Clock) -> None:
    # With a secret alone nobody would notice.
    server, body = Server(clock, **HMAC), posted(name="日本語")
    assert (await server.posted(body, fields=signed(body))).status_code == 204
    other = body.replace(b"s-1", b"s-2")
    assert (await server.posted(other, fields=signed(body))).status_code == 401
    clock.wait(minutes=6)
    assert (await server.posted(body, fields=signed(body))).status_code == 401
    assert (await server.posted(body, fields=signed(body, clock()))).status_code == 204
    clock.wait(minutes=-12)
    assert (await server.posted(body, fields=signed(body, clock.now))).status_code == 204
    assert [change.id for change in server.taken] == ["s-1"] * 3


async def test_a_body_in_pieces_is_one_body(clock: Clock) -> None:
    # Proxies send it on as it comes; the pieces may cut a character in two.
    server, body = Server(clock, **HMAC), posted(name="日本語 🎉")
    pieces = [body[at : at + 1] for at in range(len(body))]
    assert (await server.posted(*pieces, fields=signed(body))).status_code == 204
    assert len(server.taken) == 1


REFUSED: dict[str, tuple[bytes, Fields, int]] = {
    "no JSON": (b"{", bearer(), 400),
    "no object": (b"[]", bearer(), 400),
    "no message": (b'{"session": {"id": "s-1"}}', bearer(), 400),
    "too large": (b'"' + b"x" * MAX_BODY + b'"', bearer(), 413),
    "too many values": (b"[" + b"1," * json_text.MAX_SENT_VALUES + b"1]", bearer(), 413),
    "a form": (b"message=1", [("Content-Type", "text/plain"), bearer()[1]], 415),
    "no type": (posted(), [bearer()[1]], 415),
    "packed": (posted(), [*bearer(), ("Content-Encoding", "gzip")], 415),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_vapi_never_sends_is_refused_in_words(server: Server, name: str) -> None:
    # Whoever tries it out by hand has to see what is wrong.
    body, fields, status = REFUSED[name]
    answer = await server.posted(body, fields=fields)
    assert (answer.status_code, server.taken) == (status, [])
    assert answer.json()["statusCode"] == status
    assert answer.json()["message"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_there_is_nothing_but_post(server: Server, method: str) -> None:
    # Vapi posts; everything else is somebody who looks around.
    answer = await server.posted(posted(), method=method)
    assert (answer.status_code, answer.headers["Allow"], server.taken) == (405, "POST", [])


async def test_a_body_that_is_cut_off_reports_nothing(clock: Clock) -> None:
    # Its beginning may be a whole message with other fields.
    server = Server(clock)

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(name.lower().encode(), value.encode()) for name, value in bearer()]
    scope = {"type": "http", "method": "POST", "path": PATH, "headers": headers}
    await server.webhook(scope, receive, send)
    assert (sent[0]["status"], server.taken) == (400, [])


class Sending:
    """A request whose body comes when a test says so."""

    def __init__(self, webhook: ASGIApp, fields: Fields) -> None:
        self._webhook, self._fields = webhook, fields
        self._chunks, self._receive = anyio.create_memory_object_stream[Message](1_000)
        self.status: int | None = None

    async def answered(self) -> None:
        """Take part in the conversation until it ends."""
        headers = [(name.lower().encode(), value.encode()) for name, value in self._fields]
        scope = {"type": "http", "method": "POST", "path": PATH, "headers": headers}
        with self._chunks, self._receive:
            await self._webhook(scope, self._receive.receive, self._send)

    def put(self, body: bytes, *, more: bool = True) -> None:
        """Have a part of the body arrive."""
        message = {"type": "http.request", "body": body, "more_body": more}
        self._chunks.send_nowait(message)

    def leave(self) -> None:
        """Hang up."""
        self._chunks.send_nowait({"type": "http.disconnect"})

    async def _send(self, message: Message) -> None:
        self.status = message.get("status", self.status)


async def test_bodies_that_nobody_signed_hold_so_much_memory_and_no_more(clock: Clock) -> None:
    # Whoever sends them knows no secret, and could have every connection hold four megabytes.
    server, chunk = Server(clock, **HMAC), b"x" * SMALL
    body, long = posted(), posted(name="x" * SMALL)
    sending = [Sending(server.webhook, signed(b"")) for _ in range(MOST_UNPROVED // MAX_BODY + 1)]
    async with anyio.create_task_group() as tasks:
        for one in sending:
            tasks.start_soon(one.answered)
            for _ in range(MAX_BODY // SMALL):
                one.put(chunk)
            await anyio.wait_all_tasks_blocked()
        assert [one.status for one in sending] == [None] * (len(sending) - 1) + [503]
        # Vapi's usual report passes all the same, and a long one is asked for again.
        for _ in range(2):
            assert (await server.posted(body, fields=signed(body))).status_code == 204
        refused = await server.posted(long, fields=signed(long))
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        for one in sending[:-1]:
            one.leave()
    assert (await server.posted(long, fields=signed(long))).status_code == 204
    assert len(server.taken) == 3


async def test_whoever_showed_the_secret_first_is_not_counted(clock: Clock) -> None:
    # Vapi itself may report as many long sessions at once as it has.
    server, chunk = Server(clock), b"x" * SMALL
    sending = [Sending(server.webhook, bearer()) for _ in range(MOST_UNPROVED // MAX_BODY + 2)]
    async with anyio.create_task_group() as tasks:
        for one in sending:
            tasks.start_soon(one.answered)
            for _ in range(MAX_BODY // SMALL):
                one.put(chunk)
        await anyio.wait_all_tasks_blocked()
        assert [one.status for one in sending] == [None] * len(sending)
        for one in sending:
            one.put(b"", more=False)
    assert [one.status for one in sending] == [400] * len(sending)


@pytest.mark.parametrize(
    ("url", "origin", "status"),
    [
        ("http://localhost", None, 204),
        ("http://evil.example", None, 421),
        ("http://localhost", "https://evil.example", 403),
    ],
)
async def test_the_rest_of_the_guard_is_in_front_of_it(
    server: Server, url: str, origin: str | None, status: int
) -> None:
    # A page in somebody's browser could post here, too.
    headers = dict(bearer()) | ({"Origin": origin} if origin else {})
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(server.app()[1])) as client:
        answer = await client.post(url + PATH, content=posted(), headers=headers)
    assert answer.status_code == status
    assert len(server.taken) == (status == 204)


@pytest.mark.parametrize("path", [f"{PATH}/", f"{PATH}/x", "/webhooks", "/webhooks/Vapi", "/mcp"])
async def test_the_secret_opens_no_other_path(server: Server, path: str) -> None:
    # It is Vapi's, and says nothing about who may read sessions.
    answer = await server.posted(posted(), path=path)
    if path == f"{PATH}/":
        assert answer.status_code == 204  # the same path: nobody means another
    else:
        assert (answer.status_code, server.taken) == (404 if path == f"{PATH}/x" else 401, [])


async def test_without_webhooks_there_is_no_such_path(clock: Clock) -> None:
    # What is not asked for is not there, and costs nothing.
    server = Server(clock)
    settings = Settings(transports=("http",), api_key="key-0123456789abcdef")
    built = build_server(Sessions(Vapi(settings), settings), settings)
    app = build_app(built, settings, Gate(settings, MCP))
    async with built.session_manager.run():
        assert (await asked(app, "POST", PATH, bearer(), posted())).status_code == 404
    assert server.taken == []


@pytest.mark.parametrize("method", ["subscriptions/listen", "resources/subscribe"])
async def test_without_subscribers_nothing_can_be_subscribed_to(
    server: Server, method: str
) -> None:
    # A subscription that nobody ever answers is worse than none.
    params: dict[str, Any] = {"uri": "vapi-session://s-1", "notifications": {}}
    fields = [*LEGACY.items(), ("Authorization", f"Bearer {TOKEN}")]
    body = json.dumps(request(method, **params)).encode()
    answer = await server.posted(body, fields=fields, path=MCP)
    assert message(answer)["error"]["code"] == -32601


async def test_a_large_report_is_taken(server: Server) -> None:
    # A session of hours has megabytes, and its changes matter as much.
    body = json.dumps(report(messages=[{"content": "x" * 1_000}] * 3_000)).encode()
    assert (await server.posted(body)).status_code == 204
    assert len(server.taken) == 1
