"""Resources and prompts, read through a client."""

from mcp_types import GetPromptResult, TextContent


def prompted(result: GetPromptResult) -> str:
    [message] = result.messages
    assert message.role == "user"
    assert isinstance(message.content, TextContent)
    return message.content.text
