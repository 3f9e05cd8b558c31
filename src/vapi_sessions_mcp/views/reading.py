"""What an agent reads: an answer with nothing invisible in it, its note inside, as one text."""

from dataclasses import dataclass
from typing import Any

from vapi_sessions_mcp.invisible import may_hide, visible
from vapi_sessions_mcp.views.answer import Answer, Shape, ValueT
from vapi_sessions_mcp.views.block import block


@dataclass(frozen=True, slots=True)
class Reading:
    """JSON, the text that says the same, and how many invisible characters were taken out."""

    data: dict[str, Any]
    text: str
    removed: int


def reading(answer: Answer, shape: Shape) -> Reading:
    """What is read of `answer`; its note says what was taken out, unless the answer is exact."""
    if not may_hide(answer.text):
        return Reading(answer.noted(), answer.text, 0)
    data, in_data = cleared(answer.data, shape)
    note, in_note = cleared(answer.note, shape)
    removed = in_data + in_note
    if removed and not answer.exact:
        characters = "character was" if removed == 1 else "characters were"
        note = f"{note} {removed} invisible {characters} taken out.".lstrip()
    data = Answer(data, note).noted()
    return Reading(data, block(data), removed)


def cleared(value: ValueT, shape: Shape) -> tuple[ValueT, int]:
    """A masked JSON value without what nobody sees, and how many characters that were.

    What they hid from the masks is masked now.
    """
    shown, removed = visible(value)
    if not removed:
        return value, 0
    shown, more = visible(shape.masked(shown))
    return shown, removed + more
