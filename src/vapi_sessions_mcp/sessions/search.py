"""Whether a session holds a text: in any of its strings and numbers, however that is written."""

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, cast

from vapi_sessions_mcp.errors import BadArguments

# Fewer digits are hardly a phone number.
PHONE_DIGITS = 7
# Between two texts of a session, so that nothing is found across them: arguments are valid Unicode,
# which a lone surrogate is not.
_GAP = "\ud800"
# A field of Vapi's or of a program's, which says nothing about the one session that has it.
_FIELD_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*")
_LETTER = re.compile(r"[^\W\d_]")
# What may be between two digits of a phone number.
_BETWEEN_DIGITS = re.compile(rf"(?<=\d)(?:[^\w{_GAP}]|_){{1,5}}(?=\d)")
_FOREIGN_DIGIT = re.compile(r"(?![0-9])\d")
# Unicode's Default_Ignorable_Code_Point, and what a word processor writes for quotes and dashes.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_TYPED = {
    **dict.fromkeys("\u2018\u2019\u02bc", "'"),
    **dict.fromkeys("\u201c\u201d", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
}
# More marks on one letter than any writing has (UAX 15, 13): sorting them takes quadratic time.
_MARKS = re.compile(r"[^\w\x00-\x7f]{31,}")
_RETYPED = re.compile(f"[{_INVISIBLE}{''.join(_TYPED)}]")


class Wanted:
    """A text to look for; one of seven digits or more and no letter is a phone number, too."""

    def __init__(self, text: str) -> None:
        """Raises BadArguments where nothing is left of `text` that could be looked for."""
        self._text = folded(text)
        if not self._text:
            raise BadArguments(["`contains` must hold more than spaces."])
        digits = "".join(re.findall(r"\d", _digits_joined(self._text)))
        phone = len(digits) >= PHONE_DIGITS and not _LETTER.search(self._text)
        self._digits = digits if phone else None

    def is_in(self, session: dict[str, Any]) -> bool:
        """Whether one of the session's texts holds it, in time linear in the session's size."""
        text = _GAP.join(map(folded, _texts(session)))
        if self._text in text:
            return True
        return self._digits is not None and self._digits in _digits_joined(text)


def folded(text: str) -> str:
    """`text` in the form in which texts are compared.

    Compatibility caseless matching (Unicode 3.13, D146) in NFKC, without what
    is invisible, with plain quotes and dashes, and one space for any run of
    whitespace. I with a dot, which case folding keeps, equals i.
    """
    if text.isascii():
        text = text.lower()
    else:
        text = unicodedata.normalize("NFD", _MARKS.sub(_in_pieces, text)).casefold()
        text = unicodedata.normalize("NFKD", text).casefold()
        text = _RETYPED.sub(lambda found: _TYPED.get(found[0], ""), text)
        text = unicodedata.normalize("NFKC", text).replace("i\u0307", "i")
    return " ".join(text.split())


def _in_pieces(run: re.Match[str]) -> str:
    if not any(map(unicodedata.combining, run[0])):
        return run[0]
    return _GAP.join(re.findall(".{1,30}", run[0], re.DOTALL))


def _texts(session: dict[str, Any]) -> Iterator[str]:
    """Every string and number at any depth, in JSON text inside strings, too.

    The name of a field is one where it is none that a program would give:
    a number, an address, two words.
    """
    ahead: list[Any] = [session]
    while ahead:
        value = ahead.pop()
        if isinstance(value, str):
            yield value
            ahead += _inner(value)
        elif isinstance(value, dict):
            fields = cast("dict[str, Any]", value)
            ahead += (name for name in fields if not _FIELD_NAME.fullmatch(name))
            ahead += fields.values()
        elif isinstance(value, list):
            ahead += cast("list[Any]", value)
        elif value is not None and not isinstance(value, bool):
            yield str(value)


def _inner(text: str) -> Iterator[Any]:
    """The value of JSON text, as the arguments of tool calls are."""
    text = text.strip("\ufeff \t\r\n")
    if text[:1] + text[-1:] in ("{}", "[]", '""'):
        try:
            yield json.loads(text)
        except (ValueError, RecursionError):
            return


def _digits_joined(text: str) -> str:
    """`text` without the punctuation between digits, which are 0 to 9 in whatever script."""
    text = _BETWEEN_DIGITS.sub("", text)
    return text if text.isascii() else _FOREIGN_DIGIT.sub(lambda found: str(int(found[0])), text)
