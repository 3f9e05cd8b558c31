"""pydantic-ai: a toolset for an Agent, and its schemas as its models send them."""

import json

from fastmcp.client.transports import StdioTransport
from pydantic_ai import ModelRetry, RunContext, RunUsage, ToolReturn
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.models.test import TestModel
from pydantic_ai.profiles.google import GoogleJsonSchemaTransformer
from pydantic_ai.profiles.openai import OpenAIJsonSchemaTransformer
from tour import Tour, drive

COMMAND = StdioTransport("vapi-sessions-mcp", ["--sandbox", "--tool-names", "short"])


async def support(url: str | None, tour: Tour) -> None:
    async with MCPToolset(url or COMMAND) as toolset:
        context = RunContext(deps=None, model=TestModel(), usage=RunUsage())
        tools = await toolset.get_tools(context)

        async def call(name: str, arguments: dict) -> str:
            try:
                result = await toolset.call_tool(name, arguments, context, tools[name])
            except ModelRetry as refused:
                return refused.message
            # What the session viewer shows comes with more than the model reads.
            return json.dumps(result.return_value if isinstance(result, ToolReturn) else result)

        await tour([function(tool.tool_def) for tool in tools.values()], call)


def function(tool) -> dict:
    return {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters_json_schema,
        # What its models of these providers send.
        "formats": {
            "openai": OpenAIJsonSchemaTransformer(tool.parameters_json_schema).walk(),
            "gemini": GoogleJsonSchemaTransformer(tool.parameters_json_schema).walk(),
        },
    }


drive(support)
