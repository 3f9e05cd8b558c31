"""Arguments as they arrive, turned into a request or into sentences that name what is wrong."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from vapi_sessions_mcp.contract.base import aliases
from vapi_sessions_mcp.errors import BadArguments
from vapi_sessions_mcp.json_text import clean

MAX_PROBLEMS = 8
# No longer name is nearly the same as one of ours, which have 25 characters at most.
LIKE_A_NAME = 60
RequestT = TypeVar("RequestT", bound=BaseModel)

_RULES = {
    "string_type": "must be a string",
    "string_unicode": "must be valid Unicode text",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "list_type": "must be an array",
    "string_too_long": "must be at most {max_length} characters",
    "string_too_short": "must be at least {min_length} characters",
    "too_short": "must have at least {min_length} item",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "literal_error": "must be {expected}",
}
_JSON_TYPES: dict[type, str] = {
    dict: "an object",
    list: "an array",
    bool: "a boolean",
    type(None): "null",
}


def parse(model: type[RequestT], arguments: Mapping[str, Any]) -> RequestT:
    """`arguments` as a `model`; raises BadArguments, which names each field that breaks a rule."""
    known = aliases(model)
    # Each unknown name costs an error and a search for one like it, and only a few are said.
    excess = {*[name for name in arguments if name not in known][MAX_PROBLEMS:]}
    try:
        return model.model_validate({k: v for k, v in arguments.items() if k not in excess})
    except ValidationError as exc:
        errors = exc.errors(include_url=False)
    problems = [_problem(model, error) for error in errors[:MAX_PROBLEMS]]
    raise bad_arguments(problems, len(errors) + len(excess))


def bad_arguments(problems: Sequence[str], count: int) -> BadArguments:
    """The first of `problems`, and how many of all `count` are not said."""
    said = [clean(problem) for problem in problems[:MAX_PROBLEMS]]
    if count > MAX_PROBLEMS:
        said.append(f"There are {count - MAX_PROBLEMS} more such problems.")
    return BadArguments(said)


def unknown_argument(model: type[BaseModel], name: str) -> str:
    """The sentence that refuses an argument that `model` does not have."""
    return f"`{name}` is not an argument: {_hint(model, name)}"


def _problem(model: type[BaseModel], error: ErrorDetails) -> str:
    field = _field(error["loc"])
    match error["type"]:
        case "missing":
            return f"`{field}` is required."
        case "extra_forbidden":
            return unknown_argument(model, field)
        case "value_error" if not error["loc"]:
            return f"{error.get('ctx', {})['error']}."
        case "value_error":
            return f"`{field}` {error.get('ctx', {})['error']}."
        case "string_too_short" if error["input"] == "":
            return f"`{field}` must not be empty: leave it out instead."
        case kind:
            rule = _RULES.get(kind, error["msg"]).format(**error.get("ctx", {}))
            return f"`{field}` {rule}, got {_shown(error['input'])}."


def _field(location: tuple[int | str, ...]) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return path[1:121] or "arguments"


def _hint(model: type[BaseModel], unknown: str) -> str:
    """Where the caller probably meant to put it: a name nearly the same, or inside `body`."""
    if len(unknown) > LIKE_A_NAME:
        unknown = ""
    known = [field.alias or name for name, field in model.model_fields.items()]
    plain = {name.lower(): name for name in known}
    if near := get_close_matches(unknown.replace("_", "").lower(), plain, n=1):
        return f"did you mean `{plain[near[0]]}`?"
    if "body" in known:
        return "what to store goes inside `body`."
    return f"there are {', '.join(known)}."


def _shown(value: object) -> str:
    if isinstance(value, str) and len(value) > 60:
        return f"{len(value)} characters"
    return _JSON_TYPES.get(type(value)) or repr(value)[:60]
