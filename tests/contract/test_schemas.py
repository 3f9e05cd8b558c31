"""What `tools/list` publishes: small, exact, portable, in step with Vapi's specification."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias, cast

import pytest
from jsonschema import Draft202012Validator
from mcp import MCPError
from mcp_types import Tool

from support.tools import (
    CREATE,
    DELETE,
    GET,
    LIST,
    UPDATE,
)
from support.upstream import Connect

pytestmark = pytest.mark.anyio

Schema: TypeAlias = dict[str, Any]

# Names that are ours, not Vapi's: extend these where a tool learns more than Vapi offers.
OURS: dict[str, set[str]] = {
    CREATE: set(),
    LIST: {"view", "status", "contains", "maxScan"},
    GET: {"view", "messages"},
    UPDATE: {"appendMessages"},
    DELETE: set(),
}

TABLE = {
    CREATE: ("create_session", "Create Session", (False, False, False)),
    LIST: ("list_sessions", "List Sessions", (True, False, True)),
    GET: ("get_session", "Get Session", (True, False, True)),
    UPDATE: ("update_session", "Update Session", (False, False, False)),
    DELETE: ("delete_session", "Delete Session", (False, True, True)),
}
FILTERS = {
    *("id", "idAny", "name", "assistantId", "assistantIdAny", "squadId", "workflowId"),
    *("phoneNumberId", "phoneNumberIdAny", "customerNumberAny", "number", "sipUri", "email"),
    *("externalId", "extension", "numberE164CheckEnabled", "assistantOverrides", "squadOverrides"),
    *("page", "limit", "sortOrder", "sortBy"),
    *("createdAtGt", "createdAtLt", "createdAtGe", "createdAtLe"),
    *("updatedAtGt", "updatedAtLt", "updatedAtGe", "updatedAtLe"),
}
PORTABLE = {
    *("type", "properties", "required", "additionalProperties", "description", "items"),
    *("enum", "pattern", "format", "minimum", "maximum"),
    *("minLength", "maxLength", "minItems", "maxItems"),
}
TYPES = {"object", "array", "string", "number", "integer", "boolean"}
MAX_BYTES = 10_000
MAX_DESCRIPTION = 60

FACTS = Path(__file__).parents[1] / "support" / "facts" / "session_fields.json"
OPENAPI = Path(__file__).parents[3] / "shared" / "vapi" / "openapi-sessions.json"


async def published(connect: Connect, **options: Any) -> dict[str, Tool]:
    """The tools as a client gets them, by name, in their order."""
    async with connect(**options) as client:
        return {tool.name: tool for tool in (await client.list_tools()).tools}


def as_json(tools: dict[str, Tool]) -> list[Schema]:
    return [t.model_dump(mode="json", by_alias=True, exclude_none=True) for t in tools.values()]


def settled(node: Any) -> Any:
    """The same JSON with its keywords sorted, whose order the eras differ in; names keep theirs."""
    if isinstance(node, list):
        return [settled(item) for item in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    schema = dict(sorted(cast("Schema", node).items()))
    return {
        key: {name: settled(child) for name, child in value.items()}
        if key == "properties"
        else settled(value)
        for key, value in schema.items()
    }


def nodes(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """A schema and every schema in it, each with a path to read."""
    yield path, schema
    for name, child in cast("dict[str, Schema]", schema.get("properties", {})).items():
        yield from nodes(child, f"{path}.{name}")
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield from nodes(schema[keyword], f"{path}.{keyword}")


def inputs(tools: dict[str, Tool]) -> Iterator[tuple[str, Schema]]:
    for tool in tools.values():
        yield from nodes(tool.input_schema, tool.name)


def outputs(tools: dict[str, Tool]) -> Iterator[tuple[str, Schema]]:
    for tool in tools.values():
        assert tool.output_schema is not None
        yield from nodes(tool.output_schema, f"{tool.name} answer")


async def test_the_five_tools_have_the_names_titles_and_notes_of_the_table(
    connect: Connect,
) -> None:
    # Hosts ask for permission by these hints, and people recognise tools by these names.
    tools = await published(connect)
    hints = ("readOnlyHint", "destructiveHint", "idempotentHint")
    # Older hosts read the title here. Sessions are what others say, on the telephone and in chats.
    also = {"openWorldHint": True}
    assert {tool["name"]: (tool["title"], tool["annotations"]) for tool in as_json(tools)} == {
        name: (title, {"title": title, **dict(zip(hints, values, strict=True)), **also})
        for name, (_, title, values) in TABLE.items()
    }


async def test_short_names_change_the_names_and_nothing_else(connect: Connect) -> None:
    # A host with a long prefix needs the short names; what a tool means must not differ.
    full = as_json(await published(connect))
    short = as_json(await published(connect, tool_names="short"))
    assert [tool["name"] for tool in short] == [names[0] for names in TABLE.values()]
    assert [{**tool, "name": ""} for tool in short] == [{**tool, "name": ""} for tool in full]


@pytest.mark.parametrize("listed", ["full", "short"])
@pytest.mark.parametrize("name", [LIST, "list_sessions"])
async def test_both_names_of_a_tool_can_be_called_whichever_is_listed(
    connect: Connect, listed: str, name: str
) -> None:
    # A conversation or a prompt written for one name must survive the other setting.
    async with connect(tool_names=listed) as client:
        result = await client.call_tool(name, {"limit": 1})
    assert not result.is_error


async def test_read_only_publishes_the_two_tools_that_change_nothing(connect: Connect) -> None:
    # Somebody who asks for read-only must not be one prompt injection away from a delete.
    async with connect(read_only=True) as client:
        tools = (await client.list_tools()).tools
        with pytest.raises(MCPError, match="No tool"):
            await client.call_tool("delete_session", {"id": "a"})
    assert [tool.name for tool in tools] == [LIST, GET]


async def test_every_property_has_one_short_sentence_of_description(connect: Connect) -> None:
    # It is all a model reads about an argument, in every conversation.
    for path, schema in inputs(await published(connect)):
        if "." in path and not path.endswith((".items", ".additionalProperties")):
            sentence = schema.get("description", "")
            assert 0 < len(sentence) <= MAX_DESCRIPTION, f"{path}: {sentence!r}"
            assert ". " not in sentence.replace("e.g. ", ""), f"{path}: {sentence!r}"


async def test_every_tool_has_a_description_and_says_what_it_destroys(connect: Connect) -> None:
    # Some hosts show no hints, so the words alone must warn.
    tools = await published(connect)
    assert all(tool.description for tool in tools.values())
    assert "REPLACES" in str(tools[UPDATE].description)
    assert "for good" in str(tools[DELETE].description)


async def test_schemas_stay_in_the_subset_that_every_client_takes(connect: Connect) -> None:
    # One keyword outside it, and some client drops the tool or the whole list.
    tools = await published(connect)
    for path, schema in [*inputs(tools), *outputs(tools)]:
        assert schema.keys() <= PORTABLE, f"{path}: {schema.keys() - PORTABLE}"
        assert schema["type"] in TYPES, path
        assert all(isinstance(value, str) for value in schema.get("enum", [])), path
        assert not schema.get("enum") or schema["type"] == "string", path
        assert "(?" not in schema.get("pattern", ""), f"{path}: look-around"
        assert schema.get("format", "uuid") in {"date-time", "uuid"}, path
        assert schema["type"] != "array" or "type" in schema["items"], path


async def test_property_names_are_none_that_some_framework_keeps_for_itself(
    connect: Connect,
) -> None:
    # Frameworks turn properties into attributes and parameters of their own.
    tools = await published(connect)
    for path, schema in [*inputs(tools), *outputs(tools)]:
        for name in schema.get("properties", {}):
            assert name not in {"self", "schema", "model_config"}, path
            assert not name.startswith("_"), path


async def test_objects_are_either_closed_at_the_root_named_inside_or_free_form(
    connect: Connect,
) -> None:
    # Unknown arguments are refused by us; unknown fields of the body are Vapi's to judge. An
    # argument with named fields says so, which keeps it out of OpenAI's strict mode.
    tools = await published(connect)
    for path, schema in inputs(tools):
        if schema["type"] != "object":
            continue
        if path in tools:
            assert schema["properties"], path
            assert schema["additionalProperties"] is False, path
        elif "properties" in schema and path.count(".") > 1:
            assert "additionalProperties" not in schema, path
        else:
            assert schema["additionalProperties"] is True, path
        assert set(schema.get("required", [])) <= schema.get("properties", {}).keys(), path


async def test_every_schema_is_a_valid_json_schema(connect: Connect) -> None:
    # Clients compile them: one mistake makes the tool, or all of them, disappear.
    for tool in (await published(connect)).values():
        assert tool.output_schema is not None
        Draft202012Validator.check_schema(tool.input_schema)
        Draft202012Validator.check_schema(tool.output_schema)


async def test_answers_promise_nothing_that_vapi_could_break(connect: Connect) -> None:
    # A client that validates throws a whole answer away over one null or one new value.
    tools = await published(connect)
    session = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
    for name in (CREATE, GET, UPDATE, DELETE):
        assert tools[name].output_schema == session
    assert tools[LIST].output_schema == {
        "type": "object",
        "properties": {
            "results": {"type": "array", "items": {"type": "object", "additionalProperties": True}}
        },
        "required": ["results"],
    }


async def test_arguments_are_exactly_those_of_the_design(connect: Connect) -> None:
    # A filter we do not name cannot be used, and one that Vapi lacks would filter nothing.
    tools = await published(connect)
    expected = {
        CREATE: {"body"},
        LIST: FILTERS,
        GET: {"id"},
        UPDATE: {"id", "body"},
        DELETE: {"id"},
    }
    assert len(FILTERS) == 30
    for name, tool in tools.items():
        assert set(tool.input_schema["properties"]) == expected[name] | OURS[name], name


async def test_required_arguments_are_those_without_which_nothing_can_be_asked(
    connect: Connect,
) -> None:
    # Anything else that is required would make a model invent a value for it.
    tools = await published(connect)
    assert {name: tool.input_schema.get("required", []) for name, tool in tools.items()} == {
        CREATE: ["body"],
        LIST: [],
        GET: ["id"],
        UPDATE: ["id"],
        DELETE: ["id"],
    }
    inside = [s for path, s in inputs(tools) if path not in tools and "required" in s]
    assert all(schema["required"] == ["role"] for schema in inside)


@pytest.mark.parametrize("names", ["full", "short"])
async def test_the_tool_list_costs_at_most_ten_thousand_bytes(connect: Connect, names: str) -> None:
    # Every conversation pays for it before the first question; the whole result counts.
    async with connect(tool_names=names) as client:
        listed = (await client.list_tools()).model_dump(by_alias=True, exclude_none=True)
    assert len(listed["tools"]) == len(TABLE)
    size = len(json.dumps(listed, ensure_ascii=False, separators=(",", ":")).encode())
    assert size <= MAX_BYTES


def assert_agree(ours: dict[str, Schema], theirs: dict[str, Schema], own: set[str]) -> None:
    """The same names, and for each the same kind and the same limits."""
    assert ours.keys() - own == theirs.keys()
    for name, official in theirs.items():
        schema = ours[name]
        for limit in ("maxLength", "minimum", "maximum", "enum", "format"):
            if limit == "format" and name[:-2] in ("createdAt", "updatedAt"):
                # A date alone is taken, too, which hosts that check the format would refuse.
                continue
            assert schema.get(limit) == official.get(limit), f"{name}: {limit}"
        # We refuse an empty text, which asks for nothing, where Vapi's minimum is unsaid.
        assert schema.get("minLength", 1) == official.get("minLength", 1), f"{name}: minLength"
        kind = official.get("type", "object")
        # Their numbers with limits count things, so ours are whole.
        assert schema["type"] == ("integer" if kind == "number" else kind), f"{name}: type"
        if "items" in official and "type" in official["items"]:
            assert schema["items"]["type"] == official["items"]["type"], f"{name}: items"


def facts() -> dict[str, dict[str, Schema]]:
    """The names and limits of Vapi's published specification: by schema, then by field."""
    return json.loads(FACTS.read_text(encoding="utf-8"))


def rules(schema: Schema) -> Schema:
    """What of a field's schema is kept in the facts."""
    kept = ("type", "maxLength", "minLength", "minimum", "maximum", "enum", "format")
    made = {name: schema[name] for name in kept if name in schema}
    if "items" in schema:
        made["items"] = {name: kind for name, kind in schema["items"].items() if name == "type"}
    return made


def test_the_facts_are_those_of_the_specification() -> None:
    # Kept here as data, they are compared with the original wherever that is at hand.
    if not OPENAPI.exists():
        pytest.skip(f"{OPENAPI.name} is not here")
    openapi = cast("Schema", json.loads(OPENAPI.read_text(encoding="utf-8")))
    parameters: dict[str, Schema] = {}
    for parameter in openapi["paths"]["/session"]["get"]["parameters"]:
        # `name` is declared twice, for the session's and the customer's: the limits of both hold.
        parameters.setdefault(parameter["name"], {}).update(parameter["schema"])
    schemas = openapi["components"]["schemas"]
    known = {name: schemas[name]["properties"] for name in facts() if name != "parameters"}
    assert facts() == {
        name: {field: rules(schema) for field, schema in fields.items()}
        for name, fields in {"parameters": parameters, **known}.items()
    }


async def test_list_offers_vapis_own_filters_with_vapis_own_limits(
    connect: Connect,
) -> None:
    # Vapi ignores a parameter it does not know: a wrong name would return everything.
    ours = (await published(connect))[LIST].input_schema["properties"]
    assert_agree(ours, facts()["parameters"], OURS[LIST])


@pytest.mark.parametrize(
    ("tool", "dto"), [(CREATE, "CreateSessionDTO"), (UPDATE, "UpdateSessionDTO")]
)
async def test_a_body_has_vapis_own_fields_with_vapis_own_limits(
    connect: Connect, tool: str, dto: str
) -> None:
    # A limit stricter than Vapi's forbids what works; a looser one wastes a call.
    body = (await published(connect))[tool].input_schema["properties"]["body"]
    assert_agree(body["properties"], facts()[dto], set())


async def test_a_customer_has_vapis_own_fields_with_vapis_own_limits(
    connect: Connect,
) -> None:
    # The same customer is written here and filtered by in list: one set of rules.
    body = (await published(connect))[CREATE].input_schema["properties"]["body"]
    ours = body["properties"]["customer"]["properties"]
    assert_agree(ours, facts()["CreateCustomerDTO"], set())


async def test_a_message_takes_both_of_vapis_shapes(connect: Connect) -> None:
    # Chats write one shape and recorded calls the other; a session may hold both.
    body = (await published(connect))[CREATE].input_schema["properties"]["body"]
    ours = body["properties"]["messages"]["items"]["properties"]
    chat = ("AssistantMessage", "ToolMessage", "DeveloperMessage")
    for name in chat:
        theirs = facts()[name]
        assert set(theirs["role"]["enum"]) <= set(ours["role"]["enum"])
        for field in ours.keys() & theirs.keys() - {"role"}:
            assert ours[field].get("maxLength") == theirs[field].get("maxLength"), field
    known = {field for name in (*chat, "SystemMessage") for field in facts()[name]}
    assert ours.keys() <= known
