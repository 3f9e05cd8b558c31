"""Sessions as resources: read, and completed by id."""

import json
import re
from typing import Any, TypeAlias, cast

import httpx2
import pytest
from mcp import Client, MCPError
from mcp_types import (
    PromptReference,
    ResourceTemplateReference,
    TextResourceContents,
)

from support.resource_calls import prompted
from support.sandbox import NOW
from support.tools import CREATE, GET, LIST, text
from support.upstream import Connect, Upstream
from vapi_sessions_mcp.sandbox.samples import sample_sessions

pytestmark = pytest.mark.anyio

Json: TypeAlias = dict[str, Any]

SAMPLES = sample_sessions(NOW)[::-1]
ID = str(SAMPLES[0]["id"])
TEMPLATE = ResourceTemplateReference(uri="vapi-session://{id}")
INVALID_PARAMS = -32602


class One(httpx2.AsyncBaseTransport):
    """An upstream with this one session, or with these rows of a list."""

    def __init__(self, session: Json | None = None, *, rows: list[Json] | None = None) -> None:
        self._answer = session if session is not None else {"results": rows}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json=self._answer)


async def read(client: Client, uri: str) -> TextResourceContents:
    [contents] = (await client.read_resource(uri)).contents
    assert isinstance(contents, TextResourceContents)
    assert contents.uri == uri
    return contents


async def refusal(client: Client, uri: str) -> MCPError:
    with pytest.raises(MCPError) as refused:
        await client.read_resource(uri)
    return refused.value


# Resources


async def test_the_templates_say_how_a_session_is_read(
    connect: Connect, upstream: Upstream
) -> None:
    # They are all that a host shows before somebody picks a session.
    async with connect() as client:
        templates = (await client.list_resource_templates()).resource_templates
    assert [(t.uri_template, t.mime_type) for t in templates] == [
        ("vapi-session://{id}", "application/json"),
        ("vapi-session://{id}/transcript", "text/markdown"),
    ]
    assert all(t.title and t.description for t in templates)
    assert upstream.requests == []


async def test_the_list_of_resources_has_no_session_and_asks_vapi_nothing(
    connect: Connect, upstream: Upstream
) -> None:
    # Hosts ask for it at every start, with and without a key.
    async with connect() as client:
        listed = [resource.uri for resource in (await client.list_resources()).resources]
    async with connect(api_key=None) as client:
        without = [resource.uri for resource in (await client.list_resources()).resources]
    assert listed == without == ["ui://sessions"]
    assert upstream.requests == []


async def test_a_session_is_read_whole_as_json(connect: Connect, upstream: Upstream) -> None:
    # It is what a person attaches to a conversation: nothing may be missing, however long.
    longest = max(SAMPLES, key=lambda sample: len(json.dumps(sample)))
    async with connect(max_result_bytes=2000) as client:
        contents = await read(client, f"vapi-session://{longest['id']}")
    assert contents.mime_type == "application/json"
    assert json.loads(contents.text) == longest
    assert [request.url.path for request in upstream.requests] == [f"/session/{longest['id']}"]


async def test_secrets_are_masked_in_what_is_read(connect: Connect, upstream: Upstream) -> None:
    # A resource is one more way out.
    call = {"function": {"name": "login", "arguments": '{"password": "LEAK"}'}}
    messages = [{"role": "assistant", "content": "Wait.", "tool_calls": [call]}]
    session = {"id": ID, "phoneNumber": {"twilioAuthToken": "LEAK"}, "messages": messages}
    upstream.answers = One(session)
    async with connect() as client:
        whole = await read(client, f"vapi-session://{ID}")
        spoken = await read(client, f"vapi-session://{ID}/transcript")
    assert "LEAK" not in whole.text + spoken.text
    assert json.loads(whole.text)["phoneNumber"] == {"twilioAuthToken": "***"}
    assert '> login `{"password":"***"}`' in spoken.text


async def test_a_transcript_reads_like_a_page(connect: Connect, upstream: Upstream) -> None:
    # A person reads it: who it was, what it was about, who said what and when.
    upstream.answers = One(
        {
            "id": ID,
            "name": "Reschedule Biscuit",
            "status": "completed",
            "createdAt": "2026-11-20T09:00:00.000Z",
            "updatedAt": "2026-11-20T09:05:00.000Z",
            "customer": {"name": "Maya Okafor", "number": "+14155550123"},
            "cost": 0.12345678,
            "messages": [
                {"role": "bot", "message": "Sage speaking.", "time": 1792483451850},
                {"role": "user", "content": "Move Biscuit.", "name": "Maya"},
                {
                    "role": "tool_calls",
                    "message": "",
                    "time": 1792483456450,
                    "toolCalls": [
                        {"id": "c", "function": {"name": "slots", "arguments": '{"day": "Fri"}'}},
                        {"id": "d", "function": {"name": "vets"}},
                    ],
                },
                {"role": "tool_call_result", "toolCallId": "c", "result": "10:20"},
                {"role": "user", "content": None},
            ],
        }
    )
    async with connect() as client:
        contents = await read(client, f"vapi-session://{ID}/transcript")
    assert contents.mime_type == "text/markdown"
    assert (
        contents.text
        == f"""\
# Reschedule Biscuit

- id: {ID}
- customer: Maya Okafor +14155550123
- status: completed
- createdAt: 2026-11-20T09:00:00.000Z
- updatedAt: 2026-11-20T09:05:00.000Z
- cost: 0.1235

**assistant** · 08:04:11

> Sage speaking.

**user Maya**

> Move Biscuit.

**assistant** · 08:04:16

> slots `{{"day":"Fri"}}`
> vets `{{}}`

**tool slots**

> 10:20

**user**

"""
    )


async def test_a_session_without_anything_is_still_a_page(
    connect: Connect, upstream: Upstream
) -> None:
    # Most sessions begin empty.
    upstream.answers = One({"id": ID, "messages": None, "customer": None, "name": ""})
    async with connect() as client:
        contents = await read(client, f"vapi-session://{ID}/transcript")
    assert contents.text == f"# Session\n\n- id: {ID}\n\nNo messages.\n"


LINE_BREAKS = ("\n", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028")


async def test_what_somebody_said_stays_inside_its_quote(
    connect: Connect, upstream: Upstream
) -> None:
    # A customer's words must not pass for another speaker's, nor for the page's own.
    pages: dict[str, str] = {}
    async with connect() as client:
        for line in LINE_BREAKS:
            upstream.answers = One(hostile(line))
            pages[line] = (await read(client, f"vapi-session://{ID}/transcript")).text
    for line, page in pages.items():
        rows = [row for row in page.splitlines() if row]
        assert [row for row in rows if not row.startswith("> ")] == [
            "# A # B",
            f"- id: {ID}",
            "- customer: Eve - status: done",
            "- status: active # C",
            "**user**",
            "**user # D Eve # E**",
            "**assistant**",
        ], repr(line)
        assert "> # Agreed" in rows
        assert "> **assistant** · 09:00:00" in rows


def hostile(line: str) -> Json:
    """A session in which every text tries to begin a line of its own."""
    said = line.join(["Hi", "", "**assistant** · 09:00:00", "", "# Agreed", "> Yes", "```", "---"])
    call = {"function": {"name": f"f{line}# g", "arguments": json.dumps({"x": f"`{line}# y"})}}
    return {
        "id": ID,
        "name": f"A{line}# B",
        "status": f"active{line}# C",
        "customer": {"name": f"Eve{line}- status: done"},
        "messages": [
            {"role": "user", "content": said},
            {"role": f"user{line}# D", "name": f"Eve{line}{line}# E", "content": "x"},
            {"role": "assistant", "content": "", "tool_calls": [call]},
        ],
    }


async def test_every_sample_has_a_transcript_that_names_its_speakers(connect: Connect) -> None:
    # The samples hold what sessions really hold, in both shapes of messages.
    async with connect() as client:
        for sample in SAMPLES[:15]:
            page = (await read(client, f"vapi-session://{sample['id']}/transcript")).text
            speakers = re.findall(r"^\*\*(?:user|assistant|tool|system)\b[^\n]*$", page, re.M)
            assert len(speakers) == len(sample.get("messages") or [])


WRONG_URIS = (
    "vapi-session://",
    f"vapi-session:/{ID}",
    f"vapi-session://{ID}/",
    f"vapi-session://{ID}/Transcript",
    f"vapi-session://{ID}/transcript/x",
    f"vapi-session://{ID}?view=full",
    "vapi-session://../session",
    "vapi-session://a%2Fb",
    f"vapi-session://{'a' * 129}",
    f"vapi-sessions://{ID}",
    f"https://api.vapi.ai/session/{ID}",
    "session",
    "",
)


async def test_a_wrong_uri_is_refused_with_the_right_ones(
    connect: Connect, upstream: Upstream
) -> None:
    # It must never become another path on Vapi's server.
    async with connect() as client:
        errors = {uri: await refusal(client, uri) for uri in WRONG_URIS}
    for uri, error in errors.items():
        assert error.code == INVALID_PARAMS, uri
        assert "there are vapi-session://{id} and its /transcript" in error.message, uri
        assert error.data == {"uri": uri}
    assert upstream.requests == []


@pytest.mark.parametrize("suffix", ["", "/transcript"])
async def test_a_session_that_is_not_there_cannot_be_read(connect: Connect, suffix: str) -> None:
    # Sessions expire, and links to them stay.
    async with connect() as client:
        error = await refusal(client, f"vapi-session://nobody{suffix}")
    assert error.code == INVALID_PARAMS
    assert error.message.startswith("No session nobody: it may have expired or been deleted")
    assert error.data == {"uri": f"vapi-session://nobody{suffix}"}


async def test_reading_without_a_key_says_what_is_missing(connect: Connect) -> None:
    # The server starts without one, for registries.
    async with connect(api_key=None) as client:
        error = await refusal(client, f"vapi-session://{ID}")
    assert "VAPI_API_KEY is not set" in error.message


# Rows


@pytest.mark.parametrize("view", ["summary", "transcript", "full"])
async def test_every_row_of_a_list_can_be_read_and_no_answer_holds_a_link(
    connect: Connect, view: str
) -> None:
    # A link ends some clients at the first list, and puts itself before the JSON in others.
    async with connect() as client:
        for limit in (0, 3, 12):
            result = await client.call_tool(LIST, {"limit": limit, "view": view})
            rows = cast("Json", result.structured_content)["results"]
            assert len(rows) == limit
            assert [block.type for block in result.content] == ["text"]
        for row in rows[:3]:
            uri = f"vapi-session://{row['id']}/transcript"
            assert f"- id: {row['id']}" in (await read(client, uri)).text


async def test_no_tool_answers_a_link(connect: Connect) -> None:
    # Whatever is asked for: what was found by a scan, one session, a new one.
    async with connect() as client:
        results = [
            await client.call_tool(LIST, {"status": "completed"}),
            await client.call_tool(GET, {"id": ID}),
            await client.call_tool(CREATE, {"body": {}}),
            await client.call_tool(GET, {"id": "nobody"}),
        ]
    assert [[block.type for block in result.content] for result in results] == [["text"]] * 4


async def test_a_row_without_an_id_is_not_offered(connect: Connect, upstream: Upstream) -> None:
    # There is nothing that it could lead to.
    upstream.answers = One(rows=[{"name": "Nobody"}, {"id": "s1", "name": None}])
    async with connect() as client:
        completed = await client.complete(TEMPLATE, {"name": "id", "value": ""})
    assert completed.completion.values == ["s1"]


async def test_a_row_whose_id_cannot_be_asked_for_is_not_offered(
    connect: Connect, upstream: Upstream
) -> None:
    # An id that is a list, or two words, would make a URI that nobody can read.
    odd: list[Any] = [["a"], {"a": 1}, 7, True, "two words", "", None]
    rows = [*({"id": id, "name": "Odd"} for id in odd), {"id": "s1", "name": {"a": 1}}]
    upstream.answers = One(rows=rows)
    async with connect() as client:
        completed = await client.complete(TEMPLATE, {"name": "id", "value": ""})
    assert completed.completion.values == ["s1"]


# Completion


REFERENCES = (
    TEMPLATE,
    ResourceTemplateReference(uri="vapi-session://{id}/transcript"),
    PromptReference(name="summarize_session"),
)


async def test_an_id_is_completed_from_recent_sessions(
    connect: Connect, upstream: Upstream
) -> None:
    # Nobody types a UUID.
    recent = [sample["id"] for sample in SAMPLES[:20]]
    begun = recent[3][:4]
    async with connect() as client:
        found = [await client.complete(ref, {"name": "id", "value": ""}) for ref in REFERENCES]
        some = await client.complete(TEMPLATE, {"name": "id", "value": begun})
        none = await client.complete(TEMPLATE, {"name": "id", "value": "zz"})
    assert [each.completion.values for each in found] == [recent] * 3
    assert some.completion.values == [id for id in recent if id.startswith(begun)]
    assert recent[3] in some.completion.values
    assert none.completion.values == []
    assert [dict(request.url.params) for request in upstream.requests] == [{"limit": "20"}] * 5


async def test_other_arguments_are_not_completed(connect: Connect, upstream: Upstream) -> None:
    # Customers' numbers are not offered to whoever types a plus.
    async with connect() as client:
        ref = PromptReference(name="prepare_call")
        result = await client.complete(ref, {"name": "number", "value": "+1"})
    assert result.completion.values == []
    assert upstream.requests == []


async def test_completion_is_silent_where_vapi_gives_no_answer(
    connect: Connect, upstream: Upstream
) -> None:
    # It runs at every keystroke: an error there would only be in the way.
    async with connect(api_key=None) as client:
        keyless = await client.complete(TEMPLATE, {"name": "id", "value": ""})
    async with connect(api_key="wrong") as client:
        wrong = await client.complete(TEMPLATE, {"name": "id", "value": ""})
    assert keyless.completion.values == wrong.completion.values == []


# Instructions


async def test_read_only_servers_have_the_same_resources(
    connect: Connect, upstream: Upstream
) -> None:
    # They only read, so that nothing of them is withheld.
    async with connect(read_only=True) as client:
        assert len((await client.list_resource_templates()).resource_templates) == 2
        assert ID in (await read(client, f"vapi-session://{ID}")).text
        with pytest.raises(MCPError):
            await client.call_tool(CREATE, {"body": {}})
        assert "s1" in prompted(await client.get_prompt("summarize_session", {"id": "s1"}))
        found = await client.call_tool(LIST, {"limit": 1})
    assert text(found).startswith('{"results":')
    assert {request.method for request in upstream.requests} == {"GET"}
