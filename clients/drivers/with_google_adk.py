"""google-adk: a toolset for an Agent, and its declarations as Gemini gets them."""

from google.adk.agents import Agent
from google.adk.agents.invocation_context import InvocationContext
from google.adk.sessions import InMemorySessionService
from google.adk.tools import ToolContext
from google.adk.tools.mcp_tool import (
    McpToolset,
    StdioConnectionParams,
    StreamableHTTPConnectionParams,
)
from google.genai.types import JSONSchema, Schema
from mcp import StdioServerParameters
from tour import Tour, drive

COMMAND = StdioServerParameters(
    command="vapi-sessions-mcp", args=["--sandbox", "--tool-names", "short"]
)


def connect(url: str | None) -> McpToolset:
    if url:
        return McpToolset(connection_params=StreamableHTTPConnectionParams(url=url))
    return McpToolset(connection_params=StdioConnectionParams(server_params=COMMAND, timeout=60))


async def support(url: str | None, tour: Tour) -> None:
    toolset = connect(url)
    agent = Agent(name="support", model="gemini-flash-latest", tools=[toolset])
    tools = {tool.name: tool for tool in await agent.canonical_tools()}

    async def call(name: str, arguments: dict) -> str:
        context = await tool_context(agent)
        result = await tools[name].run_async(args=arguments, tool_context=context)
        return result["content"][0]["text"]

    await tour([function(tool) for tool in tools.values()], call)
    await toolset.close()


async def tool_context(agent: Agent) -> ToolContext:
    sessions = InMemorySessionService()
    session = await sessions.create_session(app_name="support", user_id="someone")
    invocation = InvocationContext(
        session_service=sessions, invocation_id="1", agent=agent, session=session
    )
    return ToolContext(invocation, function_call_id="1")


def function(tool) -> dict:
    declaration = tool._get_declaration()
    return {
        "name": declaration.name,
        "description": declaration.description,
        "parameters": declaration.parameters_json_schema,
        # What Gemini's older field takes, which has a type of its own for schemas.
        "formats": {"gemini": gemini(declaration.parameters_json_schema)},
    }


def gemini(schema: dict) -> dict:
    made = Schema.from_json_schema(json_schema=JSONSchema.model_validate(schema))
    return made.model_dump(mode="json", by_alias=True, exclude_none=True)


drive(support)
