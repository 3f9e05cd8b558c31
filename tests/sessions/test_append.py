"""Messages are added to a conversation, and neither they nor the others' are lost unsaid."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, cast

import httpx2
import pytest
from mcp import Client
from mcp_types import CallToolResult, TextContent

from support.tools import UPDATE, text
from support.upstream import Connect, Upstream
from vapi_sessions_mcp.sandbox import SANDBOX_KEY

pytestmark = pytest.mark.anyio

Json: TypeAlias = dict[str, Any]
Act: TypeAlias = Callable[["Sandbox"], Awaitable[object]]

NEW: Json = {"role": "assistant", "content": "We call back on Monday."}
MIXED: list[Json] = [
    {"role": "system", "message": "Be kind.", "time": 1792483451250, "secondsFromStart": 0.0},
    {
        "role": "bot",
        "message": "Hello!",
        "time": 1792483451850.5,
        "endTime": None,
        "mood": {"x": []},
    },
    {"role": "user", "content": "Zoë 👋\nline two", "name": None, "metadata": {"a": None, "n": 0}},
    {
        "role": "tool_calls",
        "message": "",
        "toolCalls": [{"id": "c1", "function": {"name": "find"}}],
    },
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c2", "function": {"name": "book", "arguments": '{"day": "Mon"}'}}],
    },
    {"role": "somebody", "tomorrow": 9007199254740991},
]


class Sandbox:
    """The sandbox, reached past our server, as another program would."""

    def __init__(self, upstream: Upstream) -> None:
        self._transport = upstream.answers
        self.id = ""

    async def call(self, method: str, body: Json | None = None, *, path: str = "") -> Json:
        url = f"http://sandbox/session{path or f'/{self.id}'}"
        headers = {"Authorization": f"Bearer {SANDBOX_KEY}"}
        request = httpx2.Request(method, url, json=body, headers=headers)
        response = await self._transport.handle_async_request(request)
        assert response.is_success, await response.aread()
        return json.loads(await response.aread())

    async def create(self, **body: Any) -> Json:
        made = await self.call("POST", body, path="?")
        self.id = made["id"]
        return made

    async def messages(self) -> list[Json]:
        return (await self.call("GET"))["messages"]

    async def write(self, *messages: Json) -> None:
        await self.call("PATCH", {"messages": list(messages)})


class Between(httpx2.AsyncBaseTransport):
    """The sandbox, in which something happens after certain requests, counted from 1.

    An act that returns a response answers the request in the sandbox's place.
    """

    def __init__(self, upstream: Upstream, sandbox: Sandbox, acts: dict[int, Act]) -> None:
        self._answers, self._sandbox, self._acts = upstream.answers, sandbox, acts
        self._count = 0
        upstream.answers = self

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self._count += 1
        answer = await self._answers.handle_async_request(request)
        if act := self._acts.get(self._count):
            instead = await act(self._sandbox)
            if isinstance(instead, httpx2.Response):
                return instead
        return answer


@pytest.fixture
def sandbox(upstream: Upstream) -> Sandbox:
    return Sandbox(upstream)


async def append(client: Client, id: str, *messages: Json, **more: Any) -> CallToolResult:
    arguments = {"id": id, "appendMessages": list(messages), **more}
    return await client.call_tool(UPDATE, arguments)


def sent(upstream: Upstream) -> list[Json]:
    """The body of each write that Vapi got."""
    return [json.loads(r.content) for r in upstream.requests if r.method == "PATCH"]


def methods(upstream: Upstream) -> list[str]:
    return [request.method for request in upstream.requests]


def note(result: CallToolResult) -> str:
    [block] = result.content[1:]
    assert isinstance(block, TextContent)
    assert cast("Json", result.structured_content)["note"] == block.text
    return block.text


def someone(*messages: Json) -> Act:
    """Another writer, who replaces the conversation by what it knows of it."""

    async def act(sandbox: Sandbox) -> None:
        await sandbox.write(*messages)

    return act


def answering(status: int, message: str = "") -> Act:
    async def act(sandbox: Sandbox) -> httpx2.Response:
        return httpx2.Response(status, json={"message": message})

    return act


async def vanishing(sandbox: Sandbox) -> None:
    await sandbox.call("DELETE")


async def breaking(sandbox: Sandbox) -> None:
    raise httpx2.ReadError("connection reset")


# What is written


async def test_every_message_that_was_there_is_written_back_as_it_was(
    connect: Connect, upstream: Upstream, sandbox: Sandbox
) -> None:
    # Vapi replaces the whole array: whatever is not sent back is gone.
    await sandbox.create(messages=MIXED)
    before = await sandbox.messages()
    assert before == MIXED
    added = [NEW, {"role": "user", "message": "Bye", "time": 1792483459999, "extra": {"k": None}}]
    async with connect() as client:
        result = await append(client, sandbox.id, *added)
    assert sent(upstream) == [{"messages": [*MIXED, *added]}]
    assert json.dumps(sent(upstream)[0]["messages"][:-2]) == json.dumps(before)
    assert await sandbox.messages() == [*MIXED, *added]
    assert methods(upstream) == ["GET", "GET", "PATCH", "GET"]
    assert cast("Json", result.structured_content)["messages"] == [*MIXED, *added]
    assert note(result) == "Appended 2 messages: read back, the conversation has 8."


@pytest.mark.parametrize("messages", [None, []])
async def test_a_conversation_begins_with_the_first_message(
    connect: Connect, upstream: Upstream, sandbox: Sandbox, messages: list[Json] | None
) -> None:
    # A new session has none, and Vapi leaves the field out.
    await sandbox.create(messages=messages)
    async with connect() as client:
        result = await append(client, sandbox.id, NEW)
    assert await sandbox.messages() == [NEW]
    assert note(result) == "Appended 1 message: read back, the conversation has 1."


async def test_a_sample_of_each_shape_takes_a_message(
    connect: Connect, upstream: Upstream, sandbox: Sandbox
) -> None:
    # What really stands in sessions is longer and odder than any example.
    page = await sandbox.call("GET", path="?limit=1000")
    calls = next(s for s in page["results"] if any("message" in m for m in s["messages"]))
    chats = next(s for s in page["results"] if any("content" in m for m in s["messages"]))
    async with connect() as client:
        for session in (calls, chats):
            sandbox.id = session["id"]
            result = await append(client, sandbox.id, NEW)
            assert not result.is_error
            assert await sandbox.messages() == [*session["messages"], NEW]


async def test_other_fields_change_in_the_same_write(
    connect: Connect, upstream: Upstream, sandbox: Sandbox
) -> None:
    # A line and its status belong together: two writes could be cut in two.
    await sandbox.create(messages=[NEW], name="Before")
    async with connect() as client:
        body = {"status": "completed", "name": "After"}
        result = await append(client, sandbox.id, NEW, body=body)
    assert sent(upstream) == [{"status": "completed", "name": "After", "messages": [NEW, NEW]}]
    answer = cast("Json", result.structured_content)
    assert (answer["name"], answer["status"]) == ("After", "completed")
    assert len(answer["messages"]) == 2


async def test_an_answer_of_a_tool_is_found_though_it_takes_its_name_from_the_call(
    connect: Connect, upstream: Upstream, sandbox: Sandbox
) -> None:
    # Not recognising what was written would write it twice.
    await sandbox.create(messages=MIXED)
    answer = {"role": "tool", "tool_call_id": "c2", "content": "booked"}
    async with connect() as client:
        result = await append(client, sandbox.id, answer)
    assert not result.is_error, text(result)
    assert len(sent(upstream)) == 1
    assert await sandbox.messages() == [*MIXED, answer]


async def test_messages_that_vapi_completes_are_found(
    connect: Connect, upstream: Upstream, sandbox: Sandbox
) -> None:
    # Vapi may note when a message came: it is the same message.
    await sandbox.create(messages=[])
    timed = {"role": "user", "message": "Bye", "time": 1792483459999}
    Between(upstream, sandbox, {3: someone(timed)})
    async with connect() as client:
        result = await append(client, sandbox.id, {"role": "user", "message": "Bye"})
    assert not result.is_error
    assert len(sent(upstream)) == 1
    assert await sandbox.messages() == [timed]


async def test_the_same_words_can_be_added_twice(
    connect: Connect, upstream: Upstream, sandbox: Sandbox
) -> None:
    # "Yes." said again is another message, not one that was there.
    await sandbox.create(messages=[NEW, NEW])
    async with connect() as client:
        await append(client, sandbox.id, NEW)
        await append(client, sandbox.id, NEW, NEW)
    assert await sandbox.messages() == [NEW] * 5
    assert len(sent(upstream)) == 2


async def test_masked_values_are_never_written_back(
    connect: Connect, upstream: Upstream, sandbox: Sandbox
) -> None:
    # "***" in the place of a token or a number would destroy it for good.
    secret = {"token": "real-1", "headers": {"Authorization": "Bearer real-2"}}
    call = {"id": "c", "function": {"name": "f", "arguments": '{"password": "real-3"}'}}
    messages = [
        {"role": "user", "content": "I am +14155550123, maya@example.com", "metadata": secret},
        {"role": "assistant", "content": None, "tool_calls": [call]},
    ]
    phone = {"twilioPhoneNumber": "+14155550100", "twilioAccountSid": "AC1"}
    await sandbox.create(messages=messages, phoneNumber={**phone, "twilioAuthToken": "real-4"})
    added = {"role": "user", "content": "or +14155550124", "metadata": {"apiKey": "real-5"}}
    async with connect(mask_pii=True) as client:
        result = await append(client, sandbox.id, added)
    assert sent(upstream) == [{"messages": [*messages, added]}]
    stored = await sandbox.call("GET")
    assert stored["messages"] == [*messages, added]
    assert stored["phoneNumber"]["twilioAuthToken"] == "real-4"
    shown = cast("Json", result.structured_content)
    assert shown["messages"][0]["content"] == "I am ***23, ***"
    assert shown["phoneNumber"]["twilioAuthToken"] == "***"
    assert "real-" not in result.model_dump_json()


# What is refused


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"appendMessages": [NEW], "body": {"messages": []}}, "give one of them"),
        ({"appendMessages": [NEW], "body": {"messages": [NEW]}}, "`body.messages` replaces"),
        ({}, "`body` is required, or `appendMessages`"),
        ({"body": None, "appendMessages": None}, "`body` is required, or `appendMessages`"),
        ({"appendMessages": []}, "`appendMessages` must have at least 1 item"),
        ({"appendMessages": [{"content": "Hi"}]}, "`appendMessages[0].role` is required"),
        ({"appendMessages": "Hi"}, "`appendMessages` must be an array"),
    ],
)
async def test_what_is_not_clearly_an_append_is_refused_before_anything_is_read(
    connect: Connect, upstream: Upstream, arguments: Json, problem: str
) -> None:
    # To replace and to add at once has no meaning, and a guess could delete a conversation.
    async with connect() as client:
        result = await client.call_tool(UPDATE, {"id": "s1", **arguments})
    assert result.is_error
    assert problem in text(result)
    assert upstream.requests == []


async def test_a_session_that_is_not_there_takes_no_message(
    connect: Connect, upstream: Upstream
) -> None:
    # Nothing may be created by adding to it.
    async with connect() as client:
        result = await append(client, "nobody", NEW)
    assert result.is_error
    assert text(result).startswith("No session nobody: it may have expired or been deleted")
    assert methods(upstream) == ["GET"]


# The race


FIRST: Json = {"role": "user", "content": "First"}
THEIRS: Json = {"role": "user", "content": "Theirs"}
LATER: Json = {"role": "user", "content": "Theirs, later"}


async def test_a_change_between_the_two_reads_is_kept(
    connect: Connect, upstream: Upstream, sandbox: Sandbox
) -> None:
    # Writing what was read first would delete what came in between.
    await sandbox.create(messages=[FIRST])
    Between(upstream, sandbox, {1: someone(FIRST, THEIRS)})
    async with connect() as client:
        result = await append(client, sandbox.id, NEW)
    assert await sandbox.messages() == [FIRST, THEIRS, NEW]
    assert methods(upstream) == ["GET", "GET", "GET", "GET", "PATCH", "GET"]
    assert note(result) == (
        "Somebody else changed the session meanwhile, so it was tried again."
        " Appended 1 message: read back, the conversation has 3."
    )


async def test_messages_that_are_replaced_right_after_the_write_are_added_again(
    connect: Connect, upstream: Upstream, sandbox: Sandbox
) -> None:
    # The other writer had read before we wrote, and does not know of our message.
    await sandbox.create(messages=[FIRST])
    Between(upstream, sandbox, {3: someone(FIRST, THEIRS)})
    async with connect() as client:
        result = await append(client, sandbox.id, NEW, LATER, body={"name": "Noted"})
    assert await sandbox.messages() == [FIRST, THEIRS, NEW, LATER]
    assert methods(upstream) == ["GET", "GET", "PATCH", "GET"] * 2
    assert (await sandbox.call("GET"))["name"] == "Noted"
    assert "tried again. Appended 2 messages: read back, the conversation has 4." in note(result)


async def test_what_others_add_after_the_write_is_no_lost_race(
    connect: Connect, upstream: Upstream, sandbox: Sandbox
) -> None:
    # They kept ours: adding it again would double it.
    await sandbox.create(messages=[FIRST])
    Between(upstream, sandbox, {3: someone(FIRST, NEW, THEIRS)})
    async with connect() as client:
        result = await append(client, sandbox.id, NEW)
    assert await sandbox.messages() == [FIRST, NEW, THEIRS]
    assert len(sent(upstream)) == 1
    assert note(result) == "Appended 1 message: read back, the conversation has 3."


@pytest.mark.parametrize(
    ("acts", "left", "asked"),
    [
        (
            {1: someone(FIRST, THEIRS), 3: someone(FIRST, THEIRS, LATER)},
            [FIRST, THEIRS, LATER],
            ["GET", "GET", "GET", "GET"],
        ),
        (
            {3: someone(FIRST, THEIRS), 7: someone(FIRST, LATER)},
            [FIRST, LATER],
            ["GET", "GET", "PATCH", "GET"] * 2,
        ),
        (
            {1: someone(FIRST, THEIRS), 5: someone(FIRST, LATER)},
            [FIRST, LATER],
            ["GET", "GET", "GET", "GET", "PATCH", "GET"],
        ),
        (
            {3: someone(FIRST, THEIRS), 5: someone(FIRST, LATER)},
            [FIRST, LATER],
            ["GET", "GET", "PATCH", "GET", "GET", "GET"],
        ),
    ],
)
async def test_a_race_lost_twice_is_an_error_that_says_what_to_do(
    connect: Connect,
    upstream: Upstream,
    sandbox: Sandbox,
    acts: dict[int, Act],
    left: list[Json],
    asked: list[str],
) -> None:
    # Trying for ever helps nobody, and the caller must know that its message is not there.
    await sandbox.create(messages=[FIRST])
    Between(upstream, sandbox, acts)
    async with connect() as client:
        result = await append(client, sandbox.id, NEW)
        assert result.is_error
        assert text(result) == (
            f"Could not append to session {sandbox.id}: somebody else changed it during both"
            " tries, and the messages are not in it. Get the session, then append again."
        )
        assert await sandbox.messages() == left
        assert methods(upstream) == asked
        again = await append(client, sandbox.id, NEW)
    assert not again.is_error
    assert await sandbox.messages() == [*left, NEW]


# Failures


@pytest.mark.parametrize("failure", [answering(500), answering(502, "bad gateway"), breaking])
async def test_a_write_whose_answer_is_lost_is_said_to_be_unclear(
    connect: Connect, upstream: Upstream, sandbox: Sandbox, failure: Act
) -> None:
    # It may have happened: an agent that simply tries again would add the message twice.
    await sandbox.create(messages=[FIRST])
    Between(upstream, sandbox, {3: failure})
    async with connect() as client:
        result = await append(client, sandbox.id, NEW)
    assert result.is_error
    assert "It may or may not have happened: get session" in text(result)
    assert methods(upstream)[:3] == ["GET", "GET", "PATCH"]
    assert methods(upstream).count("PATCH") == 1
    assert await sandbox.messages() == [FIRST, NEW]


async def test_a_write_that_vapi_refuses_is_told_in_its_words(
    connect: Connect, upstream: Upstream, sandbox: Sandbox
) -> None:
    # What is wrong with a message is for its author to mend.
    await sandbox.create(messages=[FIRST])
    async with connect() as client:
        result = await append(client, sandbox.id, {"role": "bot", "content": "Hi"})
    assert result.is_error
    assert "messages.1.role must be one of the following values" in text(result)
    assert await sandbox.messages() == [FIRST]


@pytest.mark.parametrize("act", [answering(400), answering(500), breaking])
@pytest.mark.parametrize("number", [1, 2])
async def test_a_read_that_fails_before_the_write_changes_nothing(
    connect: Connect, upstream: Upstream, sandbox: Sandbox, number: int, act: Act
) -> None:
    # Without knowing what is there, writing would delete it.
    await sandbox.create(messages=[FIRST])
    Between(upstream, sandbox, dict.fromkeys(range(number, 9), act))
    async with connect() as client:
        result = await append(client, sandbox.id, NEW)
    assert result.is_error
    assert "Could not get session" in text(result)
    assert sent(upstream) == []


@pytest.mark.parametrize("act", [answering(400), answering(401), answering(500), breaking])
async def test_a_write_that_cannot_be_read_back_is_not_called_a_failure(
    connect: Connect, upstream: Upstream, sandbox: Sandbox, act: Act
) -> None:
    # Vapi said yes: "nothing was changed, call again" would add the message twice.
    await sandbox.create(messages=[FIRST])
    Between(upstream, sandbox, dict.fromkeys(range(4, 9), act))
    async with connect() as client:
        result = await append(client, sandbox.id, NEW)
    assert not result.is_error, text(result)
    assert cast("Json", result.structured_content)["messages"] == [FIRST, NEW]
    assert note(result) == (
        "Appended 1 message, but could not read back: get it before you add more."
    )
    assert len(sent(upstream)) == 1
    assert await sandbox.messages() == [FIRST, NEW]


@pytest.mark.parametrize("after", [1, 2, 3])
async def test_a_session_deleted_meanwhile_is_said_to_be_gone(
    connect: Connect, upstream: Upstream, sandbox: Sandbox, after: int
) -> None:
    # An agent must not believe that its message is kept.
    await sandbox.create(messages=[FIRST])
    Between(upstream, sandbox, {after: vanishing})
    async with connect() as client:
        result = await append(client, sandbox.id, NEW)
    assert result.is_error
    assert text(result).startswith(f"No session {sandbox.id}: it may have expired or been deleted")


@pytest.mark.parametrize("at", [5, 7])
async def test_a_failure_after_an_accepted_write_does_not_say_that_nothing_was_changed(
    connect: Connect, upstream: Upstream, sandbox: Sandbox, at: int
) -> None:
    # Whoever believes it appends the same messages twice.
    await sandbox.create(messages=[FIRST])
    # Requests 1 to 3 are the reads and the write, 4 the read back; then comes the second round.
    Between(upstream, sandbox, {3: someone(THEIRS), at: answering(409)})
    async with connect() as client:
        result = await append(client, sandbox.id, NEW, body={"name": "Noted"})
    assert result.is_error
    assert text(result).startswith(f"Vapi accepted the change of session {sandbox.id}, but then")
    assert "compare before you append again" in text(result)
    assert "Nothing was changed" not in text(result)
