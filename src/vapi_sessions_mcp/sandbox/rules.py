"""What Vapi refuses in a body, said in the words of its validator (NestJS, class-validator)."""

import math
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

# A check takes a field's name and value, and returns one message for each broken rule.
Check = Callable[[str, Any], list[str]]

E164 = re.compile(r"\+[1-9][0-9]{1,14}")
ANY_NUMBER = re.compile(r"\+?[a-zA-Z0-9]+")
CHAT_ROLES = ("system", "user", "assistant", "tool", "developer")


class RefusedError(Exception):
    """An answer that is not 2xx: NestJS's `statusCode` and `message`."""

    def __init__(self, status: int, message: str | list[str]) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def accept(body: dict[str, Any], rules: Mapping[str, Check]) -> dict[str, Any]:
    """Return the body without its nulls (Vapi skips those), or refuse it with every broken rule."""
    if messages := faults(body, rules):
        raise RefusedError(400, messages)
    return _without_nulls(body)


def faults(body: Mapping[str, Any], rules: Mapping[str, Check]) -> list[str]:
    """Return every broken rule: first the unknown fields, then the known ones in their order."""
    messages = [f"property {name} should not exist" for name in body if name not in rules]
    for name, check in rules.items():
        if body.get(name) is not None:
            messages += check(name, body[name])
    return messages


def text(*, shortest: int = 0, longest: int | None = None) -> Check:
    """Return a check for text, counted in code points."""

    def check(name: str, value: Any) -> list[str]:
        size = len(value) if isinstance(value, str) else None
        messages: list[str] = []
        if longest is not None and (size is None or size > longest):
            messages.append(f"{name} must be shorter than or equal to {longest} characters")
        if shortest and (size is None or size < shortest):
            messages.append(f"{name} must be longer than or equal to {shortest} characters")
        if size is None:
            messages.append(f"{name} must be a string")
        return messages

    return check


def number(*, least: int, most: int | None = None, whole: bool = False) -> Check:
    """Return a check for a number; text and booleans break all of its rules, as upstream."""

    def check(name: str, value: Any) -> list[str]:
        known = type(value) in (int, float) and math.isfinite(value)
        messages: list[str] = []
        if most is not None and (not known or value > most):
            messages.append(f"{name} must not be greater than {most}")
        if not known or value < least:
            messages.append(f"{name} must not be less than {least}")
        if not known:
            messages.append(f"{name} must be a number conforming to the specified constraints")
        elif whole and value % 1:
            messages.append(f"{name} must be an integer number")
        return messages

    return check


def choice(*values: str) -> Check:
    """Return a check for one of a few words."""

    def check(name: str, value: Any) -> list[str]:
        if value in values:
            return []
        return [f"{name} must be one of the following values: {', '.join(values)}"]

    return check


def flag(name: str, value: Any) -> list[str]:
    """Check a boolean."""
    return [] if isinstance(value, bool) else [f"{name} must be a boolean value"]


def tree(name: str, value: Any) -> list[str]:
    """Check an object whose inside only Vapi judges."""
    return [] if isinstance(value, dict) else [f"{name} must be an object"]


def phone_number(name: str, value: Any, *, e164: bool) -> list[str]:
    """Check a customer's number: E.164, unless the caller turned that off."""
    messages = text(shortest=3, longest=40)(name, value)
    digits = value if isinstance(value, str) else ""
    if e164 and not E164.fullmatch(digits):
        messages.append(f"{name} must be a valid phone number in the E.164 format")
    if not e164 and not ANY_NUMBER.fullmatch(digits):
        messages.append(rf"{name} must match /^\+?[a-zA-Z0-9]+$/ regular expression")
    return messages


def _customer(name: str, value: Any) -> list[str]:
    if not isinstance(value, dict):
        return [f"{name} must be an object"]
    customer = cast("dict[str, Any]", value)
    e164 = customer.get("numberE164CheckEnabled") is not False
    rules: dict[str, Check] = CUSTOMER | {"number": partial(phone_number, e164=e164)}
    return [f"{name}.{message}" for message in faults(customer, rules)]


def _twilio_number(name: str, value: Any) -> list[str]:
    if not isinstance(value, dict):
        return [f"{name} must be an object"]
    given = cast("dict[str, Any]", value)
    needed = ("twilioPhoneNumber", "twilioAccountSid")
    return [f"{name}.{message}" for field in needed for message in text()(field, given.get(field))]


def _messages(name: str, value: Any) -> list[str]:
    if not isinstance(value, list):
        return [f"{name} must be an array"]
    items = cast("list[Any]", value)
    if not all(isinstance(item, dict) for item in items):
        return [f"each value in nested property {name} must be either object or array"]
    return [f"{name}.{at}.{text}" for at, item in enumerate(items) for text in _message(item)]


def _message(message: dict[str, Any]) -> list[str]:
    """Check one message. Only the chat shape is closed: a recorded call's roles are free text."""
    if "content" not in message or "message" in message:
        return text()("role", message.get("role"))
    found = choice(*CHAT_ROLES)("role", message.get("role"))
    rules = {"content": _content, "name": text(longest=40)}
    for field, check in rules.items():
        if message.get(field) is not None:
            found += check(field, message[field])
    if message.get("role") == "tool":
        found += text()("tool_call_id", message.get("tool_call_id"))
    return found


def _content(name: str, value: Any) -> list[str]:
    """Check text, or a list of parts as in `[{"type": "text", "text": "Hello"}]`."""
    if isinstance(value, list) and all(isinstance(part, dict) for part in cast("Any", value)):
        return []
    return text(longest=10_000)(name, value)


def _without_nulls(body: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in body.items() if value is not None}
    if "customer" in kept:
        kept["customer"] = {k: v for k, v in kept["customer"].items() if v is not None}
    return kept


CUSTOMER: dict[str, Check] = {
    "numberE164CheckEnabled": flag,
    "extension": text(longest=10),
    "assistantOverrides": tree,
    "squadOverrides": tree,
    "number": text(),  # _customer puts the real check in its place
    "sipUri": text(),
    "name": text(longest=40),
    "email": text(longest=40),
    "externalId": text(longest=40),
}
UPDATE: dict[str, Check] = {
    "name": text(longest=40),
    "status": choice("active", "completed"),
    "expirationSeconds": number(least=60, most=2_592_000),
    "messages": _messages,
}
CREATE: dict[str, Check] = UPDATE | {
    "assistantId": text(),
    "assistant": tree,
    "assistantOverrides": tree,
    "squadId": text(),
    "squad": tree,
    "customer": _customer,
    "customerId": text(),
    "phoneNumberId": text(),
    "phoneNumber": _twilio_number,
}
