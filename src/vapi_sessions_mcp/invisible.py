"""Characters that nobody sees and that can carry instructions to a model, taken out and counted.

They spell words that no person reads (Unicode tags, variation selectors), or make a
text read in another order than it is written in (bidirectional embeddings). What
scripts and emoji need stays: the joiners U+200C and U+200D, the marks of direction
U+200E, U+200F and U+061C, a variation selector behind the character that it varies,
and the tags in the flags of England, Scotland and Wales, the only ones that Unicode
recommends (UTS 51, RGI_Emoji_Tag_Sequence).
"""

import re
from typing import Any, TypeAlias, TypeVar, cast

from vapi_sessions_mcp import json_text

ValueT = TypeVar("ValueT")
_Object: TypeAlias = dict[str, Any]

# Of Unicode's Default_Ignorable_Code_Point all but what is named above, and the annotations.
_HIDDEN = (
    r"\u00ad\u115f\u1160\u17b4\u17b5\u180e\u200b\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    r"\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\ufe00-\ufe0f\U000e0000-\U000e0fff"
)
# What the supplement's selectors vary (Unicode's Ideographic Variation Database).
_IDEOGRAPH = r"\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_FLAGS = "|".join(
    "\U0001f3f4" + "".join(chr(0xE0000 + ord(letter)) for letter in region) + "\U000e007f"
    for region in ("gbeng", "gbsct", "gbwls")
)
# A run of them with what may stay of it, which comes first.
_RUN = re.compile(
    rf"""
    (?P<stays> {_FLAGS} | [\ufe00-\ufe0f] | (?<=[{_IDEOGRAPH}])[\U000e0100-\U000e01ef] )
        [{_HIDDEN}]*
    | [{_HIDDEN}]+
    """,
    re.VERBOSE,
)
_HAS_HIDDEN = re.compile(f"[{_HIDDEN}]")


def may_hide(text: str) -> bool:
    """Whether there may be something in `text` that nobody sees."""
    return not text.isascii() and _HAS_HIDDEN.search(text) is not None


def visible_text(text: str) -> str:
    """`text` without what nobody sees."""
    if not may_hide(text):
        return text
    shown = _RUN.sub(lambda found: found["stays"] or "", text)
    return text if shown == text else shown


def visible(value: ValueT) -> tuple[ValueT, int]:
    """A JSON value without what nobody sees in its texts and names, and how much that was.

    What holds nothing of it is returned as it is, not copied.
    """
    work = _Pass()
    return cast("ValueT", work.value(value)), work.removed


class _Pass:
    def __init__(self) -> None:
        self.removed = 0

    def value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return self._object(cast("_Object", value))
        if isinstance(value, list):
            items = cast("list[Any]", value)
            shown = [self.value(item) for item in items]
            return items if all(map(_same, shown, items)) else shown
        return value

    def _object(self, value: _Object) -> _Object:
        shown = {name: self.value(item) for name, item in value.items()}
        names = {name: self._text(name) for name in value}
        changed = [(names[name], item) for name, item in shown.items() if names[name] != name]
        if changed:
            # What has its name as Vapi wrote it keeps it; no other takes its place.
            return json_text.apart(
                [*((name, item) for name, item in shown.items() if names[name] == name), *changed]
            )
        return value if all(map(_same, shown.values(), value.values())) else shown

    def _text(self, text: str) -> str:
        shown = visible_text(text)
        self.removed += len(text) - len(shown)
        return shown


def _same(one: Any, other: Any) -> bool:
    return one is other
