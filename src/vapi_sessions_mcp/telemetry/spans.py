"""Spans with nothing in them that a caller wrote: what is not known to be ours is taken out."""

import re
from collections.abc import Callable, Collection

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, Status

# The server's own; other spans are the MCP SDK's, whose names and values callers can choose.
SCOPE = "vapi_sessions_mcp"
# An error's class, or the code of one.
_ERROR = re.compile(r"-?\d{1,6}|[A-Za-z_]{1,60}")
_OURS = (
    *(
        "http.request.method",
        "http.route",
        "http.response.status_code",
        "http.request.resend_count",
    ),
    *("url.template", "server.address", "server.port", "error.type"),
)
_THEIRS = (
    *("mcp.method.name", "mcp.protocol.version"),
    *("gen_ai.operation.name", "gen_ai.tool.name", "gen_ai.prompt.name"),
)
# What names are made of: the conventions have the method first.
_NAME = (
    *("http.request.method", "url.template", "http.route"),
    *("mcp.method.name", "gen_ai.tool.name", "gen_ai.prompt.name"),
)


def cleaner(words: Collection[str]) -> Callable[[ReadableSpan], ReadableSpan]:
    """What makes spans fit to be sent; `words` are the only values that the SDK's may have.

    Ids of JSON-RPC, URIs, the text of errors, events, links and the caller's own state of the
    trace are left out.
    """

    def clean(span: ReadableSpan) -> ReadableSpan:
        given, scope = span.attributes or {}, span.instrumentation_scope
        if scope is not None and scope.name == SCOPE:
            kept = {key: given[key] for key in _OURS if key in given}
        else:
            kept = {key: given[key] for key in _THEIRS if given.get(key) in words}
            if _ERROR.fullmatch(error := str(given.get("error.type", ""))):
                kept["error.type"] = error
        return ReadableSpan(
            name=" ".join(str(kept[key]) for key in _NAME if key in kept) or "unknown",
            context=_stateless(span.context),
            parent=_stateless(span.parent),
            resource=span.resource,
            attributes=kept,
            kind=span.kind,
            status=Status(span.status.status_code),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=scope,
        )

    return clean


def _stateless(context: SpanContext | None) -> SpanContext | None:
    if context is None:
        return None
    return SpanContext(context.trace_id, context.span_id, context.is_remote, context.trace_flags)
