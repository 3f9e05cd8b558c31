"""Asks the person behind an MCP client, in the way of its protocol's era."""

from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from pydantic import ValidationError

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.sessions.confirm import Ask, Question, Reply

# A form without fields is accepted by one host without asking anybody; only `true` here counts.
_FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "confirm": {
            "type": "boolean",
            "title": "Yes, for good",
            "description": "This cannot be undone.",
        }
    },
    "required": ["confirm"],
}


class Asking(Exception):
    """The client has to ask and call again; `result` is what says so."""

    def __init__(self, result: types.InputRequiredResult) -> None:
        """`result` is the whole answer to this call."""
        super().__init__()
        self.result = result


def asker(ctx: ServerRequestContext[Any, Any], params: types.CallToolRequestParams) -> Ask:
    """What asks the person behind the call of `ctx`.

    Before 2026-07-28 the question goes out while the call waits; since then the
    call ends with `Asking`, and comes again with the reply under the question's
    key, so that any replica can take it up.
    """

    async def ask(question: Question) -> Reply:
        if not _can_ask(ctx.session.client_capabilities):
            return "cannot ask"
        text = json_text.clean(question.text)
        if ctx.protocol_version in HANDSHAKE_PROTOCOL_VERSIONS:
            try:
                reply = await ctx.session.elicit_form(text, _FORM, ctx.request_id)
            except (MCPError, ValidationError):
                return "failed"
            return _judged(reply)
        reply = (params.input_responses or {}).get(question.key)
        if not isinstance(reply, types.ElicitResult):
            form = types.ElicitRequestFormParams(message=text, requested_schema=_FORM)
            asked: types.InputRequests = {question.key: types.ElicitRequest(params=form)}
            raise Asking(types.InputRequiredResult(input_requests=asked))
        return _judged(reply)

    return ask


def _judged(reply: types.ElicitResult) -> Reply:
    agreed = reply.action == "accept" and (reply.content or {}).get("confirm") is True
    return "accept" if agreed else "decline"


def _can_ask(capabilities: types.ClientCapabilities | None) -> bool:
    """Whether the client shows forms; one that names no mode shows them, too."""
    elicitation = capabilities.elicitation if capabilities else None
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)
