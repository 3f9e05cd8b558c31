"""What a real server sends to a collector: by OTLP, over each transport, in each era."""

import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from support.collector import CLIENT, SERVER, Collector, attributes
from support.faces import BOTH, KEY
from support.faulty_vapi import FaultyVapi, reply
from support.http_calls import tool_call
from support.processes import PATIENCE, Running, started
from support.stdio_calls import INITIALIZED, call, initialize, legacy
from support.tools import DELETE, GET, LIST

pytestmark = pytest.mark.anyio

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@asynccontextmanager
async def serving(
    *arguments: str, collector: Collector, **env: str
) -> AsyncGenerator[tuple[Running, FaultyVapi]]:
    """A server that sends to `collector`, and the Vapi behind it."""
    async with FaultyVapi() as vapi:
        given = {"VAPI_BASE_URL": vapi.url, "VAPI_API_KEY": KEY, ENDPOINT: collector.url, **env}
        async with started(*arguments, **given) as running:
            yield running, vapi


async def stopped(running: Running) -> str:
    """What is left of the log of a server that is stopped as operators do."""
    running.signal(signal.SIGTERM)
    assert await running.ended() == 0
    return (await running.rest())[1]


def traced(message: dict[str, Any]) -> dict[str, Any]:
    """A message that carries on a trace."""
    meta = {**message["params"].get("_meta", {}), "traceparent": TRACEPARENT}
    return {**message, "params": {**message["params"], "_meta": meta}}


def is_one_trace(collector: Collector) -> None:
    """The caller's trace goes on: its span, ours below it, and the request to Vapi below that."""
    below = {
        span.parent_span_id.hex(): span for span in collector.spans if span.trace_id.hex() == TRACE
    }
    ours = below[PARENT]
    upstream = below[ours.span_id.hex()]
    assert (ours.kind, upstream.kind) == (SERVER, CLIENT)
    assert upstream.name == "GET /session/{id}"
    assert attributes(upstream)["http.response.status_code"] == 200


@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_a_trace_goes_on_over_stdio(era: str) -> None:
    # Whose agent is slow is a question that only the whole trace answers.
    with Collector().listening() as collector:
        async with serving(collector=collector) as (running, _):
            if era == "legacy":
                await running.send(initialize(0, "2025-11-25"))
                await running.receive()
                await running.send(
                    INITIALIZED, traced(legacy(1, "tools/call", name=GET, arguments={"id": "s-1"}))
                )
            else:
                await running.send(traced(call(1, GET, id="s-1")))
            assert (await running.receive())["result"]["structuredContent"]["id"] == "s-1"
            await running.end_input()
            assert await running.ended() == 0
    is_one_trace(collector)
    names = [span.name for span in collector.spans]
    assert f"tools/call {GET}" in names
    [(labels, count)] = [
        point
        for point in collector.points("mcp.server.operation.duration")
        if point[0]["mcp.method.name"] == "tools/call"
    ]
    assert count == 1
    assert labels["network.transport"] == "pipe"
    assert labels["mcp.protocol.version"] == {"legacy": "2025-11-25", "modern": "2026-07-28"}[era]
    assert collector.resource["service.name"] == "vapi-sessions-mcp"


@pytest.mark.measured
async def test_a_trace_goes_on_over_http_and_rest() -> None:
    # All three ways in end in the same request to Vapi, of which nothing is sent on.
    with Collector().listening() as collector:
        async with (
            serving(*BOTH, collector=collector, OTEL_SERVICE_NAME="sessions") as (running, vapi),
            httpx2.AsyncClient(timeout=PATIENCE) as client,
        ):
            mcp, rest = await running.url(), await running.url()
            for era in ("legacy", "modern"):
                given = tool_call(era, GET)
                answer = await client.post(
                    mcp, json=traced(given["json"]), headers=given["headers"]
                )
                assert answer.is_success
            headers = {"traceparent": TRACEPARENT, "tracestate": "a=b", "baggage": "c=d"}
            assert (await client.get(f"{rest}/session/s-1", headers=headers)).is_success
            assert (await client.get(f"{rest}/session/no!id")).status_code == 400
            log = await stopped(running)
        sent = {name.lower() for seen in vapi.requests for name in seen.headers}
        assert not sent & {"traceparent", "tracestate", "baggage"}
    assert "Traceback" not in log
    traced_spans = [span for span in collector.spans if span.trace_id.hex() == TRACE]
    assert sorted(span.name for span in traced_spans) == [
        *["GET /session/{id}"] * 3,
        "GET /v1/session/{id}",
        *[f"tools/call {GET}"] * 2,
    ]
    assert not any(span.trace_state for span in collector.spans)
    # The SDK looks once at its own list of tools.
    others = [span for span in collector.spans if span.trace_id.hex() != TRACE]
    [refused] = [span for span in others if span.name != "tools/list"]
    assert (refused.name, attributes(refused)["http.response.status_code"]) == (
        "GET /v1/session/{id}",
        400,
    )
    assert collector.points("vapi_sessions.call.duration") == [
        ({"tool": "get_session"}, 3),
        ({"tool": "get_session", "error.type": "BadArguments"}, 1),
    ]
    assert collector.resource["service.name"] == "sessions"


@pytest.mark.measured
async def test_a_request_to_rest_that_failed_here_or_at_vapi_is_an_error() -> None:
    # What a caller did wrong is none: whoever searches traces for errors would find little else.
    with Collector().listening() as collector:
        async with (
            serving(*BOTH, collector=collector) as (running, vapi),
            httpx2.AsyncClient(timeout=PATIENCE) as client,
        ):
            await running.url()
            rest = await running.url()
            vapi.otherwise = reply(501)
            for path in ("s-1", "no!id"):
                await client.get(f"{rest}/session/{path}")
            await stopped(running)
    failed, refused = [span for span in collector.spans if span.kind == SERVER]
    assert attributes(failed)["error.type"] == "501"
    assert failed.status.code == Status.STATUS_CODE_ERROR
    assert "error.type" not in attributes(refused)
    assert refused.status.code == Status.STATUS_CODE_UNSET


async def test_whoever_is_refused_at_the_door_is_counted() -> None:
    # A password that somebody guesses shows as a number long before it is found in logs.
    with Collector().listening() as collector:
        env = {"VAPI_MCP_TOKENS": "token-0123456789abcdef"}
        async with (
            serving(*BOTH, collector=collector, **env) as (running, _),
            httpx2.AsyncClient(timeout=PATIENCE) as client,
        ):
            mcp, rest = await running.url(), await running.url()
            way_in = {"Authorization": "Bearer token-0123456789abcdef"}
            statuses = [
                (await client.post(mcp, **tool_call("modern", GET))).status_code,
                (await client.get(f"{rest}/session")).status_code,
                (await client.get(f"{rest}/session", headers={"Host": "evil.example"})).status_code,
                (await client.get(mcp, headers=way_in)).status_code,
                (
                    await client.post(mcp, headers={**way_in, "Content-Encoding": "gzip"})
                ).status_code,
            ]
            assert statuses == [401, 401, 421, 405, 415]
            await stopped(running)
    assert sorted(collector.points("vapi_sessions.refusals"), key=str) == [
        ({"error.type": "401"}, 2),
        ({"error.type": "405"}, 1),
        ({"error.type": "415"}, 1),
        ({"error.type": "421"}, 1),
    ]
    assert not collector.spans


async def test_a_line_that_is_no_message_is_counted_over_stdio() -> None:
    # A host that is broken looks like one that never calls.
    with Collector().listening() as collector:
        async with serving(collector=collector) as (running, _):
            await running.send(b"no message")
            assert (await running.receive())["error"]["code"] == -32700
            await running.end_input()
            assert await running.ended() == 0
    assert collector.points("vapi_sessions.refusals") == [({"error.type": "-32700"}, 1)]


async def test_a_question_to_a_person_is_a_span_without_what_was_asked() -> None:
    # How long people take to answer is not the server's time.
    with Collector().listening() as collector:
        options = ("--confirm-delete", "person")
        async with serving(*options, collector=collector) as (running, _):
            begin = initialize(0, "2025-11-25")
            begin["params"]["capabilities"] = {"elicitation": {}}
            await running.send(begin)
            await running.receive()
            deletion = legacy(1, "tools/call", name=DELETE, arguments={"id": "s-1"})
            await running.send(INITIALIZED, deletion)
            question = await running.receive()
            result = {"action": "decline"}
            await running.send({"jsonrpc": "2.0", "id": question["id"], "result": result})
            assert (await running.receive())["result"]["isError"]
            await running.end_input()
            assert await running.ended() == 0
    assert ("elicitation/create", CLIENT) in [(span.name, span.kind) for span in collector.spans]
    assert ({"tool": "delete_session", "error.type": "Unconfirmed"}, 1) in collector.points(
        "vapi_sessions.call.duration"
    )


async def test_only_what_is_asked_for_is_sent() -> None:
    # Spans cost money where they are kept.
    for name, sent in (("TRACES", "/v1/traces"), ("METRICS", "/v1/metrics")):
        with Collector().listening() as collector:
            env = {ENDPOINT: "", f"OTEL_EXPORTER_OTLP_{name}_ENDPOINT": collector.url + sent}
            async with serving(collector=collector, **env) as (running, _):
                await running.send(call(1, LIST, limit=1))
                await running.receive()
                await running.end_input()
                assert await running.ended() == 0
        assert {path for path, _ in collector.bodies} == {sent}


async def test_workers_send_as_processes_of_their_own() -> None:
    # Two counters under one name would look like one that jumps up and down.
    with Collector().listening() as collector:
        async with (
            serving(*BOTH, "--workers", "2", collector=collector) as (running, _),
            httpx2.AsyncClient(timeout=PATIENCE) as client,
        ):
            await running.url()
            rest = await running.url()
            assert (await client.get(f"{rest}/session/s-1")).is_success
            await stopped(running)
    assert len(collector.instances) == 2
