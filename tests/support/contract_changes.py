"""How one published contract differs from another: what it breaks, what it adds; not its words."""

from collections.abc import Iterator
from itertools import product
from typing import Any

from support.contract_forms import Json, nodes

BREAKS, ADDS = "breaks", "adds"
Change = tuple[str, str]

# Limits, and which way they are stricter.
STRICTER_ABOVE = ("minimum", "minLength", "minItems")
STRICTER_BELOW = ("maximum", "maxLength", "maxItems")
# What a hint may become without a host trusting a tool more than it should.
SAFE = {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True}


def changes(before: Json, after: Json) -> list[Change]:
    """All of them, each once, in order."""
    return sorted({*_tools(before, after), *_lists(before, after), *_openings(before, after)})


def _named(what: str, before: Any, after: Any) -> Iterator[Change]:
    """What is gone and what is new among names."""
    yield from ((BREAKS, f"{what} {name} is gone") for name in set(before) - set(after))
    yield from ((ADDS, f"{what} {name} is new") for name in set(after) - set(before))


def _tools(before: Json, after: Json) -> Iterator[Change]:
    old, new = _by_settings(before), _by_settings(after)
    yield from _named("tool", {name for name, _ in old}, {name for name, _ in new})
    names = {name for name, _ in old} & {name for name, _ in new}
    kept = {key for key in old.keys() | new.keys() if key[0] in names}
    for key in kept - (old.keys() & new.keys()):
        kind = BREAKS if key in old else ADDS
        yield kind, f"tool {key[0]} is listed under other settings"
    for key in old.keys() & new.keys():
        yield from _tool(key[0], old[key], new[key])


def _by_settings(contract: Json) -> dict[tuple[str, str], Json]:
    """The tools by both names and each combination of settings with which they are listed."""
    found: dict[tuple[str, str], Json] = {}
    every = {"read_only": [False, True], "no_delete": [False, True]}
    every |= {"confirm_delete": [None, "person", "argument"]}
    for row in contract["tools"]:
        for settings in product(*(every | row["when"]).values()):
            for name in row["names"].values():
                found[name, str(settings)] = row["tool"]
    return found


def _tool(name: str, before: Json, after: Json) -> Iterator[Change]:
    old = dict(nodes(before["inputSchema"], name))
    new = dict(nodes(after["inputSchema"], name))
    # What is inside of something new or gone is not counted again.
    gone = {path for path in old.keys() - new.keys() if _parent(path) in new}
    fresh = {path for path in new.keys() - old.keys() if _parent(path) in old}
    yield from _named("argument", gone, fresh)
    for path in old.keys() & new.keys():
        yield from _input(path, old[path], new[path])
    promised = dict(nodes(before["outputSchema"], f"answer of {name}"))
    promises = dict(nodes(after["outputSchema"], f"answer of {name}"))
    for path in promised.keys() | promises.keys():
        yield from _output(path, promised.get(path, {}), promises.get(path, {}))
    for hint, safe in SAFE.items():
        if before["annotations"][hint] != after["annotations"][hint]:
            kind = BREAKS if before["annotations"][hint] is safe else ADDS
            yield kind, f"{name}: {hint} is {after['annotations'][hint]}"


def _parent(path: str) -> str:
    return path.removesuffix("[]") if path.endswith("[]") else path.rpartition(".")[0]


def _input(path: str, before: Json, after: Json) -> Iterator[Change]:
    for keyword in ("type", "format", "pattern"):
        if before.get(keyword) != after.get(keyword):
            yield (ADDS if keyword not in after else BREAKS), f"{path}: {keyword}"
    required, requires = set(before.get("required", ())), set(after.get("required", ()))
    yield from ((BREAKS, f"{path} requires {name}") for name in requires - required)
    yield from ((ADDS, f"{path} does not require {name}") for name in required - requires)
    choices, offered = before.get("enum"), after.get("enum")
    if choices is None or offered is None:
        if choices != offered:
            yield (BREAKS if choices is None else ADDS), f"{path}: enum"
    else:
        yield from _named(f"choice of {path}:", choices, offered)
    for limit in (*STRICTER_ABOVE, *STRICTER_BELOW):
        old, new = before.get(limit), after.get(limit)
        if old != new:
            less = old is not None and (new is None or (new < old) == (limit in STRICTER_ABOVE))
            yield (ADDS if less else BREAKS), f"{path}: {limit} is {new}"
    closed, closes = (one.get("additionalProperties") is False for one in (before, after))
    if closed != closes:
        yield (BREAKS if closes else ADDS), f"{path} is {'closed' if closes else 'open'}"


def _output(path: str, before: Json, after: Json) -> Iterator[Change]:
    if before.get("type") != after.get("type"):
        yield (ADDS if not before else BREAKS), f"{path}: type"
    promised, promises = set(before.get("required", ())), set(after.get("required", ()))
    yield from ((BREAKS, f"{path} may lack {name}") for name in promised - promises)
    yield from ((ADDS, f"{path} always has {name}") for name in promises - promised)
    # Clients throw a whole answer away over what its schema does not allow.
    for keyword in ("enum", "format", "pattern", "maxLength", "maximum"):
        if keyword in after.keys() - before.keys():
            yield BREAKS, f"{path}: {keyword}"


def _lists(before: Json, after: Json) -> Iterator[Change]:
    for method, key in (("prompts/list", "prompts"), ("resources/list", "resources")):
        old, new = (
            {item["name"]: item for item in one["lists"][method][key]} for one in (before, after)
        )
        yield from _named(key.removesuffix("s"), old, new)
        for name in old.keys() & new.keys():
            given, takes = (
                {
                    argument["name"]: argument.get("required")
                    for argument in row.get("arguments", ())
                }
                for row in (old[name], new[name])
            )
            yield from _named(f"argument of {name}:", given, takes)
    templates = (
        {
            row["uriTemplate"]
            for row in one["lists"]["resources/templates/list"]["resourceTemplates"]
        }
        for one in (before, after)
    )
    yield from _named("resource", *templates)


def _openings(before: Json, after: Json) -> Iterator[Change]:
    yield from _named("protocol version", before["initialize"], after["initialize"])
    old, new = (one["2026-07-28"]["server/discover"]["capabilities"] for one in (before, after))
    yield from _named("capability", old, new)
