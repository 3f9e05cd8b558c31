"""What is taken out of a span before it leaves: all that a caller could have written."""

from collections.abc import Mapping

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)

from vapi_sessions_mcp.telemetry.spans import SCOPE, cleaner

SECRET = "+4915112345678"
CONTEXT = SpanContext(1, 2, True, TraceFlags(1), TraceState([("a", SECRET)]))
CLEAN = cleaner({"tools/call", "get_session", "2026-07-28", "execute_tool"})


def span(attributes: Mapping[str, str | int], scope: str | None = "mcp-python-sdk") -> ReadableSpan:
    """A span as full of secrets as it can be."""
    return ReadableSpan(
        f"tools/call {SECRET}",
        CONTEXT,
        SpanContext(1, 3, True, TraceFlags(1), TraceState([("a", SECRET)])),
        Resource({"service.name": "test"}),
        attributes,
        [Event("exception", {"exception.message": SECRET})],
        [Link(CONTEXT, {"a": SECRET})],
        SpanKind.SERVER,
        status=Status(StatusCode.ERROR, SECRET),
        start_time=1,
        end_time=2,
        instrumentation_scope=InstrumentationScope(scope) if scope else None,
    )


def test_what_is_known_stays() -> None:
    # It is what a trace is looked at for.
    given: dict[str, str | int] = {
        "mcp.method.name": "tools/call",
        "mcp.protocol.version": "2026-07-28",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "get_session",
        "error.type": "-32602",
    }
    cleaned = CLEAN(span(given))
    assert cleaned.name == "tools/call get_session"
    assert cleaned.attributes == given
    assert cleaned.context is not None
    assert cleaned.parent is not None
    assert (cleaned.context.span_id, cleaned.parent.span_id) == (2, 3)
    assert (cleaned.kind, cleaned.start_time, cleaned.end_time) == (SpanKind.SERVER, 1, 2)
    assert cleaned.status.status_code is StatusCode.ERROR
    assert cleaned.resource.attributes["service.name"] == "test"


@pytest.mark.parametrize("scope", ["mcp-python-sdk", SCOPE, "", None])
@pytest.mark.parametrize(
    "attribute",
    [
        *("mcp.method.name", "mcp.protocol.version", "gen_ai.tool.name", "gen_ai.prompt.name"),
        *("jsonrpc.request.id", "mcp.resource.uri", "mcp.session.id", "exception.message"),
        *("gen_ai.operation.name", "url.full", "anything.else"),
    ],
)
def test_nothing_that_a_caller_wrote_leaves(attribute: str, scope: str | None) -> None:
    # Spans go to systems that more people can read than customers' conversations.
    assert SECRET not in (CLEAN(span({attribute: SECRET}, scope)).to_json())


@pytest.mark.parametrize("error", [SECRET, "a b", "x" * 100, "1234567"])
def test_an_error_that_is_no_class_and_no_code_is_left_out(error: str) -> None:
    # The SDK takes it from an exception, and the next version may take its text.
    assert CLEAN(span({"error.type": error})).attributes == {}


def test_a_span_without_a_parent_or_attributes_is_as_good() -> None:
    # Most have no parent: few hosts send a trace.
    bare = CLEAN(ReadableSpan("ping"))
    assert (bare.name, bare.attributes, bare.parent) == ("unknown", {}, None)
