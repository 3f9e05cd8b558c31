"""Phone numbers, e-mail addresses and SIP users, found by how they look and masked."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from vapi_sessions_mcp.views.mark import MASK, last_digits

# Where something is hidden, and what is shown there.
_Span: TypeAlias = tuple[int, int, str]

# No phone number has 13 digits and begins like this; milliseconds since 1970 do until 2039.
_MILLISECONDS = range(10**12, 22 * 10**11)
_MAY_HOLD = re.compile(r"[0-9@]|%40")
# Runs of what can be before an @: each is looked at once, however long it is.
_BEFORE_AT = re.compile(r"(?<![^@\s<>])[^@\s<>]+@")
# Where a long text can be cut: no address goes past white space, and no number past such a letter.
_SPACE = re.compile(r"\s")
_WORD_END = re.compile(r"[g-zG-Z](?=\s)")
# Characters of a text that are looked through at a time: no other thread runs meanwhile.
PIECE = 2**19
_SIP = re.compile(r"\bsips?:", re.IGNORECASE)
_EMAIL = re.compile(r"(?<![\w.+%'&-])[\w.+%'&-]+(@|%40)[\w-]+(\.[\w-]+)+")
# UUIDs, dates with their times and decimals are what is most easily taken for a phone number,
# and what is left of a number must not become the beginning of another.
_PHONE = re.compile(
    r"""
    \*\*\*\d\d(?!\d)
    | [0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}
    | ( (19|20)\d\d([-./])\d\d?\4\d\d? | \d\d?([-./])\d\d?\5(19|20)\d\d )
      (?!\d) ( [T ]\d\d:\d\d(:\d\d([.,]\d+)?)? )?
    | \b(0\.\d+|\d+\.\d\d)(?![\d.])
    | (?P<phone>
        (\+ | %2[Bb] | (?<![A-Za-z0-9_\#-])\(?) \d
        ([ \t\u200b().\-/\u2010-\u2015\u2212\u30fc]{0,3}\d){6,18}
        (?!(?!x|ext)[A-Za-z0-9_])
      )
    """,
    re.VERBOSE,
)


def without_persons(text: str) -> str:
    """`text` without phone numbers (but two digits), e-mail addresses and SIP users."""
    plain = _in_ascii(text)
    if not _MAY_HOLD.search(plain):
        return text
    hidden: list[_Span] = []
    for pattern, cut, hide in _RULES:
        spans = [
            span
            for start, end in _pieces(plain, cut)
            for match in pattern.finditer(plain, start, end)
            if (span := hide(match))
        ]
        plain = _replaced(plain, [(start, end, "\0" * (end - start)) for start, end, _ in spans])
        hidden += spans
    return _replaced(text, sorted(hidden))


def _pieces(text: str, cut: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Stretches of `text` that end where a `cut` does, none of which has a match going on in it."""
    start = 0
    while (found := cut.search(text, start + PIECE)) is not None:
        yield start, found.end()
        start = found.end()
    yield start, len(text)


def phone_number(value: Any) -> str | None:
    """What to show of a value under the name of a phone number; None to leave it."""
    if isinstance(value, str):
        return last_digits(value) if value else None
    number = _whole(value)
    return last_digits(number) if number is not None and number >= 10**6 else None


def long_number(value: Any) -> str | None:
    """What to show of a number that is as long as a phone number; None to leave it."""
    number = _whole(value)
    if number is None or not 10**9 <= number < 10**15 or number in _MILLISECONDS:
        return None
    return last_digits(number)


def _whole(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        return None
    return int(value)


def _in_ascii(text: str) -> str:
    """`text`, each character where it was, with digits and signs of other scripts as in ASCII."""
    if text.isascii():
        return text
    forms = {ord(character): _form(character) for character in set(text) if character > "\x7f"}
    return text.translate(forms)


def _form(character: str) -> str:
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    if unicodedata.category(character) == "Cf":
        return "\u200b"
    form = unicodedata.normalize("NFKC", character)
    return form if len(form) == 1 else character


def _sip_user(match: re.Match[str]) -> _Span | None:
    scheme = _SIP.search(match.group())
    if scheme is None or scheme.end() == len(match.group()) - 1:
        return None
    return match.start() + scheme.end(), match.end() - 1, MASK


def _address(match: re.Match[str]) -> _Span | None:
    return (*match.span(), MASK)


def _phone(match: re.Match[str]) -> _Span | None:
    """A phone number but for its last two digits; what is too short for one stays."""
    phone = match["phone"]
    if phone is None:
        return None
    least = 10
    if phone.startswith(("+", "%")):
        phone, least = phone.removeprefix("%2B").removeprefix("%2b"), 7
    elif phone[0] in "(0" or len(re.findall(r"[\s-]+", phone)) > 1:
        least = 9
    digits = "".join(re.findall(r"\d", phone))
    if len(digits) < least or (digits == phone and int(digits) in _MILLISECONDS):
        return None
    return (*match.span(), last_digits(digits))


def _replaced(text: str, spans: list[_Span]) -> str:
    parts: list[str] = []
    done = 0
    for start, end, shown in spans:
        parts += [text[done:start], shown]
        done = end
    return "".join([*parts, text[done:]])


_Hide: TypeAlias = Callable[[re.Match[str]], _Span | None]
_RULES: tuple[tuple[re.Pattern[str], re.Pattern[str], _Hide], ...] = (
    (_BEFORE_AT, _SPACE, _sip_user),
    (_EMAIL, _SPACE, _address),
    (_PHONE, _WORD_END, _phone),
)
