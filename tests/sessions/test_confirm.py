"""Deleting with --confirm-delete: who is asked, what they are told, what their reply does."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client, MCPError
from mcp_types import CallToolResult, ElicitResult, ErrorData, InputRequiredResult

from support.person import BODY, Person, question, replies
from support.tools import DELETE, GET, text
from support.upstream import Connect, Upstream
from vapi_sessions_mcp.mcp_server.server import build_server
from vapi_sessions_mcp.rest_api.app import build_rest
from vapi_sessions_mcp.sandbox import SANDBOX_KEY
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi

pytestmark = pytest.mark.anyio

SETTINGS = Settings(api_key=SANDBOX_KEY, base_url="http://localhost:9", confirm_delete="argument")


class Vapis:
    """The sandbox with one session in it, as Vapi and its other users see it."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self.id = ""

    async def request(self, method: str, path: str = "", **given: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {SANDBOX_KEY}"}
        async with httpx2.AsyncClient(
            transport=self._upstream.answers, base_url="http://localhost", headers=headers
        ) as client:
            return await client.request(method, f"/session{path}", **given)

    async def exists(self) -> bool:
        return (await self.request("GET", f"/{self.id}")).status_code == 200

    def sent(self) -> list[str]:
        return [request.method for request in self._upstream.requests]


@pytest.fixture
async def vapi(upstream: Upstream) -> Vapis:
    made = Vapis(upstream)
    made.id = (await made.request("POST", json=BODY)).json()["id"]
    return made


@asynccontextmanager
async def asking(
    upstream: Upstream, era: str, person: Person | None, **options: Any
) -> AsyncGenerator[Client]:
    given: dict[str, Any] = {
        "api_key": SANDBOX_KEY,
        "base_url": "http://localhost:9",
        "confirm_delete": "argument",
        **options,
    }
    settings = Settings(**given)
    server = build_server(Sessions(Vapi(settings, transport=upstream), settings), settings)
    with anyio.fail_after(20):
        async with Client(server, mode=era, elicitation_callback=person) as client:
            yield client


async def test_a_person_who_agrees_is_asked_once_and_gets_the_last_copy(
    upstream: Upstream, vapi: Vapis, era: str
) -> None:
    # The question names what is lost, so that nobody agrees to something else.
    person = Person(replies("accept"))
    before = (await vapi.request("GET", f"/{vapi.id}")).json()
    async with asking(upstream, era, person) as client:
        result = await client.call_tool(DELETE, {"id": vapi.id})
    assert result.structured_content == before
    assert person.asked == [question(vapi.id)]
    assert not await vapi.exists()


@pytest.mark.parametrize("action", ["decline", "cancel"])
async def test_a_person_who_does_not_agree_keeps_the_session(
    upstream: Upstream, vapi: Vapis, era: str, action: str
) -> None:
    # Closing the question is no consent.
    person = Person(replies(action))
    async with asking(upstream, era, person) as client:
        result = await client.call_tool(DELETE, {"id": vapi.id})
    assert result.is_error
    assert text(result) == (f"Nothing was changed: the person did not agree. {question(vapi.id)}")
    assert "DELETE" not in vapi.sent()
    assert await vapi.exists()


async def test_where_a_person_can_be_asked_no_argument_speaks_for_them(
    upstream: Upstream, vapi: Vapis, era: str
) -> None:
    # A model that has read a hostile message could write the argument by itself.
    person = Person(replies("decline"))
    async with asking(upstream, era, person) as client:
        result = await client.call_tool(DELETE, {"id": vapi.id, "confirm": vapi.id})
    assert result.is_error
    assert len(person.asked) == 1
    assert await vapi.exists()


async def test_a_client_that_cannot_ask_has_to_name_the_session_twice(
    upstream: Upstream, vapi: Vapis, era: str
) -> None:
    # Many hosts show no questions; the second call is one more that a person can see.
    async with asking(upstream, era, None) as client:
        told = await client.call_tool(DELETE, {"id": vapi.id})
        assert text(told) == (
            f"Nothing was changed yet. {question(vapi.id)} This cannot be undone. Ask the person;"
            f" if they agree, call again with `confirm` set to {vapi.id}."
        )
        for wrong in ("yes", vapi.id.upper() + "x", True):
            other = await client.call_tool(DELETE, {"id": vapi.id, "confirm": wrong})
            assert other.is_error
        assert await vapi.exists()
        done = await client.call_tool(DELETE, {"id": vapi.id, "confirm": vapi.id})
    assert not done.is_error
    assert not await vapi.exists()


async def test_a_session_that_changes_while_the_person_thinks_is_not_deleted(
    upstream: Upstream, vapi: Vapis, era: str
) -> None:
    # They agreed to lose two messages, not the third that came in meanwhile.
    messages = [*BODY["messages"], {"role": "user", "content": "three"}]

    async def slow_to_reply(question: str) -> ElicitResult:
        if "2 messages" in question:
            await vapi.request("PATCH", f"/{vapi.id}", json={"messages": messages})
        return ElicitResult(action="accept", content={"confirm": True})

    person = Person(slow_to_reply)
    async with asking(upstream, era, person) as client:
        result = await client.call_tool(DELETE, {"id": vapi.id})
    if era == "legacy":
        assert text(result) == (
            f"Nothing was changed: session {vapi.id} changed while the question was asked."
            " Call again to ask anew."
        )
        assert await vapi.exists()
    else:
        # The reply was to another question, so the new one is asked before anything is done.
        assert [asked.split(" with ")[1] for asked in person.asked] == [
            '2 messages, the last of them "assistant: two"?',
            '3 messages, the last of them "user: three"?',
        ]
        assert not result.is_error


async def test_a_change_after_the_last_reply_is_noticed(upstream: Upstream, vapi: Vapis) -> None:
    # Between the question's own read and the delete another writer may come.
    reads = 0

    async def handle(request: httpx2.Request) -> httpx2.Response:
        nonlocal reads
        if request.method == "GET":
            reads += 1
            if reads == 2:
                await vapi.request("PATCH", f"/{vapi.id}", json={"name": "Other"})
        return await sandbox.handle_async_request(request)

    sandbox = upstream.answers
    async with asking(Upstream(httpx2.MockTransport(handle)), "auto", None) as client:
        told = await client.call_tool(DELETE, {"id": vapi.id, "confirm": vapi.id})
    assert "changed while the question was asked" in text(told)
    assert await vapi.exists()


async def test_a_question_that_the_client_fails_to_ask_is_no_consent(
    upstream: Upstream, vapi: Vapis
) -> None:
    # It said it could ask; what went wrong there must not delete anything.
    async def fail(question: str) -> ErrorData:
        return ErrorData(code=-32603, message="the window is gone")

    async with asking(upstream, "legacy", Person(fail)) as client:
        result = await client.call_tool(DELETE, {"id": vapi.id})
    assert text(result) == (
        f"Nothing was changed: the client did not put the question to the person."
        f" {question(vapi.id)} Tell them; they can do it with a client that asks."
    )
    assert await vapi.exists()


@pytest.mark.parametrize("content", [{}, None, {"confirm": False}, {"confirm": "true"}])
async def test_only_a_yes_to_the_question_itself_deletes(
    upstream: Upstream, vapi: Vapis, era: str, content: Any
) -> None:
    # One host, told to approve everything, accepts a form by itself with nothing in it.
    async def accepts(question: str) -> ElicitResult:
        return ElicitResult(action="accept", content=content)

    async with asking(upstream, era, Person(accepts)) as client:
        result = await client.call_tool(DELETE, {"id": vapi.id})
    assert result.is_error
    assert await vapi.exists()


async def test_where_nobody_can_be_asked_nothing_is_deleted(
    upstream: Upstream, vapi: Vapis, era: str
) -> None:
    # By default only a person's word counts, and a model could write any argument.
    async with asking(upstream, era, None, confirm_delete="person") as client:
        told = await client.call_tool(DELETE, {"id": vapi.id})
        assert text(told) == (
            "Nothing was changed: this server asks a person first, and this client cannot ask."
            f" {question(vapi.id)} Use a client that shows questions, or have whoever runs the"
            " server start it with --confirm-delete argument."
        )
        forced = await client.call_tool(DELETE, {"id": vapi.id, "confirm": vapi.id})
        assert forced.is_error
    assert await vapi.exists()
    assert "DELETE" not in vapi.sent()


@pytest.mark.parametrize("field", ["name", "customer", "messages"])
async def test_a_question_is_about_what_it_shows_whatever_the_time_of_the_last_change(
    upstream: Upstream, vapi: Vapis, field: str
) -> None:
    # Two changes may carry the same updatedAt, and a clock may stand still.
    changed: dict[str, Any] = {
        "name": "Rosie",
        "customer": {"number": "+14155550100", "name": "Rosa Diaz", "email": "r@example.com"},
        "messages": [{"role": "user", "content": "one"}, {"role": "assistant", "content": "TWO"}],
    }
    reads = 0

    async def handle(request: httpx2.Request) -> httpx2.Response:
        nonlocal reads
        answer = await sandbox.handle_async_request(request)
        reads += request.method == "GET"
        if reads < 2:
            return answer
        said = json.loads(await answer.aread()) | {field: changed[field]}
        return httpx2.Response(200, json=said)

    sandbox = upstream.answers
    async with asking(Upstream(httpx2.MockTransport(handle)), "auto", None) as client:
        told = await client.call_tool(DELETE, {"id": vapi.id, "confirm": vapi.id})
    assert "changed while the question was asked" in text(told)
    assert await vapi.exists()


async def test_a_question_obeys_nobody_and_reads_as_it_was_written(
    upstream: Upstream, vapi: Vapis, era: str
) -> None:
    # A name could clear the screen, or turn the question around by marks of direction.
    hostile = "\x1b[2J\u202eevil\u2066\u200d\u0007\n\u2028x"
    await vapi.request("PATCH", f"/{vapi.id}", json={"name": hostile})
    person = Person(replies("decline"))
    async with asking(upstream, era, person) as client:
        await client.call_tool(DELETE, {"id": vapi.id})
    [asked] = person.asked
    assert '"[2Jevil\u200d x"' in asked
    assert not [c for c in asked if not c.isprintable() and c != "\u200d"]


async def test_personal_data_is_masked_in_the_question_too(
    upstream: Upstream, vapi: Vapis, era: str
) -> None:
    # The question is logged by hosts like any other text.
    person = Person(replies("decline"))
    async with asking(upstream, era, person, mask_pii=True) as client:
        await client.call_tool(DELETE, {"id": vapi.id})
    assert "4155550100" not in person.asked[0]
    assert person.asked[0].startswith(f"Delete session {vapi.id}")


async def test_a_session_that_does_not_exist_is_not_asked_about(
    upstream: Upstream, era: str
) -> None:
    # Nobody should have to think about nothing.
    person = Person(replies("accept"))
    async with asking(upstream, era, person) as client:
        result = await client.call_tool(DELETE, {"id": "nobody"})
    assert text(result).startswith("No session nobody:")
    assert person.asked == []


async def test_the_reply_is_taken_up_by_any_replica(upstream: Upstream, vapi: Vapis) -> None:
    # Behind a load balancer the second call reaches a server that never asked.
    async def call(**more: Any) -> CallToolResult | InputRequiredResult:
        async with asking(upstream, "auto", Person(replies("accept"))) as client:
            result = await client.session.call_tool(
                DELETE, {"id": vapi.id}, allow_input_required=True, **more
            )
            assert isinstance(result, CallToolResult | InputRequiredResult)
            return result

    asked = await call()
    assert isinstance(asked, InputRequiredResult)
    assert asked.request_state is None
    [key] = asked.input_requests or {}
    reply = ElicitResult(action="accept", content={"confirm": True})
    # A reply to some other question is none to this one.
    again = await call(input_responses={"confirm-0123456789abcdef": reply})
    assert isinstance(again, InputRequiredResult)
    assert await vapi.exists()
    done = await call(input_responses={key: reply})
    assert isinstance(done, CallToolResult)
    assert not done.is_error
    assert not await vapi.exists()


async def test_a_rest_caller_names_the_session_twice(upstream: Upstream, vapi: Vapis) -> None:
    # A program has nobody to ask; its author decides, and writes it down.
    answers = Sessions(Vapi(SETTINGS, transport=upstream), SETTINGS)
    app = build_rest(answers, SETTINGS)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://localhost"
        ) as client,
    ):
        told = await client.delete(f"/v1/session/{vapi.id}")
        assert told.status_code == 428
        assert told.json()["message"].startswith(f"Nothing was changed yet. {question(vapi.id)}")
        assert await vapi.exists()
        done = await client.delete(f"/v1/session/{vapi.id}", params={"confirm": vapi.id})
        assert (done.status_code, done.json()["name"]) == (200, "Rosa")
        described = (await client.get("/openapi.json")).json()
    parameters = described["paths"]["/v1/session/{id}"]["delete"]["parameters"]
    assert [parameter["name"] for parameter in parameters] == ["id", "confirm"]


async def test_confirm_is_an_argument_only_where_it_is_asked_for(connect: Connect) -> None:
    # Elsewhere it would be bytes in every conversation, for nothing.
    for option in (None, "person", "argument"):
        async with connect(confirm_delete=option) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            result = await client.call_tool(DELETE, {"id": "nobody", "confirm": "nobody"})
        assert ("confirm" in tools[DELETE].input_schema["properties"]) is (option == "argument")
        assert ("A person is asked first." in str(tools[DELETE].description)) is bool(option)
        assert ("`confirm` is not an argument" in text(result)) is (option != "argument")


async def test_no_delete_knows_no_tool_that_deletes(connect: Connect, upstream: Upstream) -> None:
    # Whoever must keep records can still write to them.
    async with connect(no_delete=True, confirm_delete="person") as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert DELETE not in names
        assert len(names) == 4
        for name in (DELETE, "delete_session"):
            with pytest.raises(MCPError, match="No tool"):
                await client.call_tool(name, {"id": "s-1", "confirm": "s-1"})
        assert not (await client.call_tool(GET, {"id": "nobody"})).structured_content
    assert [request.method for request in upstream.requests] == ["GET"]
    settings = Settings(api_key=SANDBOX_KEY, base_url="http://localhost:9", no_delete=True)
    app = build_rest(Sessions(Vapi(settings, transport=upstream), settings), settings)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://localhost"
    ) as client:
        assert (await client.delete("/v1/session/s-1")).status_code == 405
        assert "delete" not in json.dumps((await client.get("/openapi.json")).json()["paths"])
    assert [request.method for request in upstream.requests] == ["GET"]
