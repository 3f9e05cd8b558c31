"""The tools' names, the protocol's eras, and what an answer says."""

from mcp_types import CallToolResult, TextContent

ERAS = ("legacy", "auto")
LIST = "vapi-sessioncontrollerfindallpaginated"
GET = "vapi-sessioncontrollerfindone"
CREATE = "vapi-sessioncontrollercreate"
UPDATE = "vapi-sessioncontrollerupdate"
DELETE = "vapi-sessioncontrollerremove"


def text(result: CallToolResult) -> str:
    """The text of the first content block."""
    block = result.content[0]
    assert isinstance(block, TextContent)
    return block.text
