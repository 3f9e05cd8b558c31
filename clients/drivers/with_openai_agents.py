"""openai-agents, with schemas made strict where they can be."""

import json

from agents import Agent, RunContextWrapper
from agents.mcp import MCPServerStdio, MCPServerStreamableHttp
from agents.tool_context import ToolContext
from tour import Tour, drive

COMMAND = {"command": "vapi-sessions-mcp", "args": ["--sandbox", "--tool-names", "short"]}


def connect(url: str | None) -> MCPServerStdio | MCPServerStreamableHttp:
    if url:
        return MCPServerStreamableHttp({"url": url}, client_session_timeout_seconds=60)
    return MCPServerStdio(COMMAND, client_session_timeout_seconds=60)


async def support(url: str | None, tour: Tour) -> None:
    async with connect(url) as server:
        strict = {"convert_schemas_to_strict": True}
        agent = Agent(name="Support", mcp_servers=[server], mcp_config=strict)
        tools = {tool.name: tool for tool in await agent.get_mcp_tools(RunContextWrapper(None))}

        async def call(name: str, arguments: dict) -> str:
            given = json.dumps(arguments)
            context = ToolContext(None, tool_name=name, tool_call_id="1", tool_arguments=given)
            return text(await tools[name].on_invoke_tool(context, given))

        await tour([function(tool) for tool in tools.values()], call)


def text(output) -> str:
    return output["text"] if isinstance(output, dict) else output


def function(tool) -> dict:
    return {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.params_json_schema,
        "strict": tool.strict_json_schema,
    }


drive(support)
