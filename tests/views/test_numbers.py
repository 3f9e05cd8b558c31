"""Times, costs, counts and ids as people are shown them, and nothing where they are none."""

from typing import Any

import httpx2
import pytest
from mcp import Client

from support.generated import Json, data, exact, fixed_upstream, note, served, session
from support.tools import GET, LIST
from vapi_sessions_mcp.views.numbers import cost, count, moment

pytestmark = pytest.mark.anyio

ID = session()["id"]
NO_NUMBERS: list[Any] = [None, True, False, "", "1", [1], {"a": 1}, float("nan"), float("inf")]


async def viewed(client: Client, view: str, **arguments: Any) -> Json:
    return data(await client.call_tool(GET, {"id": ID, "view": view, **arguments}))


TIMES: list[tuple[Any, str]] = [
    (946_684_800_000, "2000-01-01T00:00:00Z"),
    (1_767_225_600_000, "2026-01-01T00:00:00Z"),
    (1_767_225_600_999.9, "2026-01-01T00:00:00Z"),
    (4_102_444_799_999, "2099-12-31T23:59:59Z"),
    *((value, "") for value in (0, 0.0, -1, -(10**12), 1, 1_767_225_600, 946_684_799_999)),
    *((value, "") for value in (4_102_444_800_000, 10**15, 10**400, -1e300, *NO_NUMBERS)),
]


@pytest.mark.parametrize(("value", "shown"), TIMES, ids=str)
def test_a_time_that_cannot_be_one_is_no_date(value: Any, shown: str) -> None:
    # A message that was never timed was not said in 1970.
    assert moment(value) == shown


async def test_a_message_without_a_time_shows_none_in_any_view() -> None:
    # The hour of a message is what people ask for when they disagree about a call.
    given = [0, -5, 1_767_225_600_000]
    messages = [{"role": "user", "message": "Hi", "time": time} for time in given]
    async with served(fixed_upstream([session(messages=messages)])) as client:
        shown = (await viewed(client, "transcript"))["messages"]
        contents = (await client.read_resource(f"vapi-session://{ID}/transcript")).contents
    assert [message.get("time") for message in shown] == [None, None, "2026-01-01T00:00:00Z"]
    assert str(contents).count("·") == 1
    assert "1970" not in str(shown) + str(contents)


COSTS: list[tuple[Any, Any]] = [
    (0, 0),
    (0.0, 0.0),
    (3, 3),
    (0.123456, 0.1235),
    (-0.5, -0.5),
    (0.00002345, 0.000023),
    (-4e-300, -4e-300),
    (999_999.5, 999_999.5),
    *((value, None) for value in (10**6, -(10**6), 10**400, 1e300, *NO_NUMBERS)),
]


@pytest.mark.parametrize(("value", "shown"), COSTS, ids=str)
def test_a_cost_is_rounded_but_not_to_nothing(value: Any, shown: Any) -> None:
    # A call that cost a fraction of a cent was not free, and "1.25" may be in any currency.
    assert exact(cost(value)) == exact(shown)


COUNTS: list[tuple[Any, int | None]] = [
    *((value, value) for value in (0, 1, 60, 2**53 - 1)),
    (3.0, 3),
    *((value, None) for value in (-1, 0.5, 2**53, 10**400, 1e300, *NO_NUMBERS)),
]


@pytest.mark.parametrize(("value", "shown"), COUNTS, ids=str)
def test_a_count_is_a_whole_number(value: Any, shown: int | None) -> None:
    # "Page true of -1" helps nobody.
    assert count(value) == shown
    assert type(count(value)) is type(shown)


async def test_the_place_of_a_page_says_only_what_is_a_number() -> None:
    # What Vapi garbles is left out; the rows are what was asked for.
    odd = {"currentPage": True, "totalPages": "three", "totalItems": -1, "itemsPerPage": [100]}
    page = {"results": [session()], "metadata": odd}
    async with served(httpx2.MockTransport(lambda _: httpx2.Response(200, json=page))) as client:
        result = await client.call_tool(LIST, {})
    assert set(data(result)) == {"results"}
    assert note(result) == ""


@pytest.mark.parametrize("messages", [None, {}, "three", 3, True, {"a": 1}], ids=str)
async def test_messages_of_another_shape_are_no_messages(messages: Any) -> None:
    # The full view shows what is there; a conversation of it nobody can count.
    async with served(fixed_upstream([session(messages=messages)])) as client:
        assert (await viewed(client, "summary"))["messageCount"] == 0
        assert (await viewed(client, "transcript"))["shown"] == {"of": 0}
        assert (await viewed(client, "full"))["messages"] == messages


ODD_IDS: list[Any] = [["a"], {"a": 1}, True, 1.5, None, [], {}]


async def test_a_row_whose_id_cannot_be_one_is_shown_without_it() -> None:
    # No call can be made with a list or an object, and a link to one leads nowhere.
    rows = [session(id=id, name=f"Row {n}") for n, id in enumerate(ODD_IDS)]
    rows += [
        session(id="not an id", name={"a": 1}),
        session(id="s_1", name={"a": 1}),
        session(id=7),
    ]
    page = {"results": rows, "metadata": {"totalItems": len(rows), "currentPage": 1}}
    async with served(httpx2.MockTransport(lambda _: httpx2.Response(200, json=page))) as client:
        result = await client.call_tool(LIST, {})
        shown = data(result)["results"]
        whole = data(await client.call_tool(LIST, {"view": "full"}))["results"]
    assert [row.get("name") for row in shown[:7]] == [f"Row {n}" for n in range(7)]
    assert ["id" in row for row in shown] == [False] * 7 + [True] * 3
    assert [row["id"] for row in shown[7:]] == ["not an id", "s_1", 7]
    assert [row["id"] for row in whole] == [row["id"] for row in rows]


@pytest.mark.parametrize("id", [["s_1"], {"id": "s_1"}, 7, None], ids=str)
async def test_a_session_whose_id_cannot_be_one_is_no_answer(id: Any) -> None:
    # It may be anybody's.
    page = {"id": id, "name": "Whose?"}
    async with served(httpx2.MockTransport(lambda _: httpx2.Response(200, json=page))) as client:
        result = await client.call_tool(GET, {"id": "s_1"})
    assert result.is_error


async def test_names_and_ids_of_another_shape_show_no_python() -> None:
    # {'first': 'Robin'} is how our language writes it, not how Vapi or the customer did.
    calls: list[Any] = [
        {"id": ["c"], "function": {"name": {"a": 1}, "arguments": "{}"}},
        {"function": {"name": ["f"], "arguments": [1]}},
        {"id": 5, "function": {"name": 7, "arguments": "7"}},
    ]
    answers = [{"role": "tool", "tool_call_id": id, "content": "x"} for id in (["c"], "None", 5)]
    messages = [{"role": "assistant", "content": "", "tool_calls": calls}, *answers]
    customer = {"name": {"first": "Robin"}, "number": 14155550123, "sipUri": ["sip:a@b"]}
    given = session(messages=messages, customer=customer)
    async with served(fixed_upstream([given])) as client:
        shown = await viewed(client, "transcript")
    assert shown["customer"] == "14155550123"
    called, *told = shown["messages"]
    assert called["calls"] == [
        {"tool": '{"a":1}', "with": {}},
        {"tool": "f", "with": [1]},
        {"tool": "7", "with": 7},
    ]
    assert [message.get("name") for message in told] == [None, None, "7"]
