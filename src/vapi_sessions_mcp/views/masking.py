"""Secrets out of answers, found by the name of their field; on request, personal data too."""

import json
import re
from collections.abc import Callable
from typing import Any, cast

from vapi_sessions_mcp import json_text

MASK = "***"

# As names stand in Vapi's OpenAPI (twilioAuthToken, hmacSecret, ocpApimSubscriptionKey,
# credentials…) and in HTTP headers (Authorization, X-Api-Key), without - and _.
_SECRET = re.compile(
    r"""
    .*(secret|passw(or)?d|passphrase).*
    | .*token
    | .*(api|access|auth|private|secret|subscription|openai|gcp|signing|encryption)keys?(id)?
    | (proxy)?authorization | (set)?cookies? | credentials? | webhookurl
    """,
    re.VERBOSE,
)
# Where a whole number stands that need not look like one: numberE164CheckEnabled may be false.
_NUMBERED = re.compile(r"number|(twilio|customer|caller|mobile|tele)?phone(number)?")
_SIP = re.compile(r"\b(sips?:)[^@\s<>]{1,256}@", re.IGNORECASE)
# What stands before the first character keeps the search from starting anew at every letter.
_EMAIL = re.compile(r"(?<![\w.+%'&-])[\w.+%'&-]+@[\w-]+(\.[\w-]+)+")
# UUIDs, dates with their times and decimals are what is most easily taken for a phone number.
_PHONE = re.compile(
    r"""
    [0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}
    | ( (19|20)\d\d([-./])\d\d?\4\d\d? | \d\d?([-./])\d\d?\5(19|20)\d\d )
      (?!\d) ( [T ]\d\d:\d\d(:\d\d([.,]\d+)?)? )?
    | \b(0\.\d+|\d+\.\d\d)(?![\d.])
    | (?P<phone>
        (\+ | (?<![A-Za-z0-9_\#-])\(?) \d
        ([ \t\u00a0\u2009\u202f().\-/\u2010-\u2015\u2212]{0,3}\d){6,18}
        (?!(?!x|ext)[A-Za-z0-9_])
      )
    """,
    re.VERBOSE,
)


def mask_secrets(value: Any) -> Any:
    """A copy of a JSON value in which whatever stands under a secret's name is `***`."""
    if isinstance(value, dict):
        return _masked_object(cast("dict[str, Any]", value))
    if isinstance(value, list):
        return [mask_secrets(item) for item in cast("list[Any]", value)]
    return (_masked_json(value, mask_secrets) or value) if isinstance(value, str) else value


def mask_personal(value: Any) -> Any:
    """A copy of a JSON value without phone numbers (but two digits), e-mail and SIP users."""
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {name: _hidden_number(name, item) or mask_personal(item) for name, item in items}
    if isinstance(value, list):
        return [mask_personal(item) for item in cast("list[Any]", value)]
    if isinstance(value, str):
        return _masked_json(value, mask_personal) or _without_persons(value)
    return value


def _masked_object(value: dict[str, Any]) -> dict[str, Any]:
    masked = {
        name: MASK if _is_secret(name) and _holds_something(item) else mask_secrets(item)
        for name, item in value.items()
    }
    # Headers also come as pairs: {"name": "Authorization", "value": "Bearer …"}.
    labels = (value.get("name"), value.get("key"))
    if any(isinstance(label, str) and _is_secret(label) for label in labels) and _holds_something(
        value.get("value")
    ):
        masked["value"] = MASK
    return masked


def _masked_json(text: str, mask: Callable[[Any], Any]) -> str | None:
    """JSON inside a string, as the arguments of tool calls are; None for any other text."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        inner = json.loads(text)
        masked = mask(inner)
    except ValueError:
        return None
    except RecursionError:
        return MASK
    if masked == inner:
        return text
    return json_text.clean(json.dumps(masked, ensure_ascii=False, separators=(",", ":")))


def _is_secret(name: str) -> bool:
    return bool(_SECRET.fullmatch(_plain(name)))


def _plain(name: str) -> str:
    return name.replace("-", "").replace("_", "").lower()


def _holds_something(value: Any) -> bool:
    return value not in (None, "", [], {}) and not isinstance(value, bool)


def _hidden_number(name: str, value: Any) -> str | None:
    """What a field that holds a phone number shows of it; None for any other field."""
    long = isinstance(value, int) and value >= 10**6
    if _NUMBERED.fullmatch(_plain(name)) and (long or (value and isinstance(value, str))):
        return _but_two_digits(str(value))
    return None


def _without_persons(text: str) -> str:
    text = _SIP.sub(rf"\1{MASK}@", text)
    text = _EMAIL.sub(MASK, text)
    return _PHONE.sub(_hidden, text)


def _hidden(match: re.Match[str]) -> str:
    """A phone number but for its last two digits; what is too short for one stays."""
    found, phone = match.group(), match["phone"]
    if phone is None:
        return found
    least = 10
    if phone.startswith("+"):
        least = 7
    elif phone[0] in "(0" or len(re.findall(r"[\s-]+", phone)) > 1:
        least = 9
    digits = sum(character.isdigit() for character in phone)
    return found if digits < least else _but_two_digits(phone)


def _but_two_digits(number: str) -> str:
    return MASK + "".join(re.findall(r"\d", number)[-2:])
