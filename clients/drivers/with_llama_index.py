"""llama-index-tools-mcp: tools for LlamaIndex agents."""

from llama_index.tools.mcp import BasicMCPClient, McpToolSpec
from tour import Tour, drive


class PlainClient(BasicMCPClient):
    """Answers with the text: of a result, LlamaIndex shows a model the Python repr."""

    async def call_tool(self, *args, **kwargs) -> str:
        return (await super().call_tool(*args, **kwargs)).content[0].text


def connect(url: str | None) -> BasicMCPClient:
    if url:
        return PlainClient(url)
    return PlainClient("vapi-sessions-mcp", ["--sandbox", "--tool-names", "short"])


async def support(url: str | None, tour: Tour) -> None:
    tools = await McpToolSpec(connect(url)).to_tool_list_async()
    named = {tool.metadata.name: tool for tool in tools}

    async def call(name: str, arguments: dict) -> str:
        output = await named[name].acall(**arguments)
        return output.content

    # What a model would read without that class.
    unmended, *_ = await McpToolSpec(BasicMCPClient(url), ["get_session"]).to_tool_list_async()
    as_it_comes = {"as it comes": (await unmended.acall(id="nobody")).content}
    functions = [tool.metadata.to_openai_tool()["function"] for tool in tools]
    await tour([function | as_it_comes for function in functions], call)


# Over stdio it starts a server for each call, and each has a sandbox of its own.
drive(support, stdio=False)
