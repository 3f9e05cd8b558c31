"""A session as summary, transcript or full, and the windows of a transcript."""

import json
from typing import Any

import httpx2
import pytest
from mcp import Client

from support.generated import (
    ALWAYS,
    Json,
    calls,
    data,
    exact,
    fixed_upstream,
    generated,
    in_calls,
    in_chats,
    note,
    raw_numbers,
    served,
    session,
    structured,
    talk,
)
from support.hidden import seen
from support.tools import GET, LIST, text
from support.upstream import Connect, Upstream

pytestmark = pytest.mark.anyio

SUMMARY_BYTES = 410
SECRETS = ("twilioAuthToken", "twilioApiSecret", "apiKey", "Authorization", "credentials")
every_session = pytest.mark.parametrize("name", generated())
ID = session()["id"]


def size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def shown(view: Json) -> str:
    """Which view an answer is."""
    return "transcript" if "shown" in view else "full" if "orgId" in view else "summary"


async def get(client: Client, **arguments: Any) -> Json:
    return data(await client.call_tool(GET, {"id": ID, **arguments}))


async def listed(client: Client, **arguments: Any) -> list[Json]:
    return data(await client.call_tool(LIST, arguments))["results"]


# Summaries


@every_session
async def test_a_summary_is_small_whatever_the_session_holds(name: str) -> None:
    # An agent that asks for a summary must be able to count on its price.
    hard = generated()[name]
    async with served(fixed_upstream([hard])) as client:
        result = await client.call_tool(GET, {"id": hard["id"], "view": "summary"})
    assert data(result)["id"] == hard["id"]
    assert len(text(result).encode()) <= SUMMARY_BYTES


async def test_a_hundred_summaries_are_small_however_large_the_page_was() -> None:
    # The promise of the default list: 40 KB, even of a page of 9 MB.
    filled = dict.fromkeys(("name", "status", "createdAt", "updatedAt"), "é" * 3000)
    heavy = {"customer": {"name": "x" * 900}, "cost": 123456.78912, "messages": talk(60, 1500)}
    upstream = fixed_upstream([session(n, **filled, **heavy) for n in range(100)])
    async with served(upstream) as client:
        result = await client.call_tool(LIST, {})
    assert len(data(result)["results"]) == 100
    assert len(text(result).encode()) <= 40_000


async def test_a_summary_says_who_when_status_cost_count_and_the_last_line() -> None:
    # The whole of it, as an agent gets it.
    one = session(messages=in_calls(), cost=0.123456, name=" Where\n is it? ")
    async with served(fixed_upstream([one])) as client:
        summary = await get(client, view="summary")
    assert summary == {
        "id": ID,
        "name": "Where is it?",
        "status": "active",
        "createdAt": "2026-01-01T00:00:00.001Z",
        "updatedAt": "2099-01-01T00:00:00.000Z",
        "customer": "Robin Vale +14155550001",
        "cost": 0.1235,
        "messageCount": 6,
        "lastMessage": "assistant: It is late.",
    }


@pytest.mark.parametrize("name", ["only nulls", "only an id", "empty"])
async def test_nulls_and_empty_fields_are_left_out_of_a_summary(name: str) -> None:
    # Clients that validate throw an answer away for a null, and empty words cost money.
    bare = generated()[name]
    async with served(fixed_upstream([bare])) as client:
        result = await client.call_tool(GET, {"id": bare["id"], "view": "summary"})
    assert data(result) == {"id": bare["id"], "messageCount": 0}


@pytest.mark.parametrize("cost", [True, "1.25", 10**400, 1e300, [1]], ids=type)
async def test_a_cost_that_cannot_be_one_is_left_out_of_a_summary(cost: Any) -> None:
    # A number of four hundred digits would be the whole summary; true is no price.
    async with served(fixed_upstream([session(cost=cost)])) as client:
        assert "cost" not in await get(client, view="summary")


async def test_words_behind_much_white_space_are_on_the_line() -> None:
    # A form pasted into a name has its words far apart.
    async with served(fixed_upstream([session(name="Ana" + " \n" * 500 + "Ng")])) as client:
        assert (await get(client, view="summary"))["name"] == "Ana Ng"


async def test_messages_without_words_are_no_last_line() -> None:
    # The last words count, not the tool call or the null that came after them.
    ended = [*talk(1), {"role": "assistant", "tool_calls": [{"name": "end"}]}, None, {}]
    async with served(fixed_upstream([session(messages=ended)])) as client:
        summary = await get(client, view="summary")
    assert summary["lastMessage"].startswith("user: <0> ab")
    assert summary["messageCount"] == 4


async def test_a_row_without_an_id_is_summarised_all_the_same() -> None:
    # One odd row must not cost the agent the other ninety-nine.
    rows: list[Json] = [{"name": "no id"}, {"id": None}, {"id": 7}, session()]
    async with served(fixed_upstream(rows)) as client:
        results = await listed(client)
    assert [row.get("id") for row in results] == [None, None, 7, ID]
    assert results[0] == {"name": "no id", "messageCount": 0}


async def test_a_list_says_which_page_this_is_of_how_many(connect: Connect) -> None:
    # Without it an agent cannot tell whether it has seen everything.
    async with connect() as client:
        page = data(await client.call_tool(LIST, {"limit": 7, "page": 2}))
    assert {name: page[name] for name in page if name != "results"} == {
        "page": 2,
        "pages": 9,
        "total": 60,
    }


async def test_a_list_says_that_older_sessions_are_out_of_reach() -> None:
    # "Not found" and "no longer kept" lead to different next steps.
    told = {"totalItems": 1, "currentPage": 1, "itemsPerPage": 100, "itemsBeyondRetention": True}
    page = {"results": [session()], "metadata": told}
    async with served(httpx2.MockTransport(lambda _: httpx2.Response(200, json=page))) as client:
        answer = data(await client.call_tool(LIST, {}))
    assert (answer["page"], answer["total"], answer["itemsBeyondRetention"]) == (1, 1, True)


# Which view is answered


async def test_get_defaults_to_full_and_list_to_summary(connect: Connect) -> None:
    # What most calls get, in both eras.
    async with connect() as client:
        rows = await listed(client, limit=3)
        assert [shown(row) for row in rows] == ["summary"] * 3
        assert shown(await get(client, id=rows[0]["id"])) == "full"


@pytest.mark.parametrize("view", ["summary", "transcript", "full"])
async def test_view_says_how_much_is_answered(connect: Connect, view: str) -> None:
    # The same word means the same on both tools, and beats the server's own default.
    for default in ("auto", "full", "summary", "transcript"):
        async with connect(view=default) as client:
            rows = await listed(client, limit=2, view=view)
            one = await get(client, id=rows[0]["id"], view=view)
        assert [shown(row) for row in rows] == [view, view]
        assert shown(one) == view
        assert one == rows[0]


@pytest.mark.parametrize("view", ["summary", "transcript", "full"])
async def test_the_setting_is_the_default_everywhere(connect: Connect, view: str) -> None:
    # Whoever runs the server decides once what its agents pay for.
    async with connect(view=view) as client:
        rows = await listed(client, limit=2)
        one = await get(client, id=rows[0]["id"])
    assert [shown(row) for row in rows] == [view, view]
    assert shown(one) == view


# Full


@pytest.mark.unmeasured
@every_session
async def test_full_is_what_vapi_sent_value_for_value(name: str, era: str) -> None:
    # Unknown fields, nulls and wrong types are Vapi's to send and the agent's to see.
    hard = generated()[name]
    async with served(fixed_upstream([hard]), era=era) as client:
        one = await client.call_tool(GET, {"id": hard["id"], "view": "full"})
        page = await client.call_tool(LIST, {"view": "full"})
    assert exact(data(one)) == exact(structured(one)) == exact(seen(hard))
    assert exact(data(page)["results"]) == exact([seen(hard)])
    assert note(one) == note(page) == ""


async def test_full_keeps_the_metadata_of_a_page(connect: Connect, upstream: Upstream) -> None:
    # Full means the page too: Vapi's own names, not ours.
    async with connect() as client:
        page = data(await client.call_tool(LIST, {"view": "full", "limit": 5}))
    assert page["metadata"]["totalPages"] == 12
    assert set(page) == {"results", "metadata"}


async def test_numbers_of_every_form_come_through(era: str) -> None:
    # 1 is not 1.0, and an id written as a number has more digits than a float.
    async with served(fixed_upstream([raw_numbers()]), era=era) as client:
        result = await client.call_tool(GET, {"id": session(20)["id"]})
    assert exact(data(result)) == exact(structured(result)) == exact(json.loads(raw_numbers()))


async def test_full_differs_from_what_vapi_sent_in_masked_secrets_only() -> None:
    # The one change that full makes, and nothing beside it.
    secret = {**dict.fromkeys(SECRETS, "planted"), "kept": {"tokens": 5, "apiKey": None}}
    one = session(assistant={"server": {"headers": secret}}, phoneNumber=[secret])
    async with served(fixed_upstream([one])) as client:
        whole = await get(client)
    hidden = {**dict.fromkeys(SECRETS, "***"), "kept": {"tokens": 5, "apiKey": None}}
    assert exact(whole) == exact(
        {**one, "assistant": {"server": {"headers": hidden}}, "phoneNumber": [hidden]}
    )


async def test_personal_data_is_masked_in_answers_and_in_errors(connect: Connect) -> None:
    # Hosts that must not see numbers must not see them in a refusal either.
    async with connect(mask_pii=True) as client:
        rows = await listed(client, limit=60)
        refused = await client.call_tool(GET, {"id": "+14155550142"})
    masked = [row["customer"] for row in rows if "customer" in row]
    assert any("***" in customer for customer in masked)
    assert all("+1" not in customer for customer in masked)
    assert refused.is_error
    assert "+1415555" not in text(refused)


# The transcript's one shape


async def test_both_message_shapes_come_out_as_one() -> None:
    # An agent should not have to know that Vapi has two.
    both = [session(1, messages=in_calls()), session(2, messages=in_chats())]
    async with served(fixed_upstream(both)) as client:
        call, chat = [row["messages"] for row in await listed(client, view="transcript")]
    assert [message.pop("time")[11:] for message in call] == [f"00:00:0{n}Z" for n in range(6)]
    arguments = {"order": "A 1", "deep": {"list": [1, 2.5, None, True]}}
    assert call == chat
    assert chat == [
        {"role": "system", "text": "Be brief."},
        {"role": "assistant", "text": "Hello, how can I help?"},
        {"role": "user", "text": "Where is order A 1?"},
        {"role": "assistant", "calls": [{"tool": "find_order", "with": arguments}]},
        {"role": "tool", "name": "find_order", "text": '{"status": "late"}'},
        {"role": "assistant", "text": "It is late."},
    ]


async def test_an_answer_carries_the_name_of_the_tool_that_was_called() -> None:
    # Two calls in one message, answered in the other order: only the ids tell which is which.
    asked = [{"id": f"c{n}", "function": {"name": f"tool_{n}", "arguments": "{}"}} for n in (1, 2)]
    told = [{"role": "tool", "tool_call_id": f"c{n}", "content": f"{n}"} for n in (2, 1)]
    messages = [{"role": "assistant", "content": "Wait.", "tool_calls": asked}, *told]
    async with served(fixed_upstream([session(messages=messages)])) as client:
        first, *answers = (await get(client, view="transcript"))["messages"]
    assert first["text"] == "Wait."
    assert [call["tool"] for call in first["calls"]] == ["tool_1", "tool_2"]
    assert [(answer["name"], answer["text"]) for answer in answers] == [
        ("tool_2", "2"),
        ("tool_1", "1"),
    ]


async def test_a_call_without_an_id_names_nobody_else() -> None:
    # A customer's words must not appear to be a tool's.
    messages = [
        {"role": "tool_calls", "toolCalls": [{"function": {"name": "find_order"}}]},
        {"role": "user", "message": "Hello?"},
    ]
    async with served(fixed_upstream([session(messages=messages)])) as client:
        transcript = (await get(client, view="transcript"))["messages"]
    assert transcript[1] == {"role": "user", "text": "Hello?"}


@pytest.mark.parametrize(
    "given", ["", "{", '{"a": NaN}', '{"a": 1e999}', "[" * 500, '{"a": "\\ud83d"}']
)
async def test_arguments_that_are_not_quite_json_end_no_answer(given: str, era: str) -> None:
    # Models write them; a NaN or half a surrogate pair sent on ends a stdio server.
    call = {"id": "c", "function": {"name": "odd", "arguments": given}}
    odd = session(messages=[{"role": "assistant", "tool_calls": [call]}])
    async with served(fixed_upstream([odd]), era=era) as client:
        result = await client.call_tool(GET, {"id": ID, "view": "transcript"})
    [called] = data(result)["messages"][0]["calls"]
    assert called["tool"] == "odd"
    assert exact(structured(result)).isprintable()
    text(result).encode()


async def test_falsy_words_of_a_tool_are_still_words() -> None:
    # "0" and "false" are answers; nothing is not.
    said: list[Any] = [0, False, None, "", [], {}]
    messages = [{"role": "tool_call_result", "name": "count", "result": one} for one in said]
    async with served(fixed_upstream([session(messages=messages)])) as client:
        transcript = (await get(client, view="transcript"))["messages"]
    assert [message.get("text") for message in transcript] == ["0", "false", None, None, None, None]


async def test_the_words_of_a_message_in_parts_are_joined() -> None:
    # Newer models answer in parts; what is not text is shown as it is, and nothing as nothing.
    parts = [{"type": "text", "text": "One"}, {"type": "text", "text": ""}, "two", {"image": 3}]
    messages = [{"role": "user", "content": parts}, {"role": "user", "content": parts[1:2]}]
    async with served(fixed_upstream([session(messages=messages)])) as client:
        transcript = (await get(client, view="transcript"))["messages"]
    assert transcript == [{"role": "user", "text": 'One\ntwo\n{"image":3}'}, {"role": "user"}]


async def test_every_message_has_a_role_and_texts_are_texts() -> None:
    # The shape holds whatever stood in the messages.
    odd = generated()["odd messages"]
    async with served(fixed_upstream([odd])) as client:
        transcript = await get(client, id=odd["id"], view="transcript")
    assert len(transcript["messages"]) == len(odd["messages"]) == transcript["messageCount"]
    for message in transcript["messages"]:
        assert set(message) <= {"role", "name", "text", "time", "calls"}
        assert message["role"]
        assert all(
            isinstance(message.get(name, ""), str) for name in ("role", "name", "text", "time")
        )
        assert all(set(call) == {"tool", "with"} for call in message.get("calls", []))
        assert None not in message.values()


# Windows

TEN: list[Json] = [{"role": ("user", "bot")[n % 2], "message": f"{n + 1}"} for n in range(10)]


@pytest.mark.parametrize(
    ("window", "numbers", "place"),
    [
        ({"first": 3}, range(1, 4), {"from": 1, "to": 3, "of": 10}),
        ({"first": 99}, range(1, 11), {"from": 1, "to": 10, "of": 10}),
        ({"last": 3}, range(8, 11), {"from": 8, "to": 10, "of": 10}),
        ({"last": 99}, range(1, 11), {"from": 1, "to": 10, "of": 10}),
        ({"from": 4, "to": 6}, range(4, 7), {"from": 4, "to": 6, "of": 10}),
        ({"from": 10}, range(10, 11), {"from": 10, "to": 10, "of": 10}),
        ({"from": 9, "to": 99}, range(9, 11), {"from": 9, "to": 10, "of": 10}),
        ({"to": 2}, range(1, 3), {"from": 1, "to": 2, "of": 10}),
        ({"from": 11}, [], {"of": 10}),
        ({"from": 11, "to": 20}, [], {"of": 10}),
        ({"role": "user"}, range(1, 11, 2), {"from": 1, "to": 5, "of": 5}),
        ({"role": "assistant", "last": 2}, [8, 10], {"from": 4, "to": 5, "of": 5}),
        ({"role": "user", "first": 2}, [1, 3], {"from": 1, "to": 2, "of": 5}),
        ({"role": "user", "from": 2, "to": 3}, [3, 5], {"from": 2, "to": 3, "of": 5}),
        ({"role": "system"}, [], {"of": 0}),
        ({"role": "tool", "last": 3}, [], {"of": 0}),
        ({}, range(1, 11), {"from": 1, "to": 10, "of": 10}),
        ({"last": "3"}, range(8, 11), {"from": 8, "to": 10, "of": 10}),
        ('{"last": 3}', range(8, 11), {"from": 8, "to": 10, "of": 10}),
        ('{"from": 4, "to": null, "role": null}', range(4, 11), {"from": 4, "to": 10, "of": 10}),
        (
            {"first": None, "last": 1, "from": None, "to": None, "role": None},
            [10],
            {"from": 10, "to": 10, "of": 10},
        ),
        (
            dict.fromkeys(("first", "last", "from", "to", "role")),
            range(1, 11),
            {"from": 1, "to": 10, "of": 10},
        ),
    ],
    ids=str,
)
async def test_a_window_shows_its_messages_and_says_which_of_how_many(
    window: object, numbers: range | list[int], place: Json
) -> None:
    # The cheap way to read: what is shown must be exactly what was asked for.
    async with served(fixed_upstream([session(messages=TEN)])) as client:
        answer = await get(client, messages=window)
    assert [message["text"] for message in answer["messages"]] == [str(n) for n in numbers]
    assert answer["shown"] == place
    assert answer["messageCount"] == 10


async def test_a_window_may_say_that_it_is_a_transcript_and_null_is_no_window() -> None:
    # Frameworks send null for all they leave out.
    async with served(fixed_upstream([session(messages=TEN)])) as client:
        assert len((await get(client, messages={"last": 2}, view="transcript"))["messages"]) == 2
        assert shown(await get(client, messages=None, view=None)) == "full"


async def test_a_window_of_no_messages_is_empty() -> None:
    # A session that was only just created has none, or null.
    async with served(fixed_upstream([session(messages=None)])) as client:
        answer = await get(client, messages={"last": 20})
    assert (answer["messages"], answer["shown"]) == ([], {"of": 0})


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"messages": {"from": 9, "to": 5}}, "`messages` ends before it begins: from must not be"),
        ({"messages": {"first": 1, "last": 1}}, "`messages` takes one of first, last"),
        ({"messages": {"first": 1, "to": 1}}, "`messages` takes one of first, last"),
        ({"messages": {"last": 1, "from": 1}}, "`messages` takes one of first, last"),
        ({"messages": {"last": 1}, "view": "full"}, "`messages` is a part of the transcript"),
        ({"messages": {"last": 1}, "view": "summary"}, "`messages` is a part of the transcript"),
        ({"messages": {"last": 0}}, "`messages.last` must be 1 or more"),
        ({"messages": {"first": -1}}, "`messages.first` must be 1 or more"),
        ({"messages": {"from": 1.5}}, "`messages.from` must be a whole number"),
        ({"messages": {"to": "end"}}, "`messages.to` must be a whole number"),
        ({"messages": {"role": "bot"}}, "`messages.role` must be"),
        ({"messages": {"tail": 3}}, "`messages.tail` is not an argument"),
        ({"messages": 20}, "`messages` must be an object"),
        ({"messages": "last 20"}, "`messages` must be an object"),
        ({"messages": [20]}, "`messages` must be an object"),
        ({"view": "brief"}, "`view` must be"),
    ],
    ids=str,
)
async def test_a_wrong_window_is_refused_by_name_before_anything_is_sent(
    connect: Connect, upstream: Upstream, arguments: Json, named: str
) -> None:
    # The agent can mend what it is told; a guess would show it the wrong messages.
    async with connect() as client:
        result = await client.call_tool(GET, {"id": ID, **arguments})
    assert result.is_error
    assert named in text(result)
    assert upstream.requests == []


# Finding by text, which is done on the transcript


@pytest.mark.parametrize(
    "wanted", ["STRASSE", "robin", "+1415", "find me", "customer-7", "sip:robin", "@example.com"]
)
async def test_contains_looks_in_names_customers_and_messages_of_both_shapes(wanted: str) -> None:
    # Where people remember words from; case and ß do not matter.
    customer = {"name": "Robin", "number": "+14155550142", "externalId": "Customer-7"}
    customer |= {"sipUri": "sip:robin@pbx", "email": "r@example.com"}
    said = [{"role": "bot", "message": "Find me"}, {"role": "user", "content": None}]
    one = session(name="Große Straße", customer=customer, messages=said)
    other = session(2, name=None, customer=None, messages=None)
    async with served(fixed_upstream([one, other], ALWAYS)) as client:
        result = await client.call_tool(LIST, {"contains": wanted})
    assert [row["id"] for row in data(result)["results"]] == [ID]
    assert calls(note(result)) == []
