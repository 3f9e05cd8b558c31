"""JSON as the one text that a host shows to a model: compact, or one value a line where it is long.

Some hosts cut long text by lines, and of a single line nothing is left. Others
recognise compact JSON as what `structuredContent` says already.
"""

from collections.abc import Sequence
from typing import Any

from vapi_sessions_mcp import json_text

# The first host that cuts (docs/hosts.md) does so at 20 KB.
COMPACT_BYTES = 19_000


def block(value: Any) -> str:
    """`value` as JSON text."""
    return joined([*json_text.line_pieces(value)])


def joined(pieces: Sequence[str]) -> str:
    """The block of which these are the pieces, in lines."""
    text = "".join(pieces)
    return text if _sizes(pieces)[1] > COMPACT_BYTES else text.replace("\n", "")


def joined_size(pieces: Sequence[str]) -> int:
    """How many bytes that takes."""
    lines, compact = _sizes(pieces)
    return lines if compact > COMPACT_BYTES else compact


def _sizes(pieces: Sequence[str]) -> tuple[int, int]:
    """The bytes of all in lines, and without their breaks."""
    size = sum(map(json_text.utf8_size, pieces))
    return size, size - sum(piece.count("\n") for piece in pieces)


def part_size(value: Any) -> int:
    """The most bytes that `value` takes as a part of a block."""
    return sum(map(json_text.utf8_size, json_text.line_pieces(value)))
