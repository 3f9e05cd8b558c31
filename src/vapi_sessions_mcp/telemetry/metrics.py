"""The table: each metric that there is, with its unit and the attributes that it can have."""

from dataclasses import dataclass
from typing import Literal

SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
HTTP_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """`name` is OpenTelemetry's; `bounds` are those of a histogram's buckets, in its unit."""

    name: str
    kind: Literal["histogram", "counter", "gauge"]
    unit: str
    what: str
    attributes: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()


# OpenTelemetry's semantic conventions for MCP, with their buckets.
OPERATIONS = Metric(
    name="mcp.server.operation.duration",
    kind="histogram",
    unit="s",
    what="Messages of MCP, and how long each took.",
    attributes=(
        "mcp.method.name",
        "mcp.protocol.version",
        "network.transport",
        "gen_ai.operation.name",
        "gen_ai.tool.name",
        "gen_ai.prompt.name",
        "error.type",
    ),
    bounds=SECONDS,
)
CALLS = Metric(
    name="vapi_sessions.call.duration",
    kind="histogram",
    unit="s",
    what="Calls by tool, over MCP and REST together, and how long each took.",
    attributes=("tool", "error.type"),
    bounds=SECONDS,
)
IN_FLIGHT = Metric(
    name="vapi_sessions.calls.active",
    kind="gauge",
    unit="{call}",
    what="Calls that have no answer yet.",
)
QUEUED = Metric(
    name="vapi_sessions.calls.queued",
    kind="gauge",
    unit="{call}",
    what="Calls that wait because --max-upstream others are at Vapi.",
)
ANSWERED = Metric(
    name="vapi_sessions.answered",
    kind="counter",
    unit="By",
    what="Bytes of text in answers.",
    attributes=("tool",),
)
REFUSALS = Metric(
    name="vapi_sessions.refusals",
    kind="counter",
    unit="{request}",
    what="Requests refused before they were calls, by status; over stdio by JSON-RPC code.",
    attributes=("error.type",),
)
# OpenTelemetry's semantic conventions for HTTP.
REQUESTS = Metric(
    name="http.client.request.duration",
    kind="histogram",
    unit="s",
    what="Requests to Vapi, retries included, and how long each took.",
    attributes=(
        "http.request.method",
        "url.template",
        "server.address",
        "server.port",
        "http.response.status_code",
        "error.type",
    ),
    bounds=HTTP_SECONDS,
)
RETRIES = Metric(
    name="vapi_sessions.retries",
    kind="counter",
    unit="{retry}",
    what="Requests to Vapi that were made again, by what had failed.",
    attributes=("tool", "error.type"),
)
METRICS = (OPERATIONS, CALLS, IN_FLIGHT, QUEUED, ANSWERED, REFUSALS, REQUESTS, RETRIES)
