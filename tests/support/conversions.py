"""What of a schema is left where a framework has made its model's format of it."""

from collections.abc import Iterator
from typing import NamedTuple

from support.clients import Json

# What a model's format may add: a name for a schema, and that what is optional may be null.
SAYS_NOTHING = ("title", "default", "nullable")


class Change(NamedTuple):
    """What a conversion lost and added: keywords of arguments, and the inside of objects."""

    lost: frozenset[str] = frozenset()
    emptied: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()


def change(ours: Json, theirs: Json) -> Change:
    """How `theirs` differs from `ours`, for every tool in both."""
    lost: set[str] = set()
    emptied: set[str] = set()
    required: set[str] = set()
    for name, tool in ours.items():
        if tool["description"] not in theirs[name]["description"]:
            lost.add("description of tools")
        schema = theirs[name]["parameters"]
        kept = dict(_facts(schema, name, schema.get("$defs", {})))
        for path, fact in _facts(tool["inputSchema"], name, {}):
            parent = path.rpartition(".")[0]
            if path not in kept:
                emptied.add(parent if parent in kept else parent.partition("[]")[0])
                continue
            lost |= {keyword for keyword, value in fact.items() if kept[path].get(keyword) != value}
            more = set(kept[path].get("required", ())) - set(fact.get("required", ()))
            required |= {f"{path}.{field}" for field in more}
    nested = {path for path in emptied if any(path.startswith(f"{other}.") for other in emptied)}
    return Change(frozenset(lost), frozenset(emptied - nested), frozenset(required))


def _facts(schema: Json, path: str, definitions: Json) -> Iterator[tuple[str, Json]]:
    """What is said of each argument, whatever the way in which it is written."""
    schema = _plain(schema, definitions)
    inside = ("properties", "items", "$defs")
    fact = {k: v for k, v in schema.items() if k not in (*inside, *SAYS_NOTHING)}
    if "type" in fact:
        fact["type"] = fact["type"].lower()  # Gemini writes STRING
    if "required" in fact:
        fact["required"] = sorted(fact["required"])
    if not fact.get("required"):
        fact.pop("required", None)
    yield path, fact
    for name, child in schema.get("properties", {}).items():
        yield from _facts(child, f"{path}.{name}", definitions)
    if isinstance(schema.get("items"), dict):
        yield from _facts(schema["items"], f"{path}[]", definitions)


def _plain(schema: Json, definitions: Json) -> Json:
    """`schema` without references, and without the null that may stand for a missing value."""
    if "$ref" in schema:
        target = definitions[schema["$ref"].rpartition("/")[2]]
        return _plain({**target, **{k: v for k, v in schema.items() if k != "$ref"}}, definitions)
    choices = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if len(choices) == 1:
        rest = {k: v for k, v in schema.items() if k != "anyOf"}
        return _plain({**choices[0], **rest}, definitions)
    return schema
