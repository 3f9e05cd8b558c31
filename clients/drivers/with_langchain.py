"""langchain-mcp-adapters: tools for LangChain and LangGraph."""

from langchain_core.utils.function_calling import convert_to_openai_function
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from tour import Tour, drive

COMMAND = {
    "transport": "stdio",
    "command": "vapi-sessions-mcp",
    "args": ["--sandbox", "--tool-names", "short"],
}


def connect(url: str | None) -> MultiServerMCPClient:
    server = {"transport": "streamable_http", "url": url} if url else COMMAND
    return MultiServerMCPClient({"vapi-sessions": server})


async def support(url: str | None, tour: Tour) -> None:
    # One session for all calls: `client.get_tools()` starts a server for each call.
    async with connect(url).session("vapi-sessions") as session:
        tools = {tool.name: tool for tool in await load_mcp_tools(session)}

        async def call(name: str, arguments: dict) -> str:
            given = {"type": "tool_call", "id": "1", "name": name, "args": arguments}
            message = await tools[name].ainvoke(given)
            return message.text

        await tour([convert_to_openai_function(tool) for tool in tools.values()], call)


drive(support)
