"""Secrets out of answers, found by the names of their fields; on request, personal data too.

What holds nothing to hide is returned as it is, not copied. JSON in a text is
masked like any other value, and so is JSON in a text of that JSON; what cannot
be read as JSON is masked as text (`secret_text`, `personal`).
"""

import json
import math
import re
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar, cast

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.views.field_names import NOTHING, Meaning, may_be_phone, meaning
from vapi_sessions_mcp.views.mark import MASK as MASK
from vapi_sessions_mcp.views.personal import long_number, phone_number, without_persons
from vapi_sessions_mcp.views.secret_text import without_links, without_quoted

# Levels of a value together with those of the JSON in its texts; Vapi's answers have a hundred.
MAX_DEPTH = 150
# How often JSON may have been written into a text, and that text into JSON.
MAX_LAYERS = 6
# How often a text is looked through that had something to mask.
MAX_ROUNDS = 4
# Digits of a whole number that Python reads.
MAX_DIGITS = 4300

_Object: TypeAlias = dict[str, Any]
ValueT = TypeVar("ValueT")

# Around JSON and not part of it: white space, and the byte order mark some writers begin with.
_AROUND = " \t\r\n\ufeff"
_MAY_BE_JSON = re.compile(rf'[{_AROUND}]*["{{\[]')
# Headers, variables and form fields also come as {"name": "Authorization", "value": "Bearer …"}.
_LABELS = ("name", "key", "header", "headerName", "field", "label", "Name", "Key")
_LABELLED = frozenset(("value", "values", "val", "default", "Value"))


def mask_secrets(value: Any) -> Any:
    """A JSON value in which whatever is under a secret's name is `***`."""
    return _Pass(secrets=True).value(value)


def masker(*, personal: bool) -> Callable[[ValueT], ValueT]:
    """What masks one JSON value after the other, each name in them being judged once."""
    return _Pass(secrets=True, personal=personal).value


def mask_personal(value: Any) -> Any:
    """A JSON value without phone numbers (but two digits), e-mail addresses and SIP users."""
    return _Pass(personal=True).value(value)


def mask_all(value: Any) -> Any:
    """A JSON value without secrets and without personal data."""
    return _Pass(secrets=True, personal=True).value(value)


class _Pass:
    """One pass over one value; each distinct name in it is judged once."""

    def __init__(self, *, secrets: bool = False, personal: bool = False) -> None:
        self._secrets, self._personal = secrets, personal
        self._names: dict[str, tuple[Meaning, str]] = {}
        self._layers = 0

    def value(self, value: Any, name: str = "", depth: int = 0) -> Any:
        """`value` masked, itself if there is nothing to mask; `name` is that of its field."""
        if isinstance(value, str):
            return self._text(value, depth)
        if isinstance(value, dict):
            return self._object(cast("_Object", value), depth)
        if isinstance(value, list):
            return self._list(cast("list[Any]", value), name, depth)
        if self._personal and (shown := long_number(value)) and may_be_phone(name):
            return shown
        return value

    def _object(self, value: _Object, depth: int) -> _Object:
        label = self._label(value)
        changed: _Object = {}
        renamed = False
        for name, item in value.items():
            field = label if label and name in _LABELLED else name
            said, shown_name = self._names.get(name) or self._name(name)
            shown = None if said is NOTHING and field is name else self._shown(field, item)
            masked = self.value(item, field, depth + 1) if shown is None else shown
            if masked is not item:
                changed[name] = masked
            renamed = renamed or shown_name != name
        masked = value | changed if changed else value
        if renamed:
            return json_text.apart([(self._name(name)[1], item) for name, item in masked.items()])
        return masked

    def _list(self, value: list[Any], name: str, depth: int) -> list[Any]:
        masked: list[Any] = []
        same = True
        for item in value:
            shown = self._pair(item) if _is_pair(item) else self._shown(name, item)
            masked.append(self.value(item, name, depth + 1) if shown is None else shown)
            same = same and masked[-1] is item
        return value if same else masked

    def _pair(self, pair: list[Any]) -> list[Any] | None:
        """A header or a variable as [name, value], unless there is nothing to mask in it."""
        name, value = pair
        shown = self._shown(name, value)
        if shown is None or shown is value:
            return None
        return [self._plain(name), shown]

    def _shown(self, name: str, value: Any) -> Any:
        """What to show for a value by its name; None where the name says nothing of it."""
        said = self._name(name)[0]
        if self._secrets and said.hides(value):
            return value if value == MASK else MASK
        if self._personal and said.phone and (shown := phone_number(value)) is not None:
            return value if value == shown else shown
        return None

    def _label(self, value: _Object) -> str:
        """The name that an object gives for its value, or nothing."""
        if _LABELLED.isdisjoint(value):
            return ""
        labels = [value[name] for name in _LABELS if isinstance(value.get(name), str)]
        return next(
            (label for label in labels if self._name(label)[0] != NOTHING), "".join(labels[:1])
        )

    def _name(self, name: str) -> tuple[Meaning, str]:
        """What a name says of its value, and what is shown of itself."""
        known = self._names.get(name)
        if known is None:
            shown = self._plain(name)
            said = meaning(name)
            if said == NOTHING and shown != name:
                said = meaning(shown)
            known = self._names[name] = (said, shown)
        return known

    def _text(self, text: str, depth: int) -> str:
        if not self._personal and _is_plain(text):
            return text
        masked = self._json(text, depth)
        return self._plain(text) if masked is None else masked

    def _json(self, text: str, depth: int) -> str | None:
        """JSON in a text, as the arguments of tool calls are; None for any other text."""
        if self._layers == MAX_LAYERS or not _MAY_BE_JSON.match(text):
            return None
        try:
            inner = _read(text.strip(_AROUND), MAX_DEPTH - depth)
        except (ValueError, RecursionError):
            return None
        self._layers += 1
        masked = self.value(inner, "", depth + 1)
        self._layers -= 1
        if masked is inner:
            return text
        return json_text.clean(json.dumps(masked, ensure_ascii=False, separators=(",", ":")))

    def _plain(self, text: str) -> str:
        """`text` masked until nothing is found: a number that is gone may have parted a link."""
        masked, rounds = self._round(text), 1
        while masked != text and rounds < MAX_ROUNDS:
            text, masked, rounds = masked, self._round(masked), rounds + 1
        return text if masked == text else masked

    def _round(self, text: str) -> str:
        text = without_quoted(text, self._judge)
        if self._secrets:
            text = without_links(text)
        return without_persons(text) if self._personal else text

    def _judge(self, name: str, value: Any) -> str | None:
        said = meaning(name)
        if self._secrets and said.hides(value):
            return MASK
        return phone_number(value) if self._personal and said.phone else None


def _is_plain(text: str) -> bool:
    """Whether there is no JSON, quoted field or link in it, each of which has one of these."""
    # In so many words it takes a sixth of what a pattern or a loop does.
    return not (
        '"' in text or "'" in text or "=" in text or "@" in text or "[" in text or "{" in text
    )


def _read(text: str, most: int) -> Any:
    """The JSON in `text`, with all that it says; raises ValueError where it is not JSON."""
    value = json.loads(
        text, strict=False, parse_int=_whole, parse_float=_finite, object_pairs_hook=json_text.apart
    )
    if text.count("[") + text.count("{") > most:
        json_text.check_depth(value, most)
    return value


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= MAX_DIGITS else digits


def _finite(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


def _is_pair(item: Any) -> bool:
    return isinstance(item, list) and len(cast("list[Any]", item)) == 2 and isinstance(item[0], str)
