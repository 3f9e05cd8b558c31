"""strands-agents."""

from mcp import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from strands.tools.mcp import MCPClient
from tour import Tour, drive

COMMAND = StdioServerParameters(
    command="vapi-sessions-mcp", args=["--sandbox", "--tool-names", "short"]
)


def connect(url: str | None) -> MCPClient:
    return MCPClient(lambda: streamable_http_client(url) if url else stdio_client(COMMAND))


async def support(url: str | None, tour: Tour) -> None:
    with connect(url) as client:
        tools = {tool.tool_name: tool for tool in client.list_tools_sync()}

        async def call(name: str, arguments: dict) -> str:
            use = {"toolUseId": "1", "name": name, "input": arguments}
            async for event in tools[name].stream(use, {}):
                result = event.tool_result
            return result["content"][0]["text"]

        await tour([function(tool.tool_spec) for tool in tools.values()], call)


def function(spec: dict) -> dict:
    return {**spec, "parameters": spec["inputSchema"]["json"]}


drive(support)
