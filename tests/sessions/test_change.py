"""Updates and deletes: what they take away is guarded, copied and never a mask's doing."""

from typing import Any, TypeAlias, cast

import anyio
import httpx2
import pytest
from mcp import Client
from mcp_types import CallToolResult

from support.person import Person, replies
from support.tools import CREATE, DELETE, GET, UPDATE, text
from support.upstream import Connect, Upstream
from support.writers import NEW, Sandbox, append, methods, note
from vapi_sessions_mcp.mcp_server.server import build_server
from vapi_sessions_mcp.sandbox import SANDBOX_KEY
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi

pytestmark = pytest.mark.anyio

Json: TypeAlias = dict[str, Any]

FIFTY: list[Json] = [{"role": "user", "content": f"message {n}"} for n in range(50)]
LOSSES: list[Json] = [
    {"messages": []},
    {"messages": [NEW]},
    {"messages": "[]"},
    {"expirationSeconds": 60},
    {"expirationSeconds": "60"},
    {"expirationSeconds": 86_399},
    {"messages": [], "expirationSeconds": 60, "name": "n"},
]
HARMLESS: list[Json] = [
    {"name": "n"},
    {"status": "completed"},
    {"expirationSeconds": 86_400},
    {"expirationSeconds": 2_592_000},
]


@pytest.fixture
async def sandbox(upstream: Upstream) -> Sandbox:
    made = Sandbox(upstream)
    await made.create(messages=FIFTY, name="Maya")
    return made


async def update(client: Client, id: str, body: Json, **more: Any) -> CallToolResult:
    return await client.call_tool(UPDATE, {"id": id, "body": body, **more})


def answer_of(result: CallToolResult) -> Json:
    return cast("Json", result.structured_content)


def said_in_json(token: str) -> Json:
    """A message that is JSON text, with an escape in it as a model may write it."""
    return {"role": "user", "content": f'{{"token": "{token}"}}'}


async def answered(upstream: Upstream, era: str, person: Person, id: str, body: Json) -> Json:
    """An update on a server that asks `person`; its whole result."""
    settings = Settings(api_key=SANDBOX_KEY, base_url="http://localhost:9", confirm_delete="person")
    server = build_server(Sessions(Vapi(settings, transport=upstream), settings), settings)
    with anyio.fail_after(20):
        async with Client(server, mode=era, elicitation_callback=person) as client:
            result = await update(client, id, body)
    return {"error": result.is_error, "text": text(result)}


# What takes something away is a delete


@pytest.mark.parametrize("body", LOSSES)
async def test_no_delete_refuses_whatever_takes_something_away(
    connect: Connect, sandbox: Sandbox, upstream: Upstream, body: Json
) -> None:
    # An emptied conversation is as gone as a deleted one, and one that expires in a minute, too.
    before = await sandbox.call("GET")
    async with connect(no_delete=True) as client:
        refused = await update(client, sandbox.id, body)
        also = await append(client, sandbox.id, NEW, body=body)
    assert refused.is_error
    assert "--no-delete" in text(refused)
    assert also.is_error
    assert await sandbox.call("GET") == before
    assert "PATCH" not in methods(upstream)


@pytest.mark.parametrize("body", HARMLESS)
async def test_what_takes_nothing_away_is_neither_refused_nor_asked_about(
    connect: Connect, sandbox: Sandbox, body: Json
) -> None:
    # Guards that stop harmless work are switched off.
    for guard in ({"no_delete": True}, {"confirm_delete": "person"}):
        async with connect(**guard) as client:
            assert not (await update(client, sandbox.id, body)).is_error
            assert not (await append(client, sandbox.id, NEW)).is_error


@pytest.mark.parametrize("body", LOSSES)
async def test_a_person_is_asked_before_something_is_taken_away(
    sandbox: Sandbox, upstream: Upstream, era: str, body: Json
) -> None:
    # The question says which conversation, how much of it, and what becomes of it.
    declines, agrees = Person(replies("decline")), Person(replies("accept"))
    before = await sandbox.call("GET")
    refused = await answered(upstream, era, declines, sandbox.id, body)
    assert refused["text"].startswith("Nothing was changed: the person did not agree.")
    assert await sandbox.call("GET") == before
    [asked] = declines.asked
    assert f'session {sandbox.id} "Maya" of an unknown customer with 50 messages' in asked
    assert asked.startswith(("Replace all messages by", "Shorten the lifetime to"))
    assert ("Replace" in asked) is ("messages" in body)
    assert ("horten the lifetime" in asked) is ("expirationSeconds" in body)
    done = await answered(upstream, era, agrees, sandbox.id, body)
    assert not done["error"], done["text"]
    after = await sandbox.call("GET")
    assert len(after.get("messages", [])) == (
        50 if "messages" not in body else len(after["messages"])
    )
    assert after["updatedAt"] != before["updatedAt"]


async def test_a_lifetime_that_is_not_the_default_is_compared_with_what_is_stored(
    connect: Connect, sandbox: Sandbox
) -> None:
    # 600 s are more than 300, and fewer than 900.
    await sandbox.call("PATCH", {"expirationSeconds": 600})
    async with connect(no_delete=True) as client:
        assert (await update(client, sandbox.id, {"expirationSeconds": 599})).is_error
        assert not (await update(client, sandbox.id, {"expirationSeconds": 900})).is_error


async def test_lifetimes_that_are_set_at_once_do_not_shorten_one_another(
    connect: Connect, sandbox: Sandbox, upstream: Upstream
) -> None:
    # Each alone is longer than what was there; the last to be written may not be the longest.
    async def slow(request: httpx2.Request) -> httpx2.Response:
        await anyio.sleep(delays.pop())
        return await inner.handle_async_request(request)

    inner = upstream.answers
    for order in ([3.0, 1.0, 2.0], [1.0, 3.0, 2.0], [2.0, 1.0, 3.0]):
        await sandbox.call("PATCH", {"expirationSeconds": 86_400})
        delays = [*order, 0.1, 0.1, 0.1]
        upstream.answers = httpx2.MockTransport(slow)
        async with connect(no_delete=True) as client, anyio.create_task_group() as tasks:
            for seconds in (90_000, 2_592_000, 100_000):
                body = {"expirationSeconds": seconds}
                tasks.start_soon(update, client, sandbox.id, body)
        upstream.answers = inner
        assert (await sandbox.call("GET"))["expirationSeconds"] == 2_592_000


@pytest.mark.measured
async def test_a_consent_is_to_that_change_alone(
    sandbox: Sandbox, upstream: Upstream, era: str
) -> None:
    # They agreed to lose fifty messages, not the one that came in meanwhile.
    async def reply(question: str) -> Any:
        if " with 50 " in question:
            await sandbox.write(*FIFTY, NEW)
        return await replies("accept")(question)

    person = Person(reply)
    result = await answered(upstream, era, person, sandbox.id, {"messages": []})
    if era == "legacy":
        assert "changed while the question was asked" in result["text"]
        assert len(await sandbox.messages()) == 51
    else:
        # There the call comes again, and is asked about as things are now.
        assert [asked.split(" with ")[1][:2] for asked in person.asked] == ["50", "51"]
        assert not result["error"]


async def test_what_became_a_loss_since_is_not_done_without_asking(
    connect: Connect, sandbox: Sandbox, upstream: Upstream
) -> None:
    # When it was looked at, 90 000 s were more than the session had.
    reads = 0

    async def handle(request: httpx2.Request) -> httpx2.Response:
        nonlocal reads
        reads += request.method == "GET"
        if reads == 2:
            await sandbox.call("PATCH", {"expirationSeconds": 100_000})
        return await inner.handle_async_request(request)

    inner = upstream.answers
    upstream.answers = httpx2.MockTransport(handle)
    async with connect(confirm_delete="argument") as client:
        result = await update(client, sandbox.id, {"expirationSeconds": 90_000})
    assert "changed while the question was asked" in text(result)
    assert "PATCH" not in methods(upstream)


async def test_an_argument_confirms_a_replacement_where_that_is_allowed(
    connect: Connect, sandbox: Sandbox
) -> None:
    # As for a delete, and only there.
    async with connect(confirm_delete="argument") as client:
        told = await update(client, sandbox.id, {"messages": []})
        assert f"call again with `confirm` set to {sandbox.id}" in text(told)
        assert len(await sandbox.messages()) == 50
        assert not (await update(client, sandbox.id, {"messages": []}, confirm=sandbox.id)).is_error
    assert await sandbox.messages() == []


# Copies


async def test_a_replaced_conversation_is_answered(connect: Connect, sandbox: Sandbox) -> None:
    # Nobody else has it any more.
    async with connect() as client:
        result = await update(client, sandbox.id, {"messages": [NEW]})
    answer = answer_of(result)
    assert answer["messages"] == [NEW]
    assert answer["replacedMessages"] == FIFTY


async def test_the_copy_takes_no_field_of_vapis_place(
    connect: Connect, sandbox: Sandbox, upstream: Upstream
) -> None:
    # A field that Vapi adds tomorrow is part of the answer, too.
    before = await sandbox.call("GET")

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={**before, "replacedMessages": "of Vapi"})

    upstream.answers = httpx2.MockTransport(answer)
    async with connect() as client:
        changed = answer_of(await update(client, sandbox.id, {"messages": []}))
    assert changed["replacedMessages"] == "of Vapi"
    assert changed["replacedMessages (2)"] == before["messages"]


async def test_what_replaces_nothing_has_no_copy(connect: Connect, sandbox: Sandbox) -> None:
    # Other changes leave the conversation as it is, and need no second request.
    async with connect() as client:
        result = await update(client, sandbox.id, {"name": "n"})
    assert "replacedMessages" not in answer_of(result)


async def test_the_copy_hides_what_every_answer_hides(connect: Connect, sandbox: Sandbox) -> None:
    # It is an answer like any other.
    await sandbox.write({"role": "user", "content": "+14155550123", "metadata": {"apiKey": "k-1"}})
    async with connect(mask_pii=True) as client:
        result = await update(client, sandbox.id, {"messages": []})
    [message] = answer_of(result)["replacedMessages"]
    assert message == {"role": "user", "content": "***23", "metadata": {"apiKey": "***"}}


@pytest.mark.parametrize("said", [(204, b""), (200, b""), (200, b" \n")])
async def test_a_delete_without_a_body_is_a_delete(
    connect: Connect, upstream: Upstream, said: tuple[int, bytes]
) -> None:
    # "The answer is not JSON" would have it deleted again, and not found.
    status, content = said
    upstream.answers = httpx2.MockTransport(lambda _: httpx2.Response(status, content=content))
    async with connect() as client:
        result = await client.call_tool(DELETE, {"id": "s-1"})
        read = await client.call_tool(GET, {"id": "s-1"})
    assert not result.is_error
    expected = {"id": "s-1", "deleted": True, "note": note(result)}
    assert result.structured_content == expected
    assert note(result) == "Deleted. Vapi sent no copy of the session."
    assert read.is_error


# Masks


async def test_a_mask_is_not_written_over_what_it_hides(
    connect: Connect, sandbox: Sandbox, upstream: Upstream
) -> None:
    # Read full, mend a typo, write back: the token and the number would be gone for good.
    secret: Json = {
        "role": "user",
        "content": "I am +14155550123",
        "metadata": {"apiKey": "real-1"},
    }
    starred = {"role": "user", "content": "*** literally ***"}
    await sandbox.write(secret, starred, {"role": "user", "content": "helo"})
    async with connect(mask_pii=True) as client:
        read = await client.call_tool(GET, {"id": sandbox.id, "view": "full"})
        messages = answer_of(read)["messages"]
        messages[2] = {"role": "user", "content": "hello"}
        refused = await update(client, sandbox.id, {"messages": messages})
        kept: list[Json] = [secret, starred, messages[2]]
        moved = await update(client, sandbox.id, {"messages": kept[::-1]})
    assert refused.is_error
    for path in ("body.messages[0].content", "body.messages[0].metadata.apiKey"):
        assert f"`{path}` holds ***, which hides what is stored and would replace it" in text(
            refused
        )
    assert "body.messages[1]" not in text(refused)
    assert not moved.is_error, text(moved)
    assert await sandbox.messages() == kept[::-1]


async def test_a_mask_that_could_be_either_of_two_is_refused(
    connect: Connect, sandbox: Sandbox
) -> None:
    # One message really says "***23", another hides a number that ends so: which is meant?
    await sandbox.write(
        {"role": "user", "content": "***23"}, {"role": "user", "content": "+14155550123"}
    )
    async with connect(mask_pii=True) as client:
        result = await update(
            client, sandbox.id, {"messages": [{"role": "user", "content": "***23"}] * 2}
        )
    assert result.is_error
    assert len(await sandbox.messages()) == 2


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"name": "Maya ***"}, "body.name"),
        ({"messages": [{"role": "user", "content": "a", "***": 1}]}, "body.messages[0].***"),
        ({"messages": [{"role": "user", "content": "new ***"}]}, "body.messages[0].content"),
        ({"tomorrow": {"deep": [["***"]]}}, "body.tomorrow.deep[0][0]"),
        ({"messages": [said_in_json("\\u002A**")]}, "body.messages[0].content"),
        ({"messages": [said_in_json("*\\u002a\\u002a")]}, "body.messages[0].content"),
    ],
)
async def test_a_mask_is_refused_wherever_it_is(
    connect: Connect, sandbox: Sandbox, upstream: Upstream, body: Json, path: str
) -> None:
    # What Vapi stores tomorrow is masked today.
    async with connect() as client:
        result = await update(client, sandbox.id, body)
        with_more = await append(client, sandbox.id, NEW, body={"name": "***"})
    assert f"`{path}` holds ***" in text(result)
    # It was read, to compare: "nothing was sent" would be untrue.
    assert text(result).endswith("Nothing was changed.")
    assert with_more.is_error
    assert "PATCH" not in methods(upstream)


async def test_a_new_session_takes_no_mask_for_a_secret(
    connect: Connect, upstream: Upstream
) -> None:
    # Copied from another session's answer it would be a key that opens nothing.
    phone = {"twilioPhoneNumber": "+14155550100", "twilioAccountSid": "AC1"}
    async with connect() as client:
        refused = await client.call_tool(
            CREATE, {"body": {"phoneNumber": {**phone, "twilioAuthToken": "***"}}}
        )
        words = [{"role": "user", "content": "***"}]
        taken = await client.call_tool(CREATE, {"body": {"messages": words, "name": "***"}})
    assert "`body.phoneNumber.twilioAuthToken` holds ***" in text(refused)
    assert not taken.is_error
    assert methods(upstream) == ["POST"]


@pytest.mark.parametrize("body", [{}, {"name": None}, {"messages": None, "status": None}])
async def test_an_update_that_changes_nothing_is_refused(
    connect: Connect, upstream: Upstream, body: Json
) -> None:
    # It would be answered like a change that was made.
    async with connect() as client:
        result = await update(client, "s-1", body)
    assert text(result).startswith("`body` would change nothing: give it a value that is not null")
    assert upstream.requests == []
