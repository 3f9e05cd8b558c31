"""Requests to Vapi as OpenTelemetry's conventions for HTTP have them, and nothing more."""

import anyio
import pytest
from opentelemetry.trace import SpanKind, StatusCode

from support.faulty_vapi import RESET, FaultyVapi, Reply, reply, slow
from support.metered import Labels, Metered
from support.tries import DeadEnds, Road, attempt, calling
from vapi_sessions_mcp.contract.operations import CREATE, GET, LIST, Operation
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi

pytestmark = pytest.mark.anyio

REQUESTS = "http_client_request_duration_seconds_count"


async def called(operation: Operation, *replies: Reply) -> tuple[Metered, FaultyVapi]:
    """What is reported of one call whose tries are answered so."""
    metered = Metered()
    async with FaultyVapi(*replies) as vapi:
        settings = Settings(base_url=vapi.url, timeout=20)
        async with Vapi(settings, transport=Road(()), telemetry=metered.telemetry) as ours:
            await attempt(ours, *calling(operation))
    return metered, vapi


def outcome(labels: Labels) -> tuple[str, str]:
    return labels.get("http_response_status_code", ""), labels.get("error_type", "")


async def test_a_request_is_counted_by_what_it_was_for_and_how_it_ended() -> None:
    # Whoever is called at night asks first whether it is Vapi.
    metered, vapi = await called(GET)
    host, _, port = vapi.netloc.partition(":")
    assert metered.series(REQUESTS) == [
        (
            {
                "http_request_method": "GET",
                "url_template": "/session/{id}",
                "server_address": host,
                "server_port": port,
                "http_response_status_code": "200",
            },
            1,
        )
    ]
    [span] = metered.spans
    assert (span.name, span.kind) == ("GET /session/{id}", SpanKind.CLIENT)
    assert span.attributes == {
        "http.request.method": "GET",
        "url.template": "/session/{id}",
        "server.address": host,
        "server.port": int(port),
        "http.response.status_code": 200,
    }


async def test_each_try_is_a_span_and_says_that_it_is_made_again() -> None:
    # One slow call of three tries is something else than a slow Vapi.
    metered, _ = await called(LIST, reply(503), RESET)
    assert [outcome(labels) for labels, _ in metered.series(REQUESTS)] == [
        ("503", "503"),
        ("", "ConnectionLost"),
        ("200", ""),
    ]
    assert [(span.attributes or {}).get("http.request.resend_count") for span in metered.spans] == [
        None,
        1,
        2,
    ]
    codes = [span.status.status_code for span in metered.spans]
    assert codes == [StatusCode.ERROR, StatusCode.ERROR, StatusCode.UNSET]
    assert metered.series("vapi_sessions_retries_total") == [
        ({"tool": "list_sessions", "error_type": "Failed"}, 1),
        ({"tool": "list_sessions", "error_type": "ConnectionLost"}, 1),
    ]


async def test_what_is_not_made_again_counts_as_no_retry() -> None:
    # An alert on retries must not ring for refusals, of which callers make as many as they like.
    metered, _ = await called(CREATE, reply(400, {"message": "+14155550123"}))
    assert [outcome(labels) for labels, _ in metered.series(REQUESTS)] == [("400", "400")]
    assert metered.series("vapi_sessions_retries_total") == []
    [span] = metered.spans
    assert not span.events
    assert span.status.description is None


async def test_a_request_that_was_never_sent_has_no_status(dead_ends: DeadEnds) -> None:
    # No status at all is a network's fault, which nobody looks for at Vapi.
    metered = Metered()
    settings = Settings(base_url="http://localhost:9", timeout=20)
    road = Road([dead_ends["nobody listens"]] * 3)
    async with Vapi(settings, transport=road, telemetry=metered.telemetry) as ours:
        await attempt(ours, *calling(GET))
    [(labels, count)] = metered.series(REQUESTS)
    assert (outcome(labels), count) == (("", "NotConnected"), 3)


async def test_calls_that_wait_for_their_turn_are_seen_to_wait() -> None:
    # They make no requests: without this figure a full queue looks like an idle server.
    metered = Metered()
    async with FaultyVapi(otherwise=slow()) as vapi:
        settings = Settings(base_url=vapi.url, timeout=20, max_upstream=1)
        async with Vapi(settings, transport=Road(()), telemetry=metered.telemetry) as ours:
            assert metered.series("vapi_sessions_calls_queued") == [({}, 0)]
            async with anyio.create_task_group() as calls:
                calls.start_soon(attempt, ours, *calling(GET))
                calls.start_soon(attempt, ours, *calling(GET))
                await vapi.until(lambda vapi: len(vapi.requests) == 1)
                assert metered.series("vapi_sessions_calls_queued") == [({}, 1)]
                vapi.release(2)
    assert metered.series("vapi_sessions_calls_queued") == [({}, 0)]


async def test_nothing_of_a_trace_is_sent_on_to_vapi() -> None:
    # Vapi is somebody else: our trace, and whatever a caller put into its baggage, stay here.
    metered, vapi = await called(GET)
    assert metered.spans
    sent = {name.lower() for request in vapi.requests for name in request.headers}
    assert not sent & {"traceparent", "tracestate", "baggage"}
