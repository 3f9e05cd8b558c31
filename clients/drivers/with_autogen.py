"""autogen-ext."""

from autogen_core import CancellationToken
from autogen_ext.tools.mcp import (
    McpWorkbench,
    StdioServerParams,
    StreamableHttpServerParams,
)
from tour import Tour, drive

COMMAND = StdioServerParams(
    command="vapi-sessions-mcp",
    args=["--sandbox", "--tool-names", "short"],
    read_timeout_seconds=60,
)


async def support(url: str | None, tour: Tour) -> None:
    server = StreamableHttpServerParams(url=url) if url else COMMAND
    async with McpWorkbench(server) as workbench:
        tools = await workbench.list_tools()

        async def call(name: str, arguments: dict) -> str:
            result = await workbench.call_tool(name, arguments, CancellationToken())
            return result.to_text()

        await tour([dict(tool) for tool in tools], call)


drive(support)
