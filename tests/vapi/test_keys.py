"""Each call keeps its own API key, and shows it to nobody."""

from dataclasses import replace

import anyio
import httpx2
import pytest

from support.faulty_vapi import FaultyVapi, Reply, Seen, reply, slow
from support.tries import KEY, DeadEnds, calling, reached, run
from vapi_sessions_mcp.caller import Caller, CallRecord
from vapi_sessions_mcp.contract.list_filters import ListRequest
from vapi_sessions_mcp.contract.operations import GET, LIST, UPDATE
from vapi_sessions_mcp.errors import Refused, Unauthorized
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("status", [200, 400])
async def test_callers_of_different_keys_at_the_same_time_are_kept_apart(status: int) -> None:
    # One HTTP client serves them all, and neither may act as the other or see its key.
    keys = [f"key-of-caller-{number:04}" for number in range(8)]
    told: dict[str, str] = {}

    def echo(seen: Seen) -> Reply:
        said = f"{seen.headers['authorization']} is no good"
        return slow(reply(status, {"id": "s-1", "message": said}))

    async with (
        FaultyVapi(*[echo] * len(keys)) as vapi,
        reached(vapi, api_key="the-servers-own") as ours,
    ):

        async def ask(key: str) -> None:
            try:
                told[key] = str(await ours.call(*calling(GET, key)))
            except Refused as exc:
                told[key] = str(exc)

        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                for key in keys:
                    tasks.start_soon(ask, key)
                await vapi.until(lambda vapi: len(vapi.requests) == len(keys))
                vapi.release(len(keys))
    sent = sorted(seen.headers["authorization"] for seen in vapi.requests)
    assert sent == [f"Bearer {key}" for key in keys]
    assert sorted(told) == keys
    for text in told.values():
        assert "Bearer *** is no good" in text
        assert "key-of-caller" not in text


@pytest.mark.parametrize(("key", "cleaned"), [("chat-01", False), ("chat-012", True)])
async def test_a_key_is_taken_out_of_answers_unless_it_could_be_a_word(
    key: str, cleaned: bool
) -> None:
    # A key of "user" would turn every conversation into asterisks.
    said = {"id": "s-1", "name": f"after {key}, again {key}"}
    async with FaultyVapi(reply(200, said)) as vapi, reached(vapi) as ours:
        answer = await ours.call(*calling(GET, key))
    assert answer["name"] == ("after ***, again ***" if cleaned else said["name"])


SPELT = {
    "key-0123456789": b'{"id": "s-1", "said": ["x key-0123456789", {"key-0123456789": 7}]}',
    "key-01234567": b'{"id": "s-1", "said": ["x \\u006bey-01234567", {"k\\u0065y-01234567": 7}]}',
    "key/0123+456": b'{"id": "s-1", "said": ["x key\\/0123+456", {"key\\/0123+456": 7}]}',
    'key"01\\23456': b'{"id": "s-1", "said": ["x key\\"01\\\\23456", {"key\\"01\\\\23456": 7}]}',
}


@pytest.mark.parametrize(("key", "said"), SPELT.items())
async def test_a_key_is_taken_out_however_json_spells_it(key: str, said: bytes) -> None:
    # An escape is the same character to whoever reads the answer.
    async with FaultyVapi(reply(200, said)) as vapi, reached(vapi) as ours:
        answer = await ours.call(*calling(GET, key))
    assert answer == {"id": "s-1", "said": ["x ***", {"***": 7}]}


@pytest.mark.parametrize("key", ["12345678", '","role":"', "messages"])
async def test_what_is_around_a_key_stays_as_it_is(key: str) -> None:
    # A key of digits is in many a time; no answer may fall apart for it.
    said = {"id": "s-1", "time": 1712345678.5, "n": 12345678, "a": [{"b": "", "role": ""}, None]}
    async with FaultyVapi(reply(200, said)) as vapi, reached(vapi) as ours:
        assert await ours.call(*calling(GET, key)) == said


@pytest.mark.parametrize(("key", "cleaned"), [("chat-01", False), ("chat-012", True)])
@pytest.mark.parametrize("parts", [False, True])
async def test_a_key_is_taken_out_of_a_refusal_by_the_same_rule(
    key: str, cleaned: bool, parts: bool
) -> None:
    # Vapi's words about what it refuses are repeated to the caller, and may repeat the key.
    words: object = [f"{key} is", "no good"] if parts else f"{key} is; no good"
    async with FaultyVapi(reply(400, {"message": words})) as vapi, reached(vapi) as ours:
        with pytest.raises(Refused) as refused:
            await ours.call(*calling(GET, key))
    assert f"{'***' if cleaned else key} is; no good" in str(refused.value)
    assert (key in str(refused.value)) is not cleaned


async def test_a_retry_carries_the_key_of_its_own_call(dead_ends: DeadEnds) -> None:
    # Its wait is when other callers' requests go out over the same client.
    ran = await run(dead_ends, UPDATE, reply(429), "nobody listens")
    assert [seen.headers["authorization"] for seen in ran.seen] == [f"Bearer {KEY}"] * 2
    assert [seen.body for seen in ran.seen] == [b'{"name":"a"}'] * 2


def test_a_key_does_not_show_in_what_is_printed_of_a_call() -> None:
    # Debuggers, logs and error reporters print the arguments of functions.
    _, _, call = calling(GET)
    assert KEY not in repr(call)
    assert KEY not in repr(replace(call.caller, brings_key=True))


@pytest.mark.parametrize(
    ("host", "other"),
    [("api.vapi.ai", "api.eu.vapi.ai"), ("api.eu.vapi.ai", "api.vapi.ai")],
)
async def test_a_key_that_is_not_accepted_may_be_of_the_other_region(host: str, other: str) -> None:
    # Each region has accounts of its own, and the key is good in the one it was made in.
    refuse = httpx2.MockTransport(lambda _: httpx2.Response(401, json={"message": "Invalid key"}))
    settings = Settings(api_key="key-0123456789abcdef", base_url=f"https://{host}")
    said: list[str] = []
    for brings_key in (False, True):
        async with Vapi(settings, transport=refuse) as vapi:
            caller = Caller(api_key=settings.api_key, brings_key=brings_key)
            with pytest.raises(Unauthorized) as caught:
                await vapi.call(LIST, ListRequest(), CallRecord(caller=caller))
        said.append(str(caught.value))
    assert said[0].endswith(f"or VAPI_BASE_URL to https://{other} if it is of that region.")
    assert said[1].endswith(f"in the header X-Vapi-Api-Key. This server calls {host}, not {other}.")
