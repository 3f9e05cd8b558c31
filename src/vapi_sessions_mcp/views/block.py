"""JSON as the one text that a host shows to a model: compact, or one value a line where it is long.

Some hosts cut long text by lines, and of a single line nothing is left. Others
recognise compact JSON as what `structuredContent` says already.
"""

from typing import Any

from vapi_sessions_mcp import json_text

# The first host that cuts (docs/hosts.md) does so at 20 KB.
COMPACT_BYTES = 19_000


def block(value: Any) -> str:
    """`value` as JSON text."""
    text = json_text.lines(value)
    if len(text.encode()) - text.count("\n") > COMPACT_BYTES:
        return text
    return text.replace("\n", "")


def part_size(value: Any) -> int:
    """The most bytes that `value` takes as a part of a block."""
    return len(json_text.lines(value).encode())
