"""What changed in all that the server publishes, over MCP and over REST."""

from collections.abc import Iterator, Sequence
from itertools import chain, product
from typing import Any, cast

from support.schema_changes import Change, Json, Side, schema_changes

# The value of each hint with which a host has to be careful.
CAREFUL = {
    "readOnlyHint": False,
    "destructiveHint": True,
    "idempotentHint": False,
    "openWorldHint": True,
}
# What an entry of each list goes by.
LISTS = {
    "prompts/list": ("prompts", "name"),
    "resources/list": ("resources", "uri"),
    "resources/templates/list": ("resourceTemplates", "uriTemplate"),
}
# Read by people and models, or by a host each time it starts.
WORDS = {"title", "description", "instructions", "icons", "_meta", "name"}
# Of the failures that REST answers with, all of one form.
FAILURES = "4XX"


def mcp_changes(old: Json, new: Json) -> set[Change]:
    """From one `published.json` to another."""
    changes = {*_versions(old, new)}
    for settings in _combinations(old["tools"]):
        changes.update(_tools(_shown(old, settings), _shown(new, settings)))
    for method, (key, name) in LISTS.items():
        before, after = (
            {row[name]: row for row in one["lists"][method][key]} for one in (old, new)
        )
        changes.update(_came_and_went(before, after))
        for entry in before.keys() & after.keys():
            changes.update(_entry(entry, before[entry], after[entry]))
    return changes


def rest_changes(old: Json, new: Json) -> set[Change]:
    """From one OpenAPI document to another."""
    before, after = _operations(old), _operations(new)
    changes = {*_came_and_went(before, after)}
    for name in before.keys() & after.keys():
        changes.update(_operation(name, before[name], after[name]))
    return changes


def _came_and_went(old: Json, new: Json, prefix: str = "") -> Iterator[Change]:
    for name in old.keys() - new.keys():
        yield Change(prefix + name, "removed", breaks=True)
    for name in new.keys() - old.keys():
        yield Change(prefix + name, "added", breaks=False)


def _versions(old: Json, new: Json) -> Iterator[Change]:
    before, after = (
        {
            **one["initialize"],
            **{name: whole["server/discover"] for name, whole in one.items() if name[0].isdigit()},
        }
        for one in (old, new)
    )
    yield from _came_and_went(before, after, "protocol ")
    for version in before.keys() & after.keys():
        yield from _came_and_went(
            before[version]["capabilities"], after[version]["capabilities"], "capability "
        )
        if before[version].get("instructions") != after[version].get("instructions"):
            yield Change("instructions", "words changed", breaks=False)


def _combinations(forms: Sequence[Json]) -> Iterator[Json]:
    """Each combination of the settings that tools depend on."""
    values: dict[str, list[Any]] = {}
    for name, some in chain.from_iterable(form["when"].items() for form in forms):
        known = values.setdefault(name, [])
        known += [value for value in some if value not in known]
    for chosen in product(*values.values()):
        yield dict(zip(values, chosen, strict=True))


def _shown(contract: Json, settings: Json) -> Json:
    """The tools that a server with these settings lists; a setting that is not given is off."""

    def has(name: str, some: list[Any]) -> bool:
        return settings[name] in some if name in settings else False in some or None in some

    return {
        form["names"]["full"]: {**form["tool"], "names": form["names"]}
        for form in contract["tools"]
        if all(has(name, some) for name, some in form["when"].items())
    }


def _tools(old: Json, new: Json) -> Iterator[Change]:
    yield from _came_and_went(old, new)
    for name in old.keys() & new.keys():
        before, after = old[name], new[name]
        if before["names"] != after["names"]:
            yield Change(name, "short name changed", breaks=True)
        for hint, careful in CAREFUL.items():
            was, is_now = (one.get("annotations", {}).get(hint, careful) for one in (before, after))
            if was != is_now:
                yield Change(name, f"{hint} became {is_now}", breaks=is_now is careful)
        for part, given in (("inputSchema", True), ("outputSchema", False)):
            side = Side(name if given else f"{name} answer", given)
            if part in before and part not in after:
                yield Change(side.where, "schema removed", breaks=True)
            yield from schema_changes(before.get(part, {}), after.get(part, {}), side)
        yield from _others(
            name, before, after, {"names", "annotations", "inputSchema", "outputSchema"}
        )


def _entry(name: str, old: Json, new: Json) -> Iterator[Change]:
    """What changed in a prompt, or in a resource."""
    before, after = ({row["name"]: row for row in one.get("arguments", ())} for one in (old, new))
    yield from _arguments(name, before, after)
    yield from _others(name, old, new, {"arguments"})


def _arguments(name: str, old: Json, new: Json) -> Iterator[Change]:
    """What changed in which arguments there are, and which are required."""
    yield from _came_and_went(old, new, f"{name}.")
    for argument in new:
        was = old.get(argument, {}).get("required", False)
        is_now = new[argument].get("required", False)
        if was != is_now:
            said = "required now" if is_now else "not required any more"
            yield Change(f"{name}.{argument}", said, breaks=is_now)


def _others(name: str, old: Json, new: Json, known: set[str]) -> Iterator[Change]:
    for part in (old.keys() | new.keys()) - known:
        if old.get(part) != new.get(part):
            # What no rule knows counts as breaking, until somebody writes a rule.
            yield Change(name, f"{part} changed", breaks=part not in WORDS)


def _operations(document: Json) -> Json:
    """Each operation by its method and path, with the schemas that it refers to in their places."""
    paths = _whole(document["paths"], document)
    return {
        f"{method.upper()} {path}": operation
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


def _whole(node: Any, document: Json) -> Any:
    if isinstance(node, list):
        return [_whole(item, document) for item in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    parts = cast("Json", node)
    if "$ref" in parts:
        name = str(parts["$ref"]).rpartition("/")[2]
        return _whole(document["components"]["schemas"][name], document)
    return {name: _whole(child, document) for name, child in parts.items()}


def _operation(name: str, old: Json, new: Json) -> Iterator[Change]:
    before, after = ({row["name"]: row for row in one["parameters"]} for one in (old, new))
    yield from _arguments(name, before, after)
    for parameter in before.keys() & after.keys():
        side = Side(f"{name}.{parameter}", given=True)
        yield from schema_changes(_schema(before[parameter]), _schema(after[parameter]), side)
    side = Side(f"{name} body", given=True)
    yield from schema_changes(
        _schema(old.get("requestBody", {})), _schema(new.get("requestBody", {})), side
    )
    for status in sorted(old["responses"]):
        if status[0] != "2" and status != FAILURES:
            continue
        if status not in new["responses"]:
            yield Change(f"{name} {status}", "removed", breaks=True)
            continue
        side = Side(f"{name} {status}", given=False)
        yield from schema_changes(
            _schema(old["responses"][status]), _schema(new["responses"][status]), side
        )


def _schema(holder: Json) -> Json:
    """The schema of a parameter or a body, which says it directly or by its media type."""
    holder = holder.get("content", {}).get("application/json", holder)
    return holder.get("schema", {})
