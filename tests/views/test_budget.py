"""Answers that nobody asked to be long stay short, and say how to get the rest."""

import json
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from mcp import Client
from mcp_types import CallToolResult

from support.generated import (
    Json,
    calls,
    checker,
    data,
    exact,
    fixed_upstream,
    generated,
    note,
    served,
    session,
    structured,
    talk,
    texts,
    written,
)
from support.tools import (
    CREATE,
    DELETE,
    GET,
    LIST,
    UPDATE,
)
from support.upstream import Connect

pytestmark = [pytest.mark.anyio, pytest.mark.unmeasured]

BUDGETS = (2_000, 5_000, 50_000)
every_session = pytest.mark.parametrize("name", generated())
every_budget = pytest.mark.parametrize("budget", BUDGETS)
ID = session()["id"]


def spent(result: CallToolResult) -> int:
    """Bytes of all that a host may count: every block of text."""
    assert len(texts(result)) == len(result.content)
    return sum(len(block.encode()) for block in texts(result))


def numbers(view: Json) -> set[int]:
    """Which of the messages of `talk` an answer holds."""
    messages = [m.get("text", m.get("content")) for m in view.get("messages", [])]
    return {int(said[1 : said.index(">")]) for said in messages}


async def checks(client: Client) -> dict[str, Callable[[Json], None]]:
    return {tool.name: checker(tool) for tool in (await client.list_tools()).tools}


async def called(client: Client, said: str) -> list[Json]:
    """What the calls in a note answer."""
    assert calls(said)
    return [data(await client.call_tool(name, arguments)) for name, arguments in calls(said)]


# Within the budget


@pytest.mark.parametrize(
    ("budget", "default"),
    [*((budget, "auto") for budget in BUDGETS), (2_000, "transcript"), (2_000, "full")],
)
async def test_every_default_answer_is_within_the_budget_and_its_schema(
    budget: int, default: str
) -> None:
    # Hosts cut what is longer, in the middle of a value, and then nobody can read it.
    sessions = list(generated().values())
    options: Json = {"max_result_bytes": budget, "view": default}
    async with served(fixed_upstream(sessions), **options) as client:
        check = await checks(client)
        for one in sessions:
            result = await client.call_tool(GET, {"id": one["id"]})
            assert data(result)["id"] == one["id"]
            assert spent(result) <= budget
            check[GET](structured(result))
        for page in (1, 2, 3):
            result = await client.call_tool(LIST, {"limit": 7, "page": page})
            assert data(result)["results"]
            assert spent(result) <= budget
            check[LIST](structured(result))


@pytest.mark.parametrize("view", ["summary", "transcript", "full"])
async def test_every_view_fits_the_schema_that_is_advertised(view: str) -> None:
    # A client that validates throws away what does not.
    sessions = list(generated().values())
    async with served(fixed_upstream(sessions)) as client:
        check = await checks(client)
        for one in sessions:
            result = await client.call_tool(GET, {"id": one["id"], "view": view})
            check[GET]({**structured(result), **data(result)})
        result = await client.call_tool(LIST, {"view": view})
        assert len(data(result)["results"]) == len(sessions)
        check[LIST](structured(result))


async def test_the_note_counts_as_well() -> None:
    # An answer that fits exactly does not fit any more with a hint beside it.
    old = session(0, updatedAt="2020-01-01T00:00:00Z", messages=talk(30))
    upstream = fixed_upstream([old, *(session(n) for n in range(1, 300))])
    for name, arguments in ((GET, {"id": old["id"]}), (LIST, {"limit": 20})):
        async with served(upstream, view="transcript") as client:
            result = await client.call_tool(name, arguments)
        assert note(result)
        # As long as it could be with a word on invisible characters.
        whole = spent(result) + 64
        without = spent(result) - len(json.dumps(note(result)))
        assert without > 2_000
        for budget in (without, without + 1, whole - 64, whole - 1, whole, whole + 1):
            async with served(upstream, view="transcript", max_result_bytes=budget) as client:
                result = await client.call_tool(name, arguments)
            assert spent(result) <= budget
            assert (spent(result) == whole - 64) == (budget >= whole)


@pytest.mark.measured
async def test_filters_that_are_long_are_not_repeated() -> None:
    # The caller has them; a hundred ids would cost more than the rows they find.
    upstream = fixed_upstream([session(n) for n in range(300)])
    ids = ",".join(session(n)["id"] for n in range(100))
    async with served(upstream, max_result_bytes=2_000) as client:
        cut = await client.call_tool(LIST, {"idAny": ids})
        whole = await client.call_tool(LIST, {"idAny": ids, "view": "summary"})
    assert spent(cut) <= 2_000
    shown = len(data(cut)["results"])
    assert f'{LIST} with the same filters and {{"limit":{shown},"page":2}}' in note(cut)
    assert f'{LIST} with the same filters and {{"page":2}}' in note(whole)


# What is left out, and how to get it


@every_budget
async def test_a_session_too_long_falls_back_to_its_transcript(budget: int) -> None:
    # The conversation is what most readers want; the assistant's settings are what is big.
    hard = generated()["3 MB assistant"]
    async with served(fixed_upstream([hard]), max_result_bytes=budget) as client:
        result = await client.call_tool(GET, {"id": hard["id"]})
        assert data(result)["shown"] == {"from": 1, "to": 1, "of": 1}
        [whole] = await called(client, note(result))
    assert exact(whole) == exact(hard)
    size = len(written(hard).encode())
    assert f"The whole session takes {size} bytes" in note(result)


@pytest.mark.parametrize("budget", [2_000, 50_000])
async def test_a_transcript_too_long_falls_back_to_the_last_messages_that_fit(budget: int) -> None:
    # The end of a conversation tells how it stands; room that is paid for is used.
    hard = generated()["5000 messages"]
    async with served(fixed_upstream([hard]), max_result_bytes=budget) as client:
        result = await client.call_tool(GET, {"id": hard["id"]})
        answer = data(result)
        first = answer["shown"]["from"]
        assert answer["shown"] == {"from": first, "to": 5000, "of": 5000}
        assert numbers(answer) == set(range(first - 1, 5000))
        assert spent(result) > budget - 1_000
        earlier, whole = await called(client, note(result))
    # As many as fitted, of which as many more will hardly be much longer.
    size = min(5000 - first + 1, 100)
    assert numbers(earlier) == set(range(first - 1 - size, first - 1))
    assert exact(whole) == exact(hard)


async def test_following_the_notes_reaches_every_message() -> None:
    # Nothing may be lost between what is shown and what the note fetches.
    hard = generated()["5000 messages"]
    async with served(fixed_upstream([hard])) as client:
        seen: set[int] = set()
        ahead = deque([(GET, {"id": hard["id"]})])
        for _ in range(200):
            name, arguments = ahead.popleft()
            result = await client.call_tool(name, arguments)
            seen |= numbers(data(result))
            ahead += calls(note(result))
            if not ahead:
                break
    assert not ahead
    assert seen == set(range(5000))


async def test_a_last_message_that_is_too_long_is_named_and_can_be_fetched() -> None:
    # No message is cut in the middle, so none may fit at all.
    hard = generated()["one long message"]
    async with served(fixed_upstream([hard])) as client:
        result = await client.call_tool(GET, {"id": hard["id"]})
        assert data(result)["shown"] == {"of": 10}
        assert "None of the 10 messages fits" in note(result)
        earlier, _ = await called(client, note(result))
    assert earlier["shown"] == {"from": 10, "to": 10, "of": 10}


@pytest.mark.parametrize(
    ("budget", "arguments"),
    [
        *((5_000, {}), (50_000, {"limit": 1000}), (2_000, {"limit": 200, "page": 4})),
        *((2_000, {"limit": 7, "page": 120}), (50_000, {"limit": 7, "page": 100})),
    ],
    ids=str,
)
async def test_following_the_notes_reaches_every_session(budget: int, arguments: Json) -> None:
    # None skipped, however the rows fall onto pages, with filters and order kept.
    sessions = [session(n, name="x" * (n % 40)) for n in range(1000)]
    arguments = {**arguments, "sortOrder": "ASC"}
    first = (arguments.get("page", 1) - 1) * arguments.get("limit", 100)
    upstream = fixed_upstream(sessions)
    seen: list[str] = []
    async with served(upstream, max_result_bytes=budget, tool_names="short") as client:
        following: list[tuple[str, Json]] = [("list_sessions", arguments)]
        for _ in range(1000):
            [(name, given)] = following
            result = await client.call_tool(name, given)
            assert spent(result) <= budget
            seen += [row["id"] for row in data(result)["results"] if row["id"] not in seen]
            following = calls(note(result))
            if not following:
                break
    assert not following
    assert seen == [one["id"] for one in sessions[first:]]
    assert all(request.url.params["sortOrder"] == "ASC" for request in upstream.requests)


@pytest.mark.parametrize("default", ["transcript", "full"])
async def test_rows_of_every_size_are_reached_through_the_notes(default: str) -> None:
    # One huge session among small ones must neither hide itself nor those after it.
    sizes = (1, 1, 40, 900, 1, 9, 900, 900, 1, 1, 200)
    sessions = [session(n, messages=talk(count)) for n, count in enumerate(sizes)]
    seen: dict[str, Json] = {}
    async with served(fixed_upstream(sessions), view=default, max_result_bytes=5_000) as client:
        ahead: deque[tuple[str, Json]] = deque([(LIST, {"limit": 4})])
        for _ in range(60):
            name, arguments = ahead.popleft()
            result = await client.call_tool(name, arguments)
            for row in data(result)["results"]:
                seen[row["id"]] = seen.get(row["id"], {}) | row
            if default == "full" and "view" not in arguments and not note(result):
                # Full tells nothing beside itself: its own metadata says how to go on.
                assert data(result)["metadata"]["currentPage"]
                page = {**arguments, "page": data(result)["metadata"]["currentPage"] + 1}
                ahead += [(LIST, page)] if data(result)["metadata"]["hasNextPage"] else []
            ahead += calls(note(result))
            if not ahead:
                break
    assert not ahead
    assert sorted(seen) == sorted(one["id"] for one in sessions)
    for one in sessions:
        assert numbers(seen[one["id"]]) == numbers(one)


@pytest.mark.measured
async def test_a_page_of_which_nothing_fits_comes_as_summaries() -> None:
    # Better than an empty page; the note has the call for what was asked.
    sessions = [session(n, messages=talk(300)) for n in range(3)]
    async with served(fixed_upstream(sessions), view="full", max_result_bytes=5_000) as client:
        result = await client.call_tool(LIST, {"sortOrder": "ASC"})
        assert [row["messageCount"] for row in data(result)["results"]] == [300] * 3
        assert calls(note(result)) == [(LIST, {"sortOrder": "ASC", "view": "full"})]
        [whole] = await called(client, note(result))
    assert exact(whole["results"]) == exact(sessions)


@pytest.mark.parametrize("default", ["auto", "full"])
@pytest.mark.parametrize(
    "arguments", [{}, {"maxScan": 100}, {"maxScan": 30, "sortOrder": "ASC"}, {"limit": 70}], ids=str
)
async def test_following_a_scan_reaches_every_match_once(arguments: Json, default: str) -> None:
    # What matched and did not fit is not passed over: `next` begins behind the last that is shown.
    sessions = [session(n, status=("active", "completed")[n % 2]) for n in range(250)]
    seen: list[str] = []
    given: Json = {"status": "active", **arguments}
    async with served(fixed_upstream(sessions), max_result_bytes=3_000, view=default) as client:
        for _ in range(200):
            result = await client.call_tool(LIST, given)
            assert spent(result) <= 3_000
            seen += [row["id"] for row in data(result)["results"]]
            coverage = data(result)["coverage"]
            if len(data(result)["results"]) < coverage["matches"]:
                assert " are shown, as more would be too long. Continue: " in note(result)
            if "next" not in coverage:
                break
            given = coverage["next"]
    wanted = [one["id"] for one in sessions if one["status"] == "active"]
    assert seen == (wanted if "sortOrder" in arguments else wanted[::-1])


async def test_a_scan_is_cut_between_instants_only() -> None:
    # Nothing leads on from within one: what was created in one millisecond comes together.
    times = [session(n // 4)["createdAt"] for n in range(40)]
    sessions = [session(n, createdAt=time) for n, time in enumerate(times)]
    async with served(fixed_upstream(sessions), max_result_bytes=3_000) as client:
        result = await client.call_tool(LIST, {"status": "active"})
    shown = data(result)["results"]
    assert 0 < len(shown) < 40
    assert len(shown) % 4 == 0
    assert data(result)["coverage"]["next"]["createdAtLt"] == shown[-1]["createdAt"]


@pytest.mark.parametrize("created", [session()["createdAt"], None])
async def test_one_instant_is_shown_whole_although_it_is_too_long(created: Any) -> None:
    # Better too long than lost: there is no call that would find the others.
    sessions = [session(n, createdAt=created) for n in range(40)]
    async with served(fixed_upstream(sessions), max_result_bytes=3_000) as client:
        result = await client.call_tool(LIST, {"status": "active"})
    assert len(data(result)["results"]) == 40
    assert data(result)["coverage"] == {"scanned": 40, "matches": 40, "total": 40}


async def test_a_sorted_scan_is_cut_behind_any_row_and_says_what_to_do() -> None:
    # The others are not behind these in time, so `next` cannot lead to them.
    sessions = [session(n, cost=n) for n in range(40)]
    async with served(fixed_upstream(sessions), max_result_bytes=3_000) as client:
        result = await client.call_tool(LIST, {"status": "active", "sortBy": "cost"})
    shown = data(result)["results"]
    assert [row["cost"] for row in shown] == [*range(39, 39 - len(shown), -1)]
    assert f"; 40 match, {len(shown)} are shown; the others need a higher limit or" in note(result)
    assert "next" not in data(result)["coverage"]


# What is never cut


@pytest.mark.parametrize("name", ["3 MB assistant", "5000 messages", "one long message"])
async def test_an_explicit_view_is_never_cut(name: str) -> None:
    # Who asks for everything gets everything.
    hard = generated()[name]
    async with served(fixed_upstream([hard]), max_result_bytes=2_000) as client:
        one = await client.call_tool(GET, {"id": hard["id"], "view": "full"})
        page = await client.call_tool(LIST, {"view": "full"})
        said = await client.call_tool(GET, {"id": hard["id"], "view": "transcript"})
        rows = await client.call_tool(LIST, {"view": "transcript"})
        window = await client.call_tool(GET, {"id": hard["id"], "messages": {"first": 9999}})
    assert exact(data(one)) == exact(data(page)["results"][0]) == exact(hard)
    assert len(data(said)["messages"]) == len(hard["messages"])
    assert data(said) == data(rows)["results"][0] == data(window)
    assert note(one) == note(page) == note(said) == note(rows) == note(window) == ""


async def test_an_explicit_summary_of_many_is_never_cut() -> None:
    # A thousand rows, because a thousand were asked for.
    sessions = [session(n) for n in range(1000)]
    async with served(fixed_upstream(sessions), max_result_bytes=2_000) as client:
        page = data(await client.call_tool(LIST, {"view": "summary", "limit": 1000}))
    assert len(page["results"]) == 1000


@pytest.mark.parametrize("default", ["auto", "summary"])
@pytest.mark.parametrize(
    ("tool", "arguments"),
    [(CREATE, {"body": {}}), (UPDATE, {"body": {"status": "completed"}}), (DELETE, {})],
)
async def test_what_a_change_answers_is_full_and_outside_the_budget(
    tool: str, arguments: dict[str, Any], default: str
) -> None:
    # After a delete it is the caller's last copy.
    hard = generated()["5000 messages"]
    given = arguments if tool == CREATE else {"id": hard["id"], **arguments}
    options: Json = {"max_result_bytes": 2_000, "view": default}
    async with served(fixed_upstream([hard]), **options) as client:
        check = await checks(client)
        result = await client.call_tool(tool, given)
    assert exact(data(result)) == exact(hard)
    check[tool](structured(result))


async def test_what_appending_answers_is_full_with_a_note_beside_it(connect: Connect) -> None:
    # The note is no part of the session: a host that parses the JSON gets the session alone.
    more = [{"role": "user", "content": "One more thing."}] * 30
    async with connect(max_result_bytes=2_000) as client:
        body = {"name": "Long", "messages": talk(40)}
        made = data(await client.call_tool(CREATE, {"body": body}))
        result = await client.call_tool(UPDATE, {"id": made["id"], "appendMessages": more})
    assert data(result)["messages"] == [*body["messages"], *more]
    assert note(result) == "Appended 30 messages: read back, the conversation has 70."
