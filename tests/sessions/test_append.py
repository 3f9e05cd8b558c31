"""Messages are added to a conversation, and neither they nor the others' are lost unsaid."""

import json
from collections.abc import Callable
from typing import Any, TypeAlias, cast

import httpx2
import pytest

from support.tools import UPDATE, text
from support.upstream import Connect, Upstream
from support.writers import (
    NEW,
    Act,
    Between,
    Sandbox,
    answering,
    append,
    breaking,
    methods,
    note,
    sent,
    someone,
    vanishing,
)

pytestmark = pytest.mark.anyio

Json: TypeAlias = dict[str, Any]

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


@pytest.fixture
def sandbox(upstream: Upstream) -> Sandbox:
    return Sandbox(upstream)


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
    assert methods(upstream) == ["GET", "PATCH", "GET"]
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


async def test_an_answer_of_a_tool_is_added_once(
    connect: Connect, upstream: Upstream, sandbox: Sandbox
) -> None:
    # In a transcript it takes its name from the call, which is no other message.
    await sandbox.create(messages=MIXED)
    answer = {"role": "tool", "tool_call_id": "c2", "content": "booked"}
    async with connect() as client:
        result = await append(client, sandbox.id, answer)
    assert not result.is_error, text(result)
    assert len(sent(upstream)) == 1
    assert await sandbox.messages() == [*MIXED, answer]


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


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"appendMessages": [NEW], "body": {"messages": []}}, "give one of them"),
        ({"appendMessages": [NEW], "body": {"messages": [NEW]}}, "`body.messages` replaces"),
        (
            {},
            "`body` is required, or `appendMessages`",
        ),
        (
            {"body": None, "appendMessages": None},
            "`body` is required, or `appendMessages`",
        ),
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


RAW = (
    '[ {"role": "user", "content": "\\ud83d \\u00e9 \\/ key-of-mine-123456", "n": 1e400, "m": -0.0,'
    '\t"big": 12345678901234567890123, "x": 1.10000000000000000001, "content2": "\\"messages\\""} ]'
)


@pytest.mark.parametrize("there", [RAW, "[]", " [ ] ", "null"])
async def test_what_was_there_is_written_back_to_the_letter(
    connect: Connect, upstream: Upstream, there: str
) -> None:
    # Half a surrogate, a huge number, the key's own text: read and written again they would be
    # something else, and the conversation is not ours to mend.
    written: list[str] = []

    def vapi(request: httpx2.Request) -> httpx2.Response:
        if request.method == "PATCH":
            written.append(request.content.decode())
        said = f'{{"messages" : [1], "id":"s-1", "a": {{"messages": 2}}, "messages" : {there} }}'
        return httpx2.Response(200, content=said.encode())

    upstream.answers = httpx2.MockTransport(vapi)
    async with connect(api_key="key-of-mine-123456") as client:
        result = await append(client, "s-1", NEW, body={"name": "n"})
    assert not result.is_error, text(result)
    inner = "" if there == "null" else there.strip()[1:-1].strip()
    added = json.dumps(NEW, separators=(",", ":"))
    between = "," if inner else ""
    assert written == [f'{{"name":"n","messages":[{inner}{between}{added}]}}']
    assert "key-of-mine" not in result.model_dump_json()


async def test_a_conversation_that_is_no_list_takes_no_message(
    connect: Connect, upstream: Upstream
) -> None:
    # Whatever it is, an array in its place would destroy it.
    said = {"id": "s-1", "messages": {"0": "Hi"}}
    upstream.answers = httpx2.MockTransport(lambda _: httpx2.Response(200, json=said))
    async with connect() as client:
        result = await append(client, "s-1", NEW)
    assert text(result) == "Nothing was changed: the messages of session s-1 are not a list."
    assert methods(upstream) == ["GET"]


# What is said of it


FIRST: Json = {"role": "user", "content": "First"}
THEIRS: Json = {"role": "user", "content": "Theirs"}


def trimmed(message: Json) -> Json:
    return message | {"content": message["content"].strip()}


def with_unix_line_ends(message: Json) -> Json:
    return message | {"content": message["content"].replace("\r\n", "\n")}


def without_a_name(message: Json) -> Json:
    return {"role": message["role"], "content": message["content"]}


def of_a_call(message: Json) -> Json:
    return {"role": "bot", "message": message["content"], "time": 1}


@pytest.mark.parametrize("rule", [trimmed, with_unix_line_ends, without_a_name, of_a_call])
async def test_what_vapi_stores_differently_is_stored_once_and_said_to_be_stored(
    connect: Connect, upstream: Upstream, rule: Callable[[Json], Json]
) -> None:
    # Looked for by what was sent it would not be found, written again, and denied.
    session: Json = {"id": "s-1", "messages": [FIRST]}

    def vapi(request: httpx2.Request) -> httpx2.Response:
        if request.method == "PATCH":
            session["messages"] = [rule(m) for m in json.loads(request.content)["messages"]]
        return httpx2.Response(200, json=session)

    upstream.answers = httpx2.MockTransport(vapi)
    message = {"role": "user", "content": " Hi\r\n ", "name": "M"}
    async with connect() as client:
        result = await append(client, "s-1", message)
    assert not result.is_error
    assert methods(upstream) == ["GET", "PATCH", "GET"]
    assert note(result) == "Appended 1 message: read back, the conversation has 2."
    assert session["messages"] == [rule(FIRST), rule(message)]


async def test_a_message_that_vapi_does_not_keep_is_not_said_to_be_kept(
    connect: Connect, upstream: Upstream
) -> None:
    # Vapi accepted the change and stored something else: only its own answer shows it.
    session = {"id": "s-1", "messages": [FIRST]}
    upstream.answers = httpx2.MockTransport(lambda _: httpx2.Response(200, json=session))
    async with connect() as client:
        result = await append(client, "s-1", NEW)
    assert note(result) == (
        "Vapi accepted 1 more message, but answered a conversation of 1 where 2 were expected:"
        " compare before you append again: read back, the conversation has 1."
    )


@pytest.mark.parametrize(
    "after",
    [[FIRST, THEIRS], [FIRST, NEW, THEIRS], [THEIRS], []],
    ids=["lost", "kept", "x", "none"],
)
async def test_what_others_do_after_the_write_is_said_and_nothing_is_written_again(
    connect: Connect, upstream: Upstream, sandbox: Sandbox, after: list[Json]
) -> None:
    # Whether their change took ours away is theirs to know; a second copy would be our fault.
    await sandbox.create(messages=[FIRST])
    Between(upstream, sandbox, {2: someone(*after)})
    async with connect() as client:
        result = await append(client, sandbox.id, NEW)
    assert not result.is_error
    assert await sandbox.messages() == after
    assert len(sent(upstream)) == 1
    assert note(result) == (
        f"Appended 1 message. Read back, the conversation has {len(after)} and differs from what"
        " Vapi answered: somebody else changed it since. Compare before you append again."
    )


# Failures


@pytest.mark.parametrize("failure", [answering(500), answering(502, "bad gateway"), breaking])
async def test_a_write_whose_answer_is_lost_is_said_to_be_unclear(
    connect: Connect, upstream: Upstream, sandbox: Sandbox, failure: Act
) -> None:
    # It may have happened: an agent that simply tries again would add the message twice.
    await sandbox.create(messages=[FIRST])
    Between(upstream, sandbox, {2: failure})
    async with connect() as client:
        result = await append(client, sandbox.id, NEW)
    assert result.is_error
    assert "It may or may not have happened: get session" in text(result)
    assert methods(upstream) == ["GET", "PATCH"]
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
async def test_a_read_that_fails_before_the_write_changes_nothing(
    connect: Connect, upstream: Upstream, sandbox: Sandbox, act: Act
) -> None:
    # Without knowing what is there, writing would delete it.
    await sandbox.create(messages=[FIRST])
    Between(upstream, sandbox, dict.fromkeys(range(1, 9), act))
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
    Between(upstream, sandbox, dict.fromkeys(range(3, 9), act))
    async with connect() as client:
        result = await append(client, sandbox.id, NEW)
    assert not result.is_error, text(result)
    assert cast("Json", result.structured_content)["messages"] == [FIRST, NEW]
    assert note(result) == (
        "Appended 1 message. It could not be read back; this is what Vapi answered."
    )
    assert len(sent(upstream)) == 1
    assert await sandbox.messages() == [FIRST, NEW]


async def test_a_session_deleted_before_the_write_takes_no_message(
    connect: Connect, upstream: Upstream, sandbox: Sandbox
) -> None:
    # An agent must not believe that its message is kept.
    await sandbox.create(messages=[FIRST])
    Between(upstream, sandbox, {1: vanishing})
    async with connect() as client:
        result = await append(client, sandbox.id, NEW)
    assert result.is_error
    assert text(result).startswith(f"No session {sandbox.id}: it may have expired or been deleted")


async def test_a_session_deleted_after_the_write_leaves_its_last_copy(
    connect: Connect, upstream: Upstream, sandbox: Sandbox
) -> None:
    # What Vapi answered is all that is left of the conversation.
    await sandbox.create(messages=[FIRST])
    Between(upstream, sandbox, {2: vanishing})
    async with connect() as client:
        result = await append(client, sandbox.id, NEW)
    assert cast("Json", result.structured_content)["messages"] == [FIRST, NEW]
    assert "Read back, the session is gone: it was deleted meanwhile." in note(result)
