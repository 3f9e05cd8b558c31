"""Everything that can be reported, once, with every attribute that it can have."""

from contextlib import suppress

from mcp_types.version import LATEST_PROTOCOL_VERSION

from vapi_sessions_mcp.caller import Caller, CallRecord
from vapi_sessions_mcp.errors import NotFound
from vapi_sessions_mcp.telemetry.report import Telemetry


def record_everything(telemetry: Telemetry) -> None:
    """Report it."""
    record = CallRecord(caller=Caller(), status=404)
    error = NotFound("", 404)
    server = ("api.vapi.ai", 443)
    with (
        suppress(NotFound),
        telemetry.http_request("GET", "/v1/session", ""),
        telemetry.call("get_session", record),
        telemetry.queued(),
        telemetry.request("GET", "/session/{id}", server, record, 1),
    ):
        raise error
    telemetry.answered("get_session", "text")
    telemetry.refused(401)
    telemetry.retried("get_session", error)
    telemetry.operation(
        1,
        {
            "mcp.method.name": "tools/call",
            "mcp.protocol.version": LATEST_PROTOCOL_VERSION,
            "network.transport": "tcp",
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "get_session",
            "gen_ai.prompt.name": "prepare_call",
            "error.type": "tool_error",
        },
    )
