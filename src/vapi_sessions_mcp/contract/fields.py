"""The kinds of value an argument can have, taking what models write where its meaning is exact.

Objects and arrays may arrive as JSON text, numbers and booleans as strings.
A `ValueError` from here completes the sentence "`field` …".
"""

import json
import re
from functools import partial
from typing import Annotated, Any, TypeAlias, cast

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticKnownError

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.contract.times import read_time
from vapi_sessions_mcp.ids import ID_PATTERN, is_id

E164 = r"\+[1-9][0-9]{1,14}"
_ALPHANUMERIC = r"\+?[a-zA-Z0-9]+"
# What people put between the items of a list; a number may have spaces in it, and is refused then.
_SPACE = r"[ \t\r\n]"
_SEPARATOR = rf"{_SPACE}*[,;]{_SPACE}*|{_SPACE}+"
_BETWEEN_NUMBERS = rf"{_SPACE}*[,;\n]{_SPACE}*|{_SPACE}+(?=\+)"
_ENDS = " \t\r\n,;"
# As many as a float holds exactly.
_DIGITS = 15
_INTEGER = re.compile(rf"[+-]?[0-9]{{1,{_DIGITS}}}(\.0+)?")
_DECIMAL = rf"[+-]?[0-9]{{1,{_DIGITS}}}(\.[0-9]+)?([eE][+-]?[0-9]{{1,2}})?"
_LONGEST_TEXT = 10_000
_FLAGS = {"true": True, "false": False}


def from_json_text(value: object) -> object:
    """An object or array written as JSON text, parsed; anything else as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value, object_pairs_hook=json_text.unique)
        except json_text.Repeated:
            raise
        except (ValueError, RecursionError):
            return value
    return value


def check_phone_number(number: str, e164_only: bool) -> str:
    """A phone number as Vapi takes it: E.164, or any letters and digits when that check is off."""
    if e164_only and not re.fullmatch(E164, number):
        raise ValueError(
            "must be an E.164 number (a +, then the country code and digits only),"
            f" got {number!r:.60}"
            " (numberE164CheckEnabled: false allows other forms)"
        )
    if not re.fullmatch(_ALPHANUMERIC, number) or not 3 <= len(number) <= 40:
        raise ValueError(
            f"must be 3 to 40 letters and digits after an optional +, got {number!r:.60}"
        )
    return number


def _content(value: object) -> object:
    """Text, or a list of parts, of which Vapi judges each."""
    if isinstance(value, list):
        parts = cast("list[object]", value)
        if not parts or not all(isinstance(part, dict) for part in parts):
            raise ValueError(
                'must be text, or a list of parts such as {"type": "text", "text": "Hello"}'
            )
        return parts
    if not isinstance(value, str):
        raise PydanticKnownError("string_type")
    if len(value) > _LONGEST_TEXT:
        raise PydanticKnownError("string_too_long", {"max_length": _LONGEST_TEXT})
    return value


def check_json(value: dict[str, Any]) -> dict[str, Any]:
    """An object that can be sent as JSON, and read back when it comes in a page of sessions."""
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
        json_text.check_depth(value, json_text.MAX_DEPTH - 2)
    except (ValueError, RecursionError):
        raise ValueError(
            "must hold only valid Unicode and finite numbers, nested within reason"
        ) from None
    return value


def _whole(value: object) -> object:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value.partition(".")[0])
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _number(value: object) -> int | float:
    if isinstance(value, str) and re.fullmatch(_DECIMAL, value):
        value = float(value) if set(value) & set(".eE") else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"must be a number, got {value!r:.60}")
    return value


def _flag(value: object) -> object:
    return _FLAGS.get(value.lower(), value) if isinstance(value, str) else value


def _comma_separated(value: object, separator: str = _SEPARATOR) -> object:
    """An array of texts, or one text with all of them, separated by nothing but commas."""
    value = from_json_text(value)
    if isinstance(value, list):
        items = cast("list[object]", value)
        texts = [item for item in items if isinstance(item, str) and item]
        if len(texts) < len(items):
            return items
        value = ",".join(texts)
    return ",".join(_items(value, separator)) if isinstance(value, str) else value


def _items(text: str, separator: str) -> list[str]:
    items = re.split(separator, text.strip(_ENDS))
    if len(items) > 1 and not all(items):
        raise ValueError(f"has an empty item, number {items.index('') + 1}: leave it out")
    return items


def _texts(value: object) -> object:
    value = from_json_text(value)
    return re.split(_SEPARATOR, value.strip()) if isinstance(value, str) else value


def _timestamp(value: str) -> str:
    try:
        return read_time(value)
    except ValueError:
        raise ValueError(
            f"must be an ISO 8601 date or time such as 2026-11-20T09:00:00Z, got {value!r:.60}"
        ) from None


def _session_id(value: str) -> str:
    if not is_id(value):
        raise ValueError(
            "must be 1 to 128 letters, digits, - or _,"
            f" such as 3f2a8c1e-0b7d-4f7e-9d53-6a1c2b9e4d10, got {value!r:.60}"
        )
    return value


def matching(pattern: str) -> dict[str, Any]:
    """The JSON Schema of a text that `pattern` matches as a whole."""
    return {"pattern": f"^{pattern}$"}


def _joined(item: str, separator: str) -> dict[str, Any]:
    """The JSON Schema of a text of items that are separated so."""
    return matching(rf"[{_ENDS}]*({item})(({separator})({item}))*[{_ENDS}]*")


Text: TypeAlias = Annotated[str, Field(min_length=1)]
SearchText: TypeAlias = Annotated[str, Field(min_length=1, max_length=1000)]
Name: TypeAlias = Annotated[str, Field(max_length=40)]
Label: TypeAlias = Annotated[str, Field(min_length=1, max_length=40)]
PhoneNumber: TypeAlias = Annotated[
    str, Field(min_length=3, max_length=40, json_schema_extra=matching(_ALPHANUMERIC))
]
Content: TypeAlias = Annotated[
    Any,
    PlainValidator(_content),
    WithJsonSchema(
        {
            "type": ["string", "array"],
            "maxLength": _LONGEST_TEXT,
            "items": {"type": "object"},
            "minItems": 1,
        }
    ),
]
Extension: TypeAlias = Annotated[str, Field(min_length=1, max_length=10)]
SessionId: TypeAlias = Annotated[
    str, AfterValidator(_session_id), Field(json_schema_extra=matching(ID_PATTERN))
]
Timestamp: TypeAlias = Annotated[
    str,
    AfterValidator(_timestamp),
    WithJsonSchema({"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]}),
]
Count: TypeAlias = Annotated[int, Field(strict=True, ge=1), BeforeValidator(_whole)]
# A query has it as text, which may have no more digits.
Page: TypeAlias = Annotated[Count, Field(json_schema_extra={"exclusiveMaximum": 10**_DIGITS})]
Limit: TypeAlias = Annotated[int, Field(strict=True, ge=0, le=1000), BeforeValidator(_whole)]
Scan: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=10_000), BeforeValidator(_whole)]
Lifetime: TypeAlias = Annotated[
    int, Field(strict=True, ge=60, le=2_592_000), BeforeValidator(_whole)
]
Number: TypeAlias = Annotated[
    float,
    PlainValidator(_number),
    WithJsonSchema({"type": ["number", "string"], **matching(_DECIMAL)}),
]
Flag: TypeAlias = Annotated[bool, Field(strict=True), BeforeValidator(_flag)]
Comma: TypeAlias = Annotated[
    Text,
    BeforeValidator(_comma_separated),
    Field(json_schema_extra=_joined(rf"[^{_ENDS}]+", _SEPARATOR)),
]
Numbers: TypeAlias = Annotated[
    Text,
    BeforeValidator(partial(_comma_separated, separator=_BETWEEN_NUMBERS)),
    Field(json_schema_extra=_joined(r"\+[a-zA-Z0-9]{2,39}|[a-zA-Z0-9]{3,40}", _BETWEEN_NUMBERS)),
]
Texts: TypeAlias = Annotated[list[Text], Field(min_length=1), BeforeValidator(_texts)]
JsonObject: TypeAlias = Annotated[
    dict[str, Any], BeforeValidator(from_json_text), AfterValidator(check_json)
]
