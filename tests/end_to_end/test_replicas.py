"""Three replicas behind nginx: one ends under load, and no call that only reads is lost."""

import subprocess
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from support.behind_nginx import Replica, nginx, nginx_command
from support.deployed import health_command
from support.faulty_vapi import FaultyVapi
from support.http_calls import CLIENT_INFO, LEGACY, message, request, tool_call
from support.tools import DELETE, GET

pytestmark = pytest.mark.anyio

VERSIONS = ("2025-06-18", "2025-11-25", "2026-07-28")
CLIENTS, CALLS, TRIES = 6, 34, 6
# What says nothing about whether a call was carried out; a client may repeat what only reads.
PASSING = (502, 503, 504)


@pytest.fixture(scope="module")
async def listening() -> AsyncGenerator[FaultyVapi]:
    """A Vapi that sees by its key which replica asks."""
    async with FaultyVapi() as vapi:
        yield vapi


@pytest.fixture
def vapi(listening: FaultyVapi) -> FaultyVapi:
    """The same, to which nobody has come yet."""
    listening.requests.clear()
    return listening


@pytest.fixture(scope="module")
async def replicas(
    listening: FaultyVapi, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[list[Replica]]:
    """Three of them, where there is an nginx to put in front."""
    nginx_command()
    folder = tmp_path_factory.mktemp("replicas")
    replicas = [Replica(listening, folder, number) for number in range(3)]
    async with AsyncExitStack() as stack:
        for replica in replicas:
            await replica.start(stack, "--confirm-delete")
        yield replicas


def asked(vapi: FaultyVapi, since: int = 0) -> Counter[str]:
    """How many requests of each replica have reached Vapi."""
    return Counter(
        seen.headers["Authorization"].removeprefix("Bearer ") for seen in vapi.requests[since:]
    )


def read(version: str) -> dict[str, Any]:
    """A call that only reads, as a client of this version posts it."""
    if version == VERSIONS[-1]:
        return tool_call("modern", GET)
    return tool_call("legacy", GET) | {"headers": {**LEGACY, "MCP-Protocol-Version": version}}


async def retried(client: httpx2.AsyncClient, call: dict[str, Any]) -> dict[str, Any]:
    """The answer to a call that is made again while its failure may pass."""
    for _ in range(TRIES - 1):
        try:
            answer = await client.post("/mcp", **call)
        except httpx2.TransportError:
            continue
        if answer.status_code not in PASSING:
            return message(answer)
    return message(await client.post("/mcp", **call))


async def test_a_conversation_needs_no_replica_of_its_own(
    vapi: FaultyVapi, replicas: list[Replica], tmp_path: Path
) -> None:
    # The 2025 versions begin with a handshake, and nginx sends the next message elsewhere.
    async with nginx(replicas, tmp_path) as client:
        for version in VERSIONS[:2]:
            hello = request(
                "initialize", protocolVersion=version, capabilities={}, clientInfo=CLIENT_INFO
            )
            headers = {name: LEGACY[name] for name in ("Accept", "Content-Type")}
            answer = await client.post("/mcp", json=hello, headers=headers)
            assert message(answer)["result"]["protocolVersion"] == version
            assert "mcp-session-id" not in answer.headers
            for _ in replicas:
                answer = message(await client.post("/mcp", **read(version)))
                assert answer["result"]["structuredContent"]["id"] == "s-1"
    assert asked(vapi).keys() == {replica.key for replica in replicas}


async def test_a_question_of_one_replica_is_answered_to_another(
    vapi: FaultyVapi, replicas: list[Replica], tmp_path: Path
) -> None:
    # A person takes a minute to reply, and by then nobody knows which replica asked.
    async with nginx(replicas, tmp_path) as client:
        call = tool_call("modern", DELETE)
        params = call["json"]["params"]
        capable: dict[str, Any] = {
            "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}
        }
        params["_meta"] = {**params["_meta"], **capable}
        asked_for = message(await client.post("/mcp", **call))["result"]
        assert asked_for["resultType"] == "input_required"
        [key] = asked_for["inputRequests"]
        assert [seen.method for seen in vapi.requests] == ["GET"]
        params["inputResponses"] = {key: {"action": "accept", "content": {"confirm": True}}}
        done = message(await client.post("/mcp", **call))["result"]
    assert not done.get("isError"), done
    assert vapi.requests[-1].method == "DELETE"
    # The one that deleted is not the one that asked.
    asking, deleting = asked(vapi).keys()
    assert asking != deleting
    assert vapi.requests[0].headers["Authorization"] == f"Bearer {asking}"


async def test_no_read_is_lost_while_a_replica_is_killed_and_comes_back(
    vapi: FaultyVapi, replicas: list[Replica], tmp_path: Path
) -> None:
    # Machines fail under load; clients of every version must not notice, whichever replica it is
    # that answers.
    # The last test of the three replicas: the one that it starts again ends with it.
    answers: Counter[str] = Counter()
    third, twice = anyio.Event(), anyio.Event()
    total = CLIENTS * CALLS

    async def client_of(version: str, client: httpx2.AsyncClient) -> None:
        for _ in range(CALLS):
            answer = await retried(client, read(version))
            assert answer["result"]["structuredContent"]["id"] == "s-1"
            answers[version] += 1
            if answers.total() >= total // 3:
                third.set()
            if answers.total() >= 2 * total // 3:
                twice.set()

    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(nginx(replicas, tmp_path))
        with anyio.fail_after(50):
            async with anyio.create_task_group() as load:
                for number in range(CLIENTS):
                    load.start_soon(client_of, VERSIONS[number % len(VERSIONS)], client)
                await third.wait()
                assert asked(vapi).keys() == {replica.key for replica in replicas}
                await replicas[1].kill()
                killed = len(vapi.requests)
                await twice.wait()
                # What it had sent may still be on its way to Vapi.
                assert asked(vapi, killed)[replicas[1].key] <= CLIENTS
                await replicas[1].start(stack)
            assert answers == dict.fromkeys(VERSIONS, total // len(VERSIONS))
            # It has its share again once nginx tries it.
            back = len(vapi.requests)
            while not asked(vapi, back)[replicas[1].key]:
                await retried(client, read(VERSIONS[-1]))


async def test_the_health_check_of_the_image_sees_life_and_death(
    vapi: FaultyVapi, tmp_path: Path
) -> None:
    # One that is always content never has a dead server replaced, and the other way round.
    *python, code = health_command()
    replica = Replica(vapi, tmp_path, 0)
    async with AsyncExitStack() as stack:
        await replica.start(stack)
        port = replica.address.rpartition(":")[2]
        probe = [sys.executable, *python[1:], code.replace("9090", port)]

        async def probed() -> int:
            ended = await anyio.run_process(probe, check=False, stderr=subprocess.DEVNULL)
            return ended.returncode

        assert await probed() == 0
        await replica.kill()
        assert await probed() == 1
