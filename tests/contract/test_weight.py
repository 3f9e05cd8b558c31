"""What each byte of `tools/list` buys: every conversation pays for all of them."""

import json
import re
from collections import Counter

import pytest

from support.contract_forms import Json, forms, listed, nodes, size

# Bytes that each part may take, with its share of commas and quotes. What is added to one has
# to be cut from it, or moved here where somebody sees it.
BUDGET = {
    "names and titles": 340,
    "tool descriptions": 510,
    "argument names": 1_000,
    "argument descriptions": 3_140,
    "schema keywords": 3_530,
    "answers": 520,
    "annotations": 750,
}
# What `tools/list` may take, and what is left of it for annotations that MCP may still add.
LIMIT, ROOM = 10_000, 250
LIMITS = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")


def weighed() -> Counter[str]:
    """Bytes by part; together they are the whole list."""
    parts: Counter[str] = Counter()
    tools = listed()
    for tool in tools:
        parts["names and titles"] += size({"name": tool["name"], "title": tool["title"]})
        parts["tool descriptions"] += size({"description": tool["description"]})
        parts["annotations"] += size({k: tool[k] for k in ("annotations", "_meta") if k in tool})
        parts["answers"] += size({"outputSchema": tool["outputSchema"]})
        for _, schema in nodes(tool["inputSchema"], ""):
            described = {"description": schema["description"]} if "description" in schema else {}
            names = schema.get("properties", {})
            parts["argument descriptions"] += size(described)
            parts["argument names"] += sum(size(name) + 1 for name in names)
    parts["schema keywords"] = size({"tools": tools}) - parts.total()
    return parts


@pytest.mark.parametrize("part", BUDGET)
def test_each_part_of_the_tool_list_keeps_to_its_budget(part: str) -> None:
    # A list grows by a word here and a hint there; this shows where it grew.
    parts = weighed()
    assert parts.keys() == BUDGET.keys()
    assert parts[part] <= BUDGET[part], f"{part}: {parts[part]} bytes"


def test_the_budgets_are_no_larger_than_what_they_are_for() -> None:
    # A budget with room in it would let words in that nobody weighed.
    parts = weighed()
    assert {
        part: limit - parts[part] for part, limit in BUDGET.items() if limit - parts[part] > 20
    } == {}


def test_there_is_room_for_annotations_in_every_tool_list() -> None:
    # MCP adds hints that hosts ask for; the words must not have taken their place.
    assert size({"tools": listed()}) <= LIMIT - ROOM
    longest: dict[str, int] = {}
    for form in forms():
        longest[form["name"]] = max(longest.get(form["name"], 0), size(form["tool"]))
    # A server that has a change confirmed says so, within the limit.
    assert sum(longest.values()) + sum(size({"name": name}) for name in longest) <= LIMIT


every_form = pytest.mark.parametrize(
    "form", forms(), ids=lambda form: f"{form['name']}-{json.dumps(form['when'])}"
)


@every_form
def test_no_description_says_what_its_schema_says(form: Json) -> None:
    # The schema reaches the model too: a limit or a choice in words is paid for twice.
    assert restated(form["tool"]) == []


@every_form
def test_no_description_repeats_a_sentence_of_another(form: Json) -> None:
    # Said once in a tool, it is read; the second time buys nothing.
    assert repeated(form["tool"]) == []


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": 60, "description": "At least 60"},
        {"type": "string", "maxLength": 40, "description": "Up to 40 characters"},
        {"type": "string", "enum": ["a", "b"], "description": "a or b"},
        {"type": "string", "description": "A string"},
    ],
)
def test_words_that_say_what_the_schema_says_are_found(schema: Json) -> None:
    # A judge that passes everything would pass our schemas too.
    assert restated(tool_with(schema)) == ["x"]
    assert restated(tool_with(schema | {"description": "Deletes for good"})) == []


@pytest.mark.parametrize("words", ["deletes for good", "At once; deletes for good"])
def test_a_sentence_that_is_said_twice_is_found(words: str) -> None:
    # A judge that passes everything would pass our descriptions too.
    assert repeated(tool_with({"type": "string", "description": words})) == ["deletes for good"]


def tool_with(schema: Json) -> Json:
    root = {"type": "object", "properties": {"x": schema}}
    return {"description": "Deletes for good.", "inputSchema": root}


def described(tool: Json) -> dict[str, Json]:
    found = nodes(tool["inputSchema"], "")
    return {path.removeprefix("."): schema for path, schema in found if "description" in schema}


def restated(tool: Json) -> list[str]:
    """The arguments whose description has a limit of theirs, all their choices, or their type."""
    found: list[str] = []
    for path, schema in described(tool).items():
        words = set(re.findall(r"[\w.]+", schema["description"]))
        limits = {str(schema[limit]) for limit in LIMITS if limit in schema}
        if "0 only counts" in schema["description"]:
            # What 0 does, not that it is the least.
            limits.discard("0")
        choices = set(schema.get("enum", ["no choice"]))
        if limits & words or choices <= words or schema["type"] in words:
            found.append(path)
    return found


def repeated(tool: Json) -> list[str]:
    """The sentences that a tool says twice; messages are described alike wherever they are."""
    once = [s["description"] for path, s in described(tool).items() if "[]." not in path]
    said = Counter(part for text in (tool["description"], *once) for part in sentences(text))
    return [sentence for sentence, times in said.items() if times > 1]


def sentences(text: str) -> list[str]:
    parts = re.split(r"[.;:]\s+|\.$", text.lower())
    return [part.strip() for part in parts if part.strip()]
