"""smolagents."""

from mcp import StdioServerParameters
from smolagents import MCPClient
from smolagents.models import get_tool_json_schema
from smolagents.tools import validate_tool_arguments
from tour import Tour, drive

COMMAND = StdioServerParameters(
    command="vapi-sessions-mcp", args=["--sandbox", "--tool-names", "short"]
)
REQUIRED = {
    ("body", "create_session"),
    ("id", "get_session"),
    ("id", "update_session"),
    ("id", "delete_session"),
}


async def support(url: str | None, tour: Tour) -> None:
    server = {"url": url, "transport": "streamable-http"} if url else COMMAND
    with MCPClient(server, structured_output=False) as tools:
        named = {tool.name: tool for tool in tools}
        as_they_come = {tool.name: function(tool)["parameters"] for tool in tools}
        # smolagents takes every argument for required that is not nullable.
        for tool in tools:
            for name, schema in tool.inputs.items():
                if (name, tool.name) not in REQUIRED:
                    schema["nullable"] = True

        async def call(name: str, arguments: dict) -> str:
            validate_tool_arguments(named[name], arguments)
            return named[name](**arguments)

        formats = {name: {"formats": {"unmended": as_they_come[name]}} for name in named}
        await tour([function(tool) | formats[tool.name] for tool in tools], call)


def function(tool) -> dict:
    return get_tool_json_schema(tool)["function"]


drive(support)
