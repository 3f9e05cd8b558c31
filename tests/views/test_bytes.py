"""The budget counts what a host counts, bytes, whatever the language of a conversation."""

import json
from typing import Any

import anyio
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client
from mcp_types import CallToolResult

from support.generated import Json, calls, data, fixed_upstream, note, served, session
from support.properties import examples
from support.tools import CREATE, DELETE, GET, LIST, UPDATE, text
from support.upstream import Connect
from vapi_sessions_mcp.settings import Settings

pytestmark = [pytest.mark.anyio, pytest.mark.unmeasured]

DEFAULT = 48_000
ID = session()["id"]
SAID = {
    "Japanese": "予約を明日の午後に変更してください。",
    "emoji": "\U0001f469\u200d\U0001f467\u2764\ufe0f\U0001f44b\U0001f3fd",
    "escapes": '"\\\n\t\x01',
    "Arabic": "أريد تغيير الموعد",
    "hidden": "a\u200b\u202eb\U000e0041",
}


def spoken(words: str, count: int, **fields: Any) -> Json:
    said = [{"role": ("user", "bot")[n % 2], "message": f"{n} {words * 12}"} for n in range(count)]
    return session(messages=said, **fields)


def spent(result: CallToolResult) -> int:
    assert not result.is_error, text(result)
    assert len(result.content) == 1
    return len(text(result).encode())


def test_the_default_is_below_what_the_first_hosts_cut_at() -> None:
    # Two cut at 50 000, one of them in bytes.
    assert Settings().max_result_bytes == DEFAULT


@pytest.mark.parametrize("budget", [2_000, 18_000, 20_000, DEFAULT])
@pytest.mark.parametrize("language", SAID)
async def test_a_long_session_in_any_language_falls_back_to_what_fits(
    language: str, budget: int
) -> None:
    # Fifty thousand characters of Japanese are more than some hosts take.
    long = spoken(SAID[language], 900, name=SAID[language] * 3, assistant={"p": SAID[language]})
    async with served(fixed_upstream([long]), max_result_bytes=budget) as client:
        result = await client.call_tool(GET, {"id": ID})
        assert spent(result) <= budget
        # Room that is paid for is used; of what is hidden nobody gets anything.
        assert spent(result) > budget * 3 // 4 - 1_000 or language == "hidden"
        shown = data(result)["shown"]
        assert (shown["to"], shown["of"]) == (900, 900)
        assert shown["from"] > 1
        before = calls(note(result))[0]
        earlier = await client.call_tool(*before)
        assert data(earlier)["shown"]["to"] == shown["from"] - 1
        # What is asked for is never cut.
        whole = await client.call_tool(GET, {"id": ID, "view": "full"})
        spoken_whole = await client.call_tool(GET, {"id": ID, "view": "transcript"})
    assert len(data(whole)["messages"]) == len(data(spoken_whole)["messages"]) == 900


async def test_a_japanese_session_of_fewer_characters_than_bytes_is_too_long() -> None:
    # Counted in characters it would fit.
    long = spoken(SAID["Japanese"], 150)
    size = len(json.dumps(long, ensure_ascii=False))
    assert size < DEFAULT < len(json.dumps(long, ensure_ascii=False).encode())
    async with served(fixed_upstream([long])) as client:
        result = await client.call_tool(GET, {"id": ID})
    assert "shown" in data(result)
    assert spent(result) <= DEFAULT


async def test_a_list_in_japanese_and_the_filters_repeated_in_it_fit() -> None:
    # The note repeats what was asked for, and that is Japanese, too.
    rows = [session(n, name=SAID["Japanese"], customer={"name": "山田"}) for n in range(300)]
    named = {"name": "予" * 40, "email": "予" * 40, "externalId": "予" * 40}
    async with served(fixed_upstream(rows), max_result_bytes=2_000) as client:
        result = await client.call_tool(LIST, {"limit": 100, **named})
        scan = await client.call_tool(LIST, {"status": "active", **named})
    assert spent(result) <= 2_000
    assert spent(scan) <= 2_000
    assert "with the same filters and" in note(result)


async def test_the_reason_why_a_scan_ended_early_counts_as_well() -> None:
    # It is in the coverage and in the note, and Vapi's words can be long.
    rows = [session(n, name=SAID["Japanese"]) for n in range(400)]
    upstream = fixed_upstream(rows)

    async def answers(request: httpx2.Request) -> httpx2.Response:
        if len(upstream.requests) > 1:
            return httpx2.Response(400, json={"message": "予" * 900, "statusCode": 400})
        return await upstream.handle_async_request(request)

    async with served(httpx2.MockTransport(answers), max_result_bytes=6_000) as client:
        result = await client.call_tool(LIST, {"status": "active"})
    assert spent(result) <= 6_000
    assert data(result)["results"]
    assert note(result).count("予") == data(result)["coverage"]["stopped"].count("予") >= 300


words = st.one_of(st.sampled_from(list(SAID.values())), st.text(max_size=40))
messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "bot", "tool"])},
        optional={
            "message": words.flatmap(lambda said: st.sampled_from([said, said * 40, said * 900])),
            "content": st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": words})),
        },
    ),
    max_size=20,
)


def made_of(said: list[Json], name: str, outcome: str) -> Json:
    skipped = {"y": {"name": name}}
    artifact = {"scorecards": {"x": outcome * 30}, "skippedStructuredOutputs": skipped}
    return session(messages=said, name=name, artifact=artifact)


sessions = st.builds(made_of, messages, words, words)


@given(sessions, st.sampled_from([2_000, 5_000, 19_500]))
@examples(1)
def test_any_default_answer_is_within_the_budget(one: Json, budget: int) -> None:
    # No host may cut what nobody asked to be long.
    async def ask() -> list[CallToolResult]:
        async with served(fixed_upstream([one] * 30), max_result_bytes=budget) as client:
            return [
                await client.call_tool(GET, {"id": ID}),
                await client.call_tool(LIST, {}),
                await client.call_tool(LIST, {"contains": "a", "sortBy": "cost"}),
            ]

    for result in anyio.run(ask):
        assert spent(result) <= budget
        data(result)


async def samples(client: Client) -> list[str]:
    page = data(await client.call_tool(LIST, {"limit": 60}))
    return [row["id"] for row in page["results"]]


async def test_every_default_answer_about_the_samples_is_within_the_budget(
    connect: Connect,
) -> None:
    # Real conversations, in five languages; the longest passes the default.
    async with connect(max_result_bytes=10**6) as client:
        ids = await samples(client)
    assert len(ids) == 60
    for budget in (2_000, DEFAULT):
        async with connect(max_result_bytes=budget) as client:
            for id in ids:
                assert spent(await client.call_tool(GET, {"id": id})) <= budget
            for given in ({}, {"limit": 1000}, {"status": "completed"}, {"contains": "a"}):
                assert spent(await client.call_tool(LIST, given)) <= budget


async def test_what_changes_answer_is_outside_the_budget(connect: Connect) -> None:
    # It may be the last copy, so that it is whole.
    said = [{"role": "user", "content": SAID["Japanese"] * 20}] * 30
    async with connect(max_result_bytes=2_000) as client:
        made = data(await client.call_tool(CREATE, {"body": {"messages": said}}))
        body = {"status": "completed"}
        changed = data(await client.call_tool(UPDATE, {"id": made["id"], "body": body}))
        deleted = data(await client.call_tool(DELETE, {"id": made["id"]}))
    assert made["messages"] == changed["messages"] == deleted["messages"] == said
