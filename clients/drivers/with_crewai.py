"""crewai-tools."""

from crewai_tools import MCPServerAdapter
from mcp import StdioServerParameters
from tour import Tour, drive

COMMAND = StdioServerParameters(
    command="vapi-sessions-mcp", args=["--sandbox", "--tool-names", "short"]
)


async def support(url: str | None, tour: Tour) -> None:
    server = {"url": url, "transport": "streamable-http"} if url else COMMAND
    with MCPServerAdapter(server, connect_timeout=60) as tools:
        named = {tool.name: tool for tool in tools}

        async def call(name: str, arguments: dict) -> str:
            return named[name].run(**arguments)

        await tour([function(tool) for tool in tools], call)


def function(tool) -> dict:
    return {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.args_schema.model_json_schema(),
    }


drive(support)
