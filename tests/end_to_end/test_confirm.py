"""Deleting with --confirm-delete through a process: what counts as consent on the wire."""

from typing import Any

import anyio
import pytest
from mcp import Client

from support.person import BODY, Person, question, replies
from support.processes import PATIENCE, started
from support.tools import DELETE, UPDATE, text

pytestmark = pytest.mark.anyio

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}


async def test_a_reply_that_is_none_is_no_consent() -> None:
    # Nor is it a mistake in the agent's arguments, which it could not mend.
    start: dict[str, Any] = {
        "protocolVersion": "2025-11-25",
        "capabilities": {"elicitation": {}},
        "clientInfo": {"name": "test", "version": "1"},
    }
    async with started("--sandbox", "--confirm-delete") as running:

        async def ask(id: int, method: str, params: dict[str, Any]) -> dict[str, Any]:
            await running.send({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
            return await running.receive()

        await ask(0, "initialize", start)
        await running.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        made = await ask(1, "tools/call", {"name": "create_session", "arguments": {"body": BODY}})
        arguments = {"id": made["result"]["structuredContent"]["id"]}
        asked = await ask(2, "tools/call", {"name": DELETE, "arguments": arguments})
        assert asked["method"] == "elicitation/create"
        reply = {"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "bogus"}}
        await running.send(reply)
        result = (await running.receive())["result"]
        assert result["isError"]
        assert "did not put the question to the person" in result["content"][0]["text"]
        await running.end_input()
        assert await running.ended() == 0


async def test_a_client_that_only_opens_pages_cannot_ask() -> None:
    # Elicitation by URL shows no form; one that names no mode shows them (2025-06-18).
    modes: list[tuple[dict[str, Any], bool]] = [
        ({"url": {}}, False),
        ({}, True),
        ({"form": {}}, True),
    ]
    for elicitation, asks in modes:
        capabilities = {"elicitation": elicitation}
        meta = {**META, "io.modelcontextprotocol/clientCapabilities": capabilities}
        params: dict[str, Any] = {"_meta": meta, "name": DELETE}
        async with started("--sandbox", "--confirm-delete") as running:
            created = {**params, "name": "create_session", "arguments": {"body": BODY}}
            await running.send(
                {"jsonrpc": "2.0", "id": 0, "method": "tools/call", "params": created}
            )
            made = (await running.receive())["result"]["structuredContent"]
            params["arguments"] = {"id": made["id"]}
            await running.send(
                {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
            )
            result = (await running.receive())["result"]
            assert (result["resultType"] == "input_required") is asks
            await running.end_input()
            assert await running.ended() == 0


@pytest.mark.parametrize("mode", ["person", "argument"])
async def test_the_2025_eras_over_http_have_nobody_to_ask(mode: str) -> None:
    # Stateless, a server cannot send a request of its own there: only where whoever runs the
    # server said so is the argument the way.
    async with started(
        *("--sandbox", "--confirm-delete", mode, "--transport", "http", "--port", "0")
    ) as running:
        url = await running.url()
        with anyio.fail_after(PATIENCE):
            person = Person(replies("accept"))
            async with Client(url, mode="legacy", elicitation_callback=person) as client:
                made = await client.call_tool("create_session", {"body": BODY})
                assert made.structured_content is not None
                id = made.structured_content["id"]
                told = await client.call_tool(DELETE, {"id": id})
                argued = await client.call_tool(DELETE, {"id": id, "confirm": id})
                emptied: dict[str, Any] = {"id": id, "body": {"messages": []}}
                assert (await client.call_tool(UPDATE, emptied)).is_error
                assert person.asked == []
                if mode == "argument":
                    assert "call again with `confirm`" in text(told)
                    assert not argued.is_error
                else:
                    assert "Nothing was changed: this server asks a person first" in text(told)
                    assert "`confirm` is not an argument" in text(argued)
                    kept = await client.call_tool("get_session", {"id": id})
                    assert not kept.is_error
            async with Client(url, mode="auto", elicitation_callback=person) as client:
                made = await client.call_tool("create_session", {"body": BODY})
                assert made.structured_content is not None
                id = made.structured_content["id"]
                assert not (await client.call_tool(DELETE, {"id": id})).is_error
                assert person.asked == [question(id)]
