"""`--sandbox-now` in servers: their sandbox stands at the moment that somebody chose."""

import httpx2
import pytest

from support.command import Run
from support.processes import started, url_in
from support.stdio_calls import call
from support.tools import CREATE

LEAP_DAY = "2028-02-29T00:30:00Z"
AT_LEAP_DAY = ("--sandbox", "--sandbox-now", LEAP_DAY)


@pytest.mark.anyio
async def test_a_server_s_sandbox_stands_at_the_moment() -> None:
    # A recorded session with an agent looks the same when it is recorded again.
    async with started(*AT_LEAP_DAY) as running:
        await running.send(call(1, CREATE, body={}))
        made = (await running.receive())["result"]["structuredContent"]
        assert made["createdAt"] == made["updatedAt"] == "2028-02-29T00:30:00.000Z"
        await running.end_input()
        assert await running.ended() == 0


@pytest.mark.anyio
async def test_the_sandbox_served_by_itself_stands_at_the_moment() -> None:
    # Tests of other clients need dates that they can write down.
    async with started("sandbox", "--port", "0", "--sandbox-now", LEAP_DAY) as running:
        line = await running.told("Vapi sandbox at ")
        key = line.partition("API key ")[2].partition(";")[0]
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(base_url=url_in(line), headers=headers) as client:
            [newest] = (await client.get("/session?limit=1")).json()["results"]
            assert newest["createdAt"] == "2028-02-28T23:30:00.000Z"


def test_the_demo_can_be_given_at_the_moment(run: Run) -> None:
    # What it prints is quoted.
    ended = run("demo", "--sandbox-now", LEAP_DAY)
    assert (ended.code, ended.err) == (0, "")
    assert "    2028-02-28T19:30  active  Voicemail for Maya\n" in ended.out
    assert "    2028-02-28T00:30  active  Order JP-20455: parcel status\n" in ended.out
