"""What changed between two JSON Schemas, and what of it breaks somebody who relied on the old one.

To accept less breaks those who send, and to promise less breaks those who read. So a change narrows
what is valid or widens it, and the side that somebody is on decides.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

WORDS = {"description", "title", "example", "examples"}
AT_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
AT_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
EXACT = ("pattern", "format", "const", "multipleOf", "uniqueItems")
ALTERNATIVES = ("anyOf", "oneOf", "allOf")
INSIDE = ("items", "additionalProperties")
KNOWN = {
    *("type", "enum", "properties", "required"),
    *(*AT_MOST, *AT_LEAST, *EXACT, *ALTERNATIVES, *INSIDE),
}


@dataclass(frozen=True, order=True)
class Change:
    """One change, where it is, and whether it breaks somebody."""

    where: str
    what: str
    breaks: bool


@dataclass(frozen=True)
class Side:
    """Whose schema it is: of what callers give, or of what they are answered."""

    where: str
    given: bool

    def at(self, name: str) -> "Side":
        """The same deeper in."""
        return Side(self.where + name, self.given)

    def change(self, what: str, *, narrows: bool) -> Change:
        """A change by which fewer values are valid, or more."""
        return Change(self.where, what, narrows is self.given)


def schema_changes(old: Json, new: Json, side: Side) -> Iterator[Change]:
    """Each change from `old` to `new`."""
    if old == new:
        return
    yield from _values(old, new, side)
    yield from _limits(old, new, side)
    yield from _properties(old, new, side)
    for keyword in ALTERNATIVES:
        yield from _alternatives(keyword, old, new, side)
    for keyword in INSIDE:
        before, after = old.get(keyword, True), new.get(keyword, True)
        if before is not False and after is not False:
            yield from schema_changes(
                _as_object(before), _as_object(after), side.at(f"[{keyword}]")
            )
        elif before != after:
            said = f"{keyword} {'closed' if after is False else 'opened'}"
            yield side.change(said, narrows=after is False)
    for keyword in sorted((old.keys() | new.keys()) - KNOWN):
        if old.get(keyword) != new.get(keyword):
            # What no rule knows counts as breaking, until somebody writes a rule.
            yield Change(side.where, f"{keyword} changed", keyword not in WORDS)


def _as_object(schema: Json | bool) -> Json:
    return schema if isinstance(schema, dict) else {}


def _values(old: Json, new: Json, side: Side) -> Iterator[Change]:
    for keyword in ("type", "enum"):
        if keyword not in old or keyword not in new:
            if keyword in old or keyword in new:
                said = f"{keyword} {'dropped' if keyword in old else 'introduced'}"
                yield side.change(said, narrows=keyword in new)
            continue
        before, after = _listed(old[keyword]), _listed(new[keyword])
        for value in sorted(before - after):
            yield side.change(f"{keyword} {value} removed", narrows=True)
        for value in sorted(after - before):
            yield side.change(f"{keyword} {value} added", narrows=False)


def _listed(values: str | list[str]) -> set[str]:
    """The values of an enum, or the types; among numbers are integers."""
    listed = {values} if isinstance(values, str) else {*values}
    return listed | {"integer"} if "number" in listed else listed


def _limits(old: Json, new: Json, side: Side) -> Iterator[Change]:
    for keyword in (*AT_MOST, *AT_LEAST, *EXACT):
        before, after = old.get(keyword), new.get(keyword)
        if before == after:
            continue
        if before is None or after is None:
            said = f"{keyword} {'introduced' if before is None else 'dropped'}"
            yield side.change(said, narrows=before is None)
        elif keyword in EXACT:
            # Neither narrower nor wider, for all one can see.
            yield Change(side.where, f"{keyword} changed", breaks=True)
        else:
            narrows = (after < before) is (keyword in AT_MOST)
            yield side.change(f"{keyword} {before} became {after}", narrows=narrows)


def _properties(old: Json, new: Json, side: Side) -> Iterator[Change]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in sorted(before.keys() | after.keys()):
        inside = side.at(f".{name}")
        if name not in after:
            yield Change(inside.where, "removed", breaks=True)
        elif name not in before:
            yield Change(inside.where, "added", breaks=False)
        else:
            yield from schema_changes(before[name], after[name], inside)
    demanded, demands = {*old.get("required", [])}, {*new.get("required", [])}
    for name in sorted(demands - demanded):
        yield side.at(f".{name}").change("required now", narrows=True)
    for name in sorted(demanded - demands):
        yield side.at(f".{name}").change("not required any more", narrows=False)


def _alternatives(keyword: str, old: Json, new: Json, side: Side) -> Iterator[Change]:
    before, after = old.get(keyword, []), new.get(keyword, [])
    gone = [one for one in before if one not in after]
    come = [one for one in after if one not in before]
    if bool(before) != bool(after):
        said = f"{keyword} {'introduced' if after else 'dropped'}"
        yield side.change(said, narrows=bool(after))
    elif len(gone) == len(come):
        for one, other in zip(gone, come, strict=True):
            yield from schema_changes(one, other, side.at(f"[{keyword}]"))
    elif gone and come:
        yield Change(side.where, f"{keyword} changed", breaks=True)
    else:
        # With one alternative more, anyOf accepts more, and allOf less.
        narrows = bool(come) is (keyword == "allOf")
        yield side.change(
            f"{keyword} has {'more' if come else 'fewer'} alternatives", narrows=narrows
        )
