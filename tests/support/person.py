"""Whoever is asked before a deletion: the question, and how they reply."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from mcp.client.context import ClientRequestContext
from mcp_types import ElicitRequestFormParams, ElicitRequestParams, ElicitResult, ErrorData

BODY = {
    "name": "Rosa",
    "customer": {"number": "+14155550100", "name": "Rosa Diaz"},
    "messages": [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}],
}
Replying: TypeAlias = Callable[[str], Awaitable[ElicitResult | ErrorData]]


def replies(action: Any) -> Replying:
    """A person who always does the same."""

    async def reply(question: str) -> ElicitResult:
        return ElicitResult(
            action=action, content={"confirm": True} if action == "accept" else None
        )

    return reply


class Person:
    """Who sits before the client: what they were asked, and how they reply."""

    def __init__(self, reply: Replying) -> None:
        self.asked: list[str] = []
        self._reply = reply

    async def __call__(
        self, context: ClientRequestContext, params: ElicitRequestParams
    ) -> ElicitResult | ErrorData:
        assert isinstance(params, ElicitRequestFormParams)
        schema = params.requested_schema
        assert schema["required"] == ["confirm"]
        assert schema["properties"]["confirm"]["type"] == "boolean"
        self.asked.append(params.message)
        return await self._reply(params.message)


def question(id: str, customer: str = "Rosa Diaz +14155550100") -> str:
    last = 'the last of them "assistant: two"'
    return f'Delete session {id} "Rosa" of {customer} with 2 messages, {last}?'
