"""Which changes of what is published break somebody: as docs/contract-changes.md says."""

import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from support.contract_changes import mcp_changes, rest_changes
from support.released import missing
from support.schema_changes import Change, Json, Side, schema_changes

PAGE = Path(__file__).parents[2] / "docs" / "contract-changes.md"
VERDICTS = r"\| (breaking|compatible) (?:\| (breaking|compatible) )?\|"
ROWS = {
    name: [verdict for verdict in verdicts if verdict]
    for name, *verdicts in re.findall(
        rf"^\| (.+?) {VERDICTS}$", PAGE.read_text(encoding="utf-8"), re.M
    )
}
A: Json = {"type": "string"}
B: Json = {"type": "boolean"}
INNER: Json = {"maxLength": 9}


def closed(**properties: Json) -> Json:
    return {"type": "object", "properties": properties, "additionalProperties": False}


# Each both ways: what it is called, and what it is called backwards.
SCHEMAS: list[tuple[str, Json, str, Json]] = [
    ("a property is added", closed(a=A), "a property is removed", closed(a=A, b=B)),
    (
        "a property is required now",
        closed(a=A),
        "a property is not required any more",
        {**closed(a=A), "required": ["a"]},
    ),
    ("a type is added", {"type": "integer"}, "a type is removed", {"type": "number"}),
    ("a type is added", A, "a type is removed", {"type": ["string", "null"]}),
    ("a type is introduced", {}, "a type is dropped", A),
    ("an enum value is added", {"enum": ["a"]}, "an enum value is removed", {"enum": ["a", "b"]}),
    ("an enum is introduced", A, "an enum is dropped", {**A, "enum": ["a"]}),
    *(
        ("a limit is narrower", {word: more}, "a limit is wider", {word: less})
        for word, more, less in [
            ("maximum", 9, 8),
            ("exclusiveMaximum", 9, 8),
            ("maxLength", 9, 8),
            ("maxItems", 9, 8),
            ("maxProperties", 9, 8),
            ("minimum", 1, 2),
            ("exclusiveMinimum", 1, 2),
            ("minLength", 1, 2),
            ("minItems", 0, 2),
            ("minProperties", 0, 2),
        ]
    ),
    *(
        (
            "a limit, pattern or format is introduced",
            {},
            "a limit, pattern or format is dropped",
            {word: value},
        )
        for word, value in [
            ("maximum", 9),
            ("minItems", 0),
            ("pattern", "^a$"),
            ("format", "uuid"),
            ("const", False),
            ("multipleOf", 2),
            ("uniqueItems", True),
        ]
    ),
    *(
        ("a pattern or format is another one", {word: one}, "", {word: other})
        for word, one, other in [("pattern", "^a$", "^b$"), ("format", "date", "uuid")]
    ),
    *(
        ("an alternative is added", {word: [A]}, "an alternative is removed", {word: [A, B]})
        for word in ("anyOf", "oneOf")
    ),
    (
        "a further condition is added",
        {"allOf": [A]},
        "a further condition is removed",
        {"allOf": [A, B]},
    ),
    ("a further condition is added", {}, "a further condition is removed", {"allOf": [A]}),
    ("a further condition is added", {}, "a further condition is removed", {"anyOf": [A]}),
    (
        "unnamed properties are refused",
        {},
        "unnamed properties are taken",
        {"additionalProperties": False},
    ),
    *(
        ("a description, title or example changes", {**A, word: "a"}, "", {**A, word: "b"})
        for word in ("description", "title", "example", "examples")
    ),
    *(
        ("a keyword changes that is not listed here", old, "", new)
        for old, new in [
            ({**A, "default": "a"}, {**A, "default": "b"}),
            ({"anyOf": [A, B]}, {"anyOf": [A, {"type": "null"}, {"type": "array"}]}),
            ({}, {"not": A}),
        ]
    ),
]

MCP: Json = {
    "initialize": {"2025-11-25": {"capabilities": {"tools": {}}, "instructions": "a"}},
    "2026-07-28": {"server/discover": {"capabilities": {"tools": {}}, "instructions": "a"}},
    "lists": {
        "prompts/list": {
            "prompts": [{"name": "p", "arguments": [{"name": "id", "required": False}]}]
        },
        "resources/list": {"resources": [{"uri": "ui://a", "mimeType": "text/html"}]},
        "resources/templates/list": {"resourceTemplates": [{"uriTemplate": "a://{id}"}]},
    },
    "tools": [
        {
            "names": {"full": "getter", "short": "get"},
            "when": {"read_only": [False, True]},
            "tool": {
                "title": "Get",
                "annotations": {"readOnlyHint": False, "destructiveHint": True},
                "inputSchema": closed(id=A),
                "outputSchema": closed(id=A),
            },
        },
        {
            "names": {"full": "setter", "short": "set"},
            "when": {"read_only": [False]},
            "tool": {"inputSchema": closed(id=A), "outputSchema": closed(id=A)},
        },
    ],
}
ANSWER: Json = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/S"}}}}
REST: Json = {
    "paths": {
        "/a": {
            "get": {
                "parameters": [{"name": "id", "required": False, "schema": A}],
                "responses": {"200": ANSWER, "201": {}, "400": ANSWER, "4XX": ANSWER},
            },
            "post": {"parameters": [], "requestBody": ANSWER, "responses": {"200": ANSWER}},
        }
    },
    "components": {"schemas": {"S": closed(a=A)}},
}
GONE = object()


def edited(base: Json, *path: str | int, to: Any = GONE) -> Json:
    """A copy with one value another, or without it."""
    copy = deepcopy(base)
    holder: Any = copy
    for step in path[:-1]:
        holder = holder[step]
    if to is GONE:
        del holder[path[-1]]
    else:
        holder[path[-1]] = to
    return copy


TOOL = ("tools", 0, "tool")
PROMPTS = ("lists", "prompts/list", "prompts")
RESOURCES = ("lists", "resources/list", "resources")
TEMPLATES = ("lists", "resources/templates/list", "resourceTemplates")
GET = ("paths", "/a", "get")
OTHERS: list[tuple[str, Json, str, Json]] = [
    ("a tool is removed", MCP, "a tool is added", edited(MCP, "tools", 1)),
    *(
        ("a name of a tool changes", MCP, "", edited(MCP, "tools", 0, "names", which, to="other"))
        for which in ("full", "short")
    ),
    *(
        ("a title, a description or the instructions change", MCP, "", edited(MCP, *path, to="b"))
        for path in [
            (*TOOL, "title"),
            (*TOOL, "description"),
            (*PROMPTS, 0, "description"),
            ("initialize", "2025-11-25", "instructions"),
        ]
    ),
    *(
        (
            "a hint becomes less dangerous",
            MCP,
            "a hint becomes more dangerous",
            edited(MCP, *TOOL, "annotations", hint, to=value),
        )
        for hint, value in [
            ("readOnlyHint", True),
            ("destructiveHint", False),
            ("idempotentHint", True),
            ("openWorldHint", False),
        ]
    ),
    (
        "a tool loses its output schema",
        MCP,
        "a tool gets an output schema",
        edited(MCP, *TOOL, "outputSchema"),
    ),
    *(
        (
            "a prompt or resource is removed",
            MCP,
            "a prompt or resource is added",
            edited(MCP, *p, 0),
        )
        for p in (PROMPTS, RESOURCES, TEMPLATES)
    ),
    ("an argument of a prompt is removed", MCP, "", edited(MCP, *PROMPTS, 0, "arguments", 0)),
    (
        "an argument of a prompt is required now",
        MCP,
        "an argument of a prompt is not required any more",
        edited(MCP, *PROMPTS, 0, "arguments", 0, "required", to=True),
    ),
    (
        "the media type of a resource changes",
        MCP,
        "",
        edited(MCP, *RESOURCES, 0, "mimeType", to="text/plain"),
    ),
    *(
        (
            "a version of MCP is not served any more",
            MCP,
            "a version of MCP is served as well",
            edited(MCP, *path),
        )
        for path in [("initialize", "2025-11-25"), ("2026-07-28",)]
    ),
    (
        "a capability is removed",
        MCP,
        "a capability is added",
        edited(MCP, "initialize", "2025-11-25", "capabilities", "tools"),
    ),
    ("a REST operation is removed", REST, "a REST operation is added", edited(REST, *GET)),
    ("a status of success is removed", REST, "", edited(REST, *GET, "responses", "200")),
    (
        "a parameter is removed",
        REST,
        "a parameter that is not required is added",
        edited(REST, *GET, "parameters", 0),
    ),
    (
        "a parameter is required now",
        REST,
        "",
        edited(REST, *GET, "parameters", 0, "required", to=True),
    ),
]


def both_ways(pairs: list[tuple[str, Json, str, Json]]) -> list[tuple[str, Json, Json]]:
    there = [(name, old, new) for name, old, _, new in pairs]
    return there + [(name, new, old) for _, old, name, new in pairs if name]


def verdict(changes: set[Change]) -> str:
    assert changes
    return "breaking" if any(change.breaks for change in changes) else "compatible"


@pytest.mark.parametrize(("row", "old", "new"), both_ways(SCHEMAS))
def test_a_change_of_a_schema_breaks_whom_the_page_says(row: str, old: Json, new: Json) -> None:
    # Somebody's program stops at it, or somebody is warned in vain.
    sides = [Side("", given=True), Side("", given=False)]
    assert [verdict({*schema_changes(old, new, side)}) for side in sides] == ROWS[row]


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize(
    ("path", "schema"),
    [
        (".a", closed(a=INNER)),
        ("[items]", {"type": "array", "items": INNER}),
        ("[additionalProperties]", {"additionalProperties": INNER}),
        ("[anyOf]", {"anyOf": [INNER, {"type": "null"}]}),
        (".a[allOf][items].b", closed(a={"allOf": [{"items": closed(b=INNER)}]})),
    ],
)
def test_a_change_deep_in_a_schema_is_found_and_located(
    path: str, schema: Json, given: bool
) -> None:
    # Most of what is published lies in the body of an argument.
    narrower = json.loads(json.dumps(schema).replace("9", "8"))
    changes = schema_changes(schema, narrower, Side("", given))
    assert [*changes] == [Change(path, "maxLength 9 became 8", given)]


@pytest.mark.parametrize(("row", "old", "new"), both_ways(OTHERS))
def test_a_change_of_anything_else_breaks_as_the_page_says(row: str, old: Json, new: Json) -> None:
    # The same of tools, prompts, resources, versions and operations.
    changes = rest_changes if "paths" in old else mcp_changes
    assert [verdict(changes(old, new))] == ROWS[row]


def test_every_row_of_the_page_is_tried() -> None:
    # A rule that nobody tried may be another one in the code.
    tried = {name for name, _, _ in both_ways(SCHEMAS) + both_ways(OTHERS)}
    assert tried == ROWS.keys()


@pytest.mark.parametrize(
    ("path", "breaks"),
    [
        ((*TOOL, "inputSchema"), True),
        ((*TOOL, "outputSchema"), False),
        (("tools", 1, "tool", "inputSchema"), True),
    ],
)
def test_the_schemas_of_tools_are_on_the_side_of_who_uses_them(
    path: tuple[str | int, ...], breaks: bool
) -> None:
    # Arguments are what callers give, and fields what they are answered.
    narrower = {**closed(id=A), "required": ["id"]}
    [change] = mcp_changes(MCP, edited(MCP, *path, to=narrower))
    assert (change.what, change.breaks) == ("required now", breaks)


def test_the_schemas_of_rest_are_on_the_side_of_who_uses_them() -> None:
    # One object is both a body and an answer here; only who sends it minds.
    narrower = edited(REST, "components", "schemas", "S", "required", to=["a"])
    found = {(change.where, change.breaks) for change in rest_changes(REST, narrower)}
    assert found == {
        ("POST /a body.a", True),
        ("GET /a 200.a", False),
        ("GET /a 4XX.a", False),
        ("POST /a 200.a", False),
    }
    [change] = rest_changes(
        REST, edited(REST, *GET, "parameters", 0, "schema", to={**A, "maxLength": 1})
    )
    assert change == Change("GET /a.id", "maxLength introduced", breaks=True)


def test_a_tool_that_only_some_settings_lose_is_missed() -> None:
    # Who runs it with --read-only would find a tool gone that everybody else still has.
    narrower = edited(MCP, "tools", 0, "when", "read_only", to=[False])
    assert mcp_changes(MCP, narrower) == {Change("getter", "removed", breaks=True)}


def test_a_setting_that_is_new_changes_nothing_while_it_is_off() -> None:
    # An option nobody has set yet breaks nobody.
    off = edited(MCP, "tools", 0, "when", "no_get", to=[False])
    assert mcp_changes(MCP, off) == set()
    on = edited(MCP, "tools", 0, "when", "no_get", to=[True])
    assert Change("getter", "removed", breaks=True) in mcp_changes(MCP, on)


def test_a_part_of_a_tool_that_no_rule_knows_counts_as_breaking() -> None:
    # Until somebody has thought about it.
    [change] = mcp_changes(MCP, edited(MCP, *TOOL, "execution", to={}))
    assert change.breaks


BREAKS = [Change("a", "removed", breaks=True), Change("b", "added", breaks=False)]
SILENT = "# Changelog\n\n## Unreleased\n\n### Added\n\n- b\n\n## 1.0.0\n\n### Breaking\n\n- z\n"
SAID = SILENT.replace("### Added", "### Breaking\n\n- a\n\n### Added")


@pytest.mark.parametrize(
    ("old", "new", "changelog", "words"),
    [
        ("1.2.3", "1.2.3", SAID, []),
        ("1.2.3", "1.2.3", SILENT, ["### Breaking"]),
        ("1.2.3", "2.0.0", SAID, []),
        ("1.2.3", "2.0.0", SILENT, ["### Breaking"]),
        ("1.2.3", "1.3.0", SAID, ["2.0.0 or later, not 1.3.0"]),
        ("1.2.3", "1.2.4", SILENT, ["### Breaking", "2.0.0 or later"]),
        ("0.1.0", "0.2.0", SAID, []),
        ("0.1.0", "1.0.0", SAID, []),
        ("0.1.0", "0.1.1", SAID, ["0.2.0 or later, not 0.1.1"]),
    ],
)
def test_what_breaks_is_announced_and_has_a_version_for_it(
    old: str, new: str, changelog: str, words: list[str]
) -> None:
    # People read the number first, and then what to do about it; an old entry is of no use to them.
    undone = missing(BREAKS, old, new, changelog)
    assert len(undone) == len(words)
    assert all(word in line for word, line in zip(words, undone, strict=True))


def test_what_breaks_nobody_needs_nothing() -> None:
    # Most releases.
    assert missing(BREAKS[1:], "1.2.3", "1.2.4", SILENT) == []
