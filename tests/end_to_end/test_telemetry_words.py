"""Nothing that a customer or a caller wrote is in anything that leaves as telemetry."""

import json
import re
import signal
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from support.collector import Collector
from support.faces import BOTH
from support.faulty_vapi import FaultyVapi, Reply, Seen, reply
from support.http_calls import LEGACY, META
from support.processes import PATIENCE, Running, started
from support.stdio_calls import INITIALIZED, initialize
from support.tools import CREATE, DELETE, GET, LIST, UPDATE

pytestmark = pytest.mark.anyio

# What each caller and customer writes into everything, and so does Vapi.
WORD = "Zebra"
NUMBER = "+4915112345678"
ID = "zebra-4915112345678"
KEY = f"key-{WORD}-0123456789abcdef"
SECRETS = (WORD, NUMBER, ID)
FOUND = re.compile(b"zebra|4915112345678", re.IGNORECASE)
VARIABLES = {"OTEL_EXPORTER_OTLP_HEADERS": f"x={WORD}", "OTEL_METRICS_EXEMPLAR_FILTER": "always_on"}


def vapi_says(seen: Seen) -> Reply:
    """A session full of it, or a refusal that is."""
    said: dict[str, Any] = {"id": ID, "results": [], "name": WORD, "customer": {"number": NUMBER}}
    return (
        reply(said=said) if b"refuse" not in seen.body else reply(400, {"message": list(SECRETS)})
    )


def messages() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every kind of message that can hold it, where it can hold it."""
    body = {"name": WORD, "customer": {"number": NUMBER}}
    calls: list[tuple[str, Any]] = [
        (GET, {"id": ID}),
        (GET, {"id": f"{ID}/../{WORD}"}),
        (LIST, {"number": NUMBER, "contains": WORD}),
        (LIST, {WORD: NUMBER}),
        (CREATE, {"body": body}),
        (CREATE, {"body": {"name": f"refuse {WORD}"}}),
        (UPDATE, {"id": ID, "body": body}),
        (DELETE, {"id": ID}),
        (WORD, {"id": ID}),
        (GET, WORD),
    ]
    for name, arguments in calls:
        yield "tools/call", {"name": name, "arguments": arguments}
    yield "tools/call", {"name": {WORD: NUMBER}}
    yield "resources/read", {"uri": f"vapi-session://{ID}"}
    yield "resources/read", {"uri": f"https://{WORD}.example/{NUMBER}"}
    yield "prompts/get", {"name": "summarize_session", "arguments": {"id": ID}}
    yield "prompts/get", {"name": WORD, "arguments": {WORD: NUMBER}}
    reference = {"type": "ref/prompt", "name": WORD}
    yield "completion/complete", {"ref": reference, "argument": {"name": "id", "value": WORD}}
    yield f"{WORD}/{NUMBER}", {"name": WORD}
    yield "notifications/cancelled", {"requestId": WORD, "reason": NUMBER}
    yield f"notifications/{WORD}", {}


def written(era: str) -> list[dict[str, Any]]:
    """Those messages, with the same in their ids and in what goes along."""
    trace = {
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "tracestate": f"{WORD.lower()}={NUMBER[1:]}",
        "baggage": f"{WORD}={NUMBER},{WORD}",
        WORD: NUMBER,
        "progressToken": WORD,
    }
    meta = {**trace, **(META if era == "modern" else {})}
    found: list[dict[str, Any]] = []
    for number, (method, params) in enumerate(messages()):
        message = {"jsonrpc": "2.0", "method": method, "params": {"_meta": meta, **params}}
        if not method.startswith("notifications/"):
            message["id"] = f"{WORD} {NUMBER} {number}"
        found.append(message)
    return found


def says_nothing_of_it(collector: Collector) -> None:
    """Neither as text nor in any other letters; and there is something at all."""
    assert collector.spans
    assert collector.metrics
    for path, body in collector.bodies:
        assert not FOUND.search(body), (path, FOUND.findall(body))


async def ended(running: Running) -> None:
    """Wait for its end; its log, too, says nothing of it but the ids of sessions."""
    assert await running.ended() == 0
    log = (await running.rest())[1].replace(f"session={ID}", "")
    assert not FOUND.search(log.encode()), log


@pytest.mark.measured
@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_nothing_of_a_conversation_leaves_over_stdio(era: str) -> None:
    # Telemetry is kept for long, by other companies, and nobody asks customers about it.
    with Collector().listening() as collector:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **VARIABLES}
        async with (
            FaultyVapi(otherwise=vapi_says) as vapi,
            started(VAPI_BASE_URL=vapi.url, VAPI_API_KEY=KEY, **env) as running,
        ):
            if era == "legacy":
                await running.send(initialize(0, "2025-11-25"), INITIALIZED)
                await running.receive()
            frames = written(era)
            answers: list[dict[str, Any]] = []
            for frame in frames:
                await running.send(frame)
                while "id" in frame and (answers or [{}])[-1].get("id") != frame["id"]:
                    answers.append(await running.receive())
            await running.end_input()
            await ended(running)
        assert any(FOUND.search(json.dumps(answer).encode()) for answer in answers)
        assert vapi.requests
    says_nothing_of_it(collector)


async def test_nothing_of_a_conversation_leaves_over_http_and_rest() -> None:
    # Headers, paths and queries hold as much of it.
    with Collector().listening() as collector:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **VARIABLES}
        metrics = ("--metrics", "0")
        async with (
            FaultyVapi(otherwise=vapi_says) as vapi,
            started(*BOTH, *metrics, VAPI_BASE_URL=vapi.url, VAPI_API_KEY=KEY, **env) as running,
            httpx2.AsyncClient(timeout=PATIENCE) as client,
        ):
            mcp, rest, page = [await running.url() for _ in range(3)]
            for era in ("legacy", "modern"):
                for message in written(era):
                    headers = dict(LEGACY)
                    if era == "modern":
                        headers["MCP-Protocol-Version"] = "2026-07-28"
                        headers["Mcp-Method"] = message["method"]
                    if isinstance(name := message["params"].get("name"), str):
                        headers["Mcp-Name"] = name
                    await client.post(mcp, json=message, headers=headers)
            odd = {"traceparent": WORD, "tracestate": f"{WORD}={NUMBER}", "User-Agent": WORD}
            for path in (f"/session/{ID}", f"/session/{ID}%2F{WORD}", f"/{WORD}"):
                await client.get(rest + path, headers=odd)
            await client.get(f"{rest}/session", params={"number": NUMBER, WORD: NUMBER})
            await client.patch(f"{rest}/session/{ID}", json={"name": WORD}, headers=odd)
            await client.request(WORD.upper(), f"{rest}/session/{ID}")
            await client.get(f"{rest}/session", headers={"Host": f"{WORD}.example"})
            read = (await client.get(page)).text
            assert "vapi_sessions_call_duration_seconds_count" in read
            assert not FOUND.search(read.encode())
            running.signal(signal.SIGTERM)
            await ended(running)
    says_nothing_of_it(collector)
