"""fastmcp."""

from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from tour import Tour, drive

COMMAND = StdioTransport("vapi-sessions-mcp", ["--sandbox", "--tool-names", "short"])


async def support(url: str | None, tour: Tour) -> None:
    async with Client(url or COMMAND) as client:
        tools = await client.list_tools()

        async def call(name: str, arguments: dict) -> str:
            result = await client.call_tool(name, arguments, raise_on_error=False)
            return result.content[0].text

        await tour([function(tool) for tool in tools], call)


def function(tool) -> dict:
    return {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.input_schema,
    }


drive(support)
