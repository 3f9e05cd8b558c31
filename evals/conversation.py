"""A model at work on one task: asked, its calls made, shown what came of them, until it is done."""

from dataclasses import dataclass, field

from mcp.client.client import Client
from mcp.client.context import ClientRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitRequestParams, ElicitResult, TextContent, Tool

from evals.dialects import Asked, Result
from evals.endpoint import Endpoint
from evals.tasks import Json, Task

# What a host says of itself and the day; the server's own instructions come after it.
SYSTEM = """\
You are an assistant with tools. The person you talk to sees only your final answer: finish the \
task before you give it, without asking back. It is {now:%A, %Y-%m-%d, %H:%M} UTC.

{instructions}"""


@dataclass
class Outcome:
    """What a model did: `answer` is empty when it came to none."""

    answer: str = ""
    results: list[Result] = field(default_factory=list[Result])
    history: list[Json] = field(default_factory=list[Json])
    tokens_in: int = 0
    tokens_out: int = 0


@dataclass(frozen=True)
class Habits:
    """What a host does: how many turns it lets a model have, and a skill that it shows it."""

    turns: int = 40
    skill: str = ""


class Person:
    """Who sits before the host, and does one thing whenever they are asked."""

    def __init__(self, action: str) -> None:
        self._action = action

    async def __call__(
        self, context: ClientRequestContext, params: ElicitRequestParams
    ) -> ElicitResult:
        """Reply."""
        if self._action == "accept":
            return ElicitResult(action="accept", content={"confirm": True})
        return ElicitResult(action="decline")


async def converse(
    client: Client, endpoint: Endpoint, task: Task, outcome: Outcome, habits: Habits
) -> None:
    """Let the model work, and note in `outcome` what it does; raises EndpointError."""
    tools = (await client.list_tools()).tools
    system = SYSTEM.format(now=task.now, instructions=client.instructions or "")
    system += f"\n\n{habits.skill}" if habits.skill else ""
    history = outcome.history
    history.append({"role": "user", "content": task.prompt.strip()})
    for _ in range(habits.turns):
        turn = await endpoint.next_turn(system, tools, history)
        history.append(turn.history)
        outcome.tokens_in += turn.tokens_in
        outcome.tokens_out += turn.tokens_out
        if not turn.calls:
            outcome.answer = turn.text.strip()
            return
        results = [await _made(client, tools, call) for call in turn.calls]
        outcome.results += results
        history += endpoint.dialect.results(results)


async def _made(client: Client, tools: list[Tool], call: Asked) -> Result:
    """Make a call, and take what a host shows its model of it: the text."""
    if call.arguments is None:
        return Result(call, "The arguments are not a JSON object.", failed=True)
    try:
        result = await client.call_tool(call.tool, call.arguments)
    except MCPError as exc:
        return Result(call, str(exc), failed=True)
    text = "\n".join(block.text for block in result.content if isinstance(block, TextContent))
    return Result(call, text, failed=bool(result.is_error))
