"""Readiness of a real process: what Vapi says once is the answer of both faces."""

import anyio
import httpx2
import pytest

from support.faulty_vapi import FaultyVapi, reply
from support.processes import PATIENCE, started

pytestmark = pytest.mark.anyio

BOTH = ("--transport", "http", "--port", "0", "--transport", "rest", "--rest-port", "0")
KEY = "key-0123456789abcdef"


async def probed(vapi: FaultyVapi, key: str = KEY, *options: str) -> list[tuple[int, str]]:
    """What each of many probes of both faces, at once and again, is answered."""
    given = {"VAPI_BASE_URL": vapi.url, "VAPI_API_KEY": key}
    said: list[tuple[int, str]] = []

    async def probe(client: httpx2.AsyncClient, root: httpx2.URL) -> None:
        for _ in range(3):
            answer = await client.get(root.join("/health/ready"))
            said.append((answer.status_code, answer.text))

    async with (
        vapi,
        started(*BOTH, *options, **given) as running,
        httpx2.AsyncClient(timeout=PATIENCE) as client,
    ):
        roots = [httpx2.URL(await running.url()) for _ in range(2)]
        async with anyio.create_task_group() as probes:
            for root in roots * 5:
                probes.start_soon(probe, client, root)
    return said


async def test_vapi_is_asked_once_for_all_probes_of_all_faces() -> None:
    # A cluster's probes must not be the load that Vapi refuses its calls for.
    vapi = FaultyVapi(otherwise=reply(401))
    said = (503, '{"status":"not ready","reason":"api-key-refused"}')
    assert await probed(vapi) == [said] * 30
    assert len(vapi.requests) == 1


async def test_with_keys_of_callers_vapi_is_not_asked() -> None:
    # There is no key to ask with that anybody meant for it.
    vapi = FaultyVapi(otherwise=reply(401))
    said = await probed(vapi, KEY, "--auth", "caller-key")
    assert said == [(200, '{"status":"ready"}')] * 30
    assert vapi.requests == []
