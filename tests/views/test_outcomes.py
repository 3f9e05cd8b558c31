"""What Vapi makes of a conversation is in its transcript, and parts of messages read as text."""

import json

import pytest

from support.generated import Json, data, fixed_upstream, note, served, session, talk
from support.resource_calls import prompted
from support.tools import GET, LIST, text

pytestmark = pytest.mark.anyio

ID = session()["id"]
CONDITION = {"type": "minMessages", "minMessages": 5}
ARTIFACT: Json = {
    "structuredOutputs": {"a1": {"name": "Outcome", "result": {"booked": True}}},
    "skippedStructuredOutputs": {"b2": {"name": "Refund", "unmetCondition": CONDITION}},
    "scorecards": {"c3": {"name": "Politeness", "score": 80, "metricPoints": {"a1": 80}}},
    "presignedMonoUrl": "https://example.com/call.wav?X-Amz-Signature=abc",
    "transcript": "AI: Hello",
}
OUTCOMES = ("structuredOutputs", "skippedStructuredOutputs", "scorecards")


@pytest.mark.parametrize("arguments", [{"view": "transcript"}, {"messages": {"last": 1}}])
async def test_a_transcript_says_what_was_made_of_the_conversation(arguments: Json) -> None:
    # A score, and why an output is missing, are what a reviewer looks for first.
    one = session(messages=talk(3), artifact=ARTIFACT)
    async with served(fixed_upstream([one])) as client:
        read = data(await client.call_tool(GET, {"id": ID, **arguments}))
        [row] = data(await client.call_tool(LIST, {"view": "transcript"}))["results"]
        short = data(await client.call_tool(GET, {"id": ID, "view": "summary"}))
    assert {name: read[name] for name in OUTCOMES} == {name: ARTIFACT[name] for name in OUTCOMES}
    assert {name: row[name] for name in OUTCOMES} == {name: ARTIFACT[name] for name in OUTCOMES}
    assert not {*OUTCOMES, "artifact", "presignedMonoUrl"} & {*short}
    assert "Signature" not in json.dumps(read)


async def test_what_is_in_outcomes_is_masked_like_the_rest() -> None:
    # An output extracts exactly what customers dictate.
    result = {"apiKey": "LEAK", "call": "+14155550142", "link": "https://x.example/?token=LEAK"}
    artifact = {
        "structuredOutputs": {"a": {"name": "o", "result": result}},
        "skippedStructuredOutputs": {"b": {"name": "of +14155550142", "unmetCondition": result}},
        "scorecards": {"c": {"name": "s", "secret": "LEAK", "by": "+14155550142"}},
    }
    one = session(artifact=artifact)
    async with served(fixed_upstream([one]), mask_pii=True) as client:
        result = await client.call_tool(GET, {"id": ID, "view": "transcript"})
    assert set(OUTCOMES) < set(data(result))
    assert "LEAK" not in text(result)
    assert "5550142" not in text(result)


@pytest.mark.parametrize("nothing", [None, {}, [], "", "odd", 7])
async def test_outcomes_that_are_not_there_are_left_out(nothing: object) -> None:
    # Vapi may send null; an empty field would only cost.
    rows = [
        session(1, artifact=nothing),
        session(2, artifact={"scorecards": None, "skippedStructuredOutputs": {}}),
    ]
    async with served(fixed_upstream(rows)) as client:
        page = data(await client.call_tool(LIST, {"view": "transcript"}))
    assert all(not set(OUTCOMES) & set(row) for row in page["results"])


async def test_outcomes_too_long_give_way_to_messages_where_the_answer_has_to_fit() -> None:
    # The conversation is what was asked for; the note has the call for everything.
    large = {**ARTIFACT, "scorecards": {"c": {"name": "x" * 2_000}}}
    for artifact, kept in ((ARTIFACT, True), (large, False)):
        one = session(messages=talk(200), artifact=artifact)
        async with served(fixed_upstream([one]), max_result_bytes=4_000) as client:
            result = await client.call_tool(GET, {"id": ID})
            explicit = data(await client.call_tool(GET, {"id": ID, "view": "transcript"}))
        assert (set(OUTCOMES) <= set(data(result))) is kept
        assert data(result)["shown"]["from"] < 200
        assert '"view":"full"' in note(result)
        assert explicit["scorecards"] == artifact["scorecards"]


# Messages in parts

PARTS: list[Json] = [
    {"type": "text", "text": "Please call"},
    {"type": "text", "text": "+14155550142 about Biscuit", "language": "en"},
]
IN_PARTS = [
    {"role": "user", "content": PARTS},
    {"role": "user", "message": PARTS[1:]},
    {"role": "tool", "name": "find", "content": PARTS[:1]},
]


async def test_messages_in_parts_read_like_any_other() -> None:
    # Newer models write text in parts; a reader should not see JSON.
    one = session(messages=IN_PARTS)
    async with served(fixed_upstream([one])) as client:
        read = data(await client.call_tool(GET, {"id": ID, "view": "transcript"}))
        short = data(await client.call_tool(GET, {"id": ID, "view": "summary"}))
        [page] = (await client.read_resource(f"vapi-session://{ID}/transcript")).contents
        found = [
            data(await client.call_tool(LIST, {"contains": wanted}))["coverage"]["matches"]
            for wanted in ("about biscuit", "(415) 555-0142", "nobody said this")
        ]
    assert [message["text"] for message in read["messages"]] == [
        "Please call\n+14155550142 about Biscuit",
        "+14155550142 about Biscuit",
        "Please call",
    ]
    assert short["lastMessage"] == "tool: Please call"
    assert "> Please call\n> +14155550142 about Biscuit\n" in str(getattr(page, "text", ""))
    assert found == [1, 1, 0]


async def test_secrets_and_people_are_masked_in_parts() -> None:
    # A part is one more place for what must not come out.
    leaking = [
        {"type": "text", "text": '{"apiKey": "LEAK"}'},
        {"type": "text", "text": "Mail bob@example.com or +1 415 555 0142"},
        {"type": "image_url", "image_url": {"url": "https://x.example/a.png?sig=LEAK"}},
    ]
    one = session(messages=[{"role": "user", "content": leaking}])
    async with served(fixed_upstream([one]), mask_pii=True) as client:
        shown = [
            text(await client.call_tool(GET, {"id": ID, "view": view}))
            for view in ("summary", "transcript", "full")
        ]
        [page] = (await client.read_resource(f"vapi-session://{ID}/transcript")).contents
        said = prompted(await client.get_prompt("summarize_session", {"id": ID}))
    assert ID in said
    for secret in ("LEAK", "bob@", "555 0142"):
        assert secret not in "".join(shown) + str(page)
    assert '{"apiKey":"***"}' in json.loads(shown[1])["messages"][0]["text"]
