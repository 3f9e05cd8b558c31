"""A server understands days, numbers and messages as people and models write them."""

from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import httpx2
import pytest

from support.processes import Running, started, url_in
from support.stdio_calls import call
from support.tools import CREATE, LIST, UPDATE

pytestmark = pytest.mark.anyio

Json: TypeAlias = dict[str, Any]

SANDBOX = ("--sandbox", "--sandbox-now", "2028-03-01T12:00:00Z")
YESTERDAY = {"createdAtGe": "2028-02-29", "createdAtLe": "2028-02-29"}
MAYA = "+14155550123"


@pytest.fixture
async def server() -> AsyncIterator[Running]:
    async with started(*SANDBOX) as running:
        yield running


async def answer(server: Running, tool: str, **arguments: Any) -> Json:
    await server.send(call(1, tool, **arguments))
    return (await server.receive())["result"]


async def test_a_day_is_the_whole_day(server: Running) -> None:
    # "What did they say yesterday?" becomes the same date twice.
    found = (await answer(server, LIST, **YESTERDAY))["structuredContent"]
    assert found["results"]
    assert {row["createdAt"][:10] for row in found["results"]} == {"2028-02-29"}
    after = (await answer(server, LIST, createdAtGt="2028-02-29"))["structuredContent"]
    assert {row["createdAt"][:10] for row in after["results"]} == {"2028-03-01"}
    midnight = {**YESTERDAY, "createdAtLe": "2028-02-29t24:00z"}
    assert (await answer(server, LIST, **midnight))["structuredContent"]["results"] == (
        found["results"]
    )


async def test_a_number_in_a_list_is_checked_and_what_finds_it_is_said(
    server: Running,
) -> None:
    # The sessions of the first number alone would be a wrong answer that looks right.
    wrong = await answer(server, LIST, customerNumberAny=f"{MAYA},14155550142")
    assert wrong["isError"]
    assert "got '14155550142'" in wrong["content"][0]["text"]
    local = await answer(server, LIST, customerNumberAny="(415) 555-0123")
    assert "contains finds its digits" in local["content"][0]["text"]
    found = await answer(server, LIST, contains="(415) 555-0123")
    whole = await answer(server, LIST, customerNumberAny=[MAYA])
    ids = [row["id"] for row in found["structuredContent"]["results"]]
    assert ids
    assert ids == [row["id"] for row in whole["structuredContent"]["results"]]


async def test_a_message_of_parts_is_taken(server: Running) -> None:
    # Vapi's specification has both, and SDKs of models write parts.
    said = {"role": "user", "content": [{"type": "text", "text": "One rabbit"}]}
    made = (await answer(server, CREATE, body={"messages": [said]}))["structuredContent"]
    more = await answer(server, UPDATE, id=made["id"], appendMessages=[said])
    assert more["structuredContent"]["messages"] == [said, said]
    found = (await answer(server, LIST, contains="one RABBIT"))["structuredContent"]
    assert [row["id"] for row in found["results"]] == [made["id"]]
    assert found["results"][0]["lastMessage"].endswith("One rabbit")


async def test_a_bare_plus_in_a_url_is_a_plus_where_no_words_are(server: Running) -> None:
    # `curl '…?number=+1415…'` would ask for a number that begins with a space.
    async with started(*SANDBOX, "--transport", "rest", "--rest-port", "0") as running:
        base = url_in(await running.told("http://"))
        async with httpx2.AsyncClient() as client:

            async def found(query: str) -> Json:
                got = await client.get(f"{base}/session?{query}")
                assert got.status_code == 200, got.text
                return got.json()

            quoted = await found("number=%2B14155550123")
            assert quoted["results"]
            assert await found(f"number={MAYA}") == quoted
            assert await found(f"customerNumberAny={MAYA},+14155550199") == quoted
            # A form writes spaces so, and no number begins there.
            assert await found(f"customerNumberAny={MAYA}+,+%2B14155550199+") == quoted
            assert (await found("createdAtGe=2028-02-29T00:00:00+00:00"))["results"]
            assert (await found("contains=make+a+complaint"))["results"]
