"""What the APIs of OpenAI, Gemini and Anthropic refuse in a tool, as rules with their sources.

Each function returns what is wrong, path by path. The sources: OpenAI's guides to function
calling and structured outputs; Gemini's `FunctionDeclaration` and `Schema`; Anthropic's guide
to tool use; and the errors with which these APIs answered.
"""

import re
from collections.abc import Iterator

from support.contract_forms import Json, nodes

# OpenAI and Anthropic; Gemini also wants a letter or `_` at the start. The shorter of their limits.
TOOL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}")
# Anthropic: "Property keys should match pattern".
PROPERTY_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
COMBINED = {"oneOf", "anyOf", "allOf", "not", "if", "then", "else"}
# Gemini's Schema is a selection of OpenAPI 3.0: what is not in it is an unknown field, a 400.
# `additionalProperties` is not either, but every Gemini client removes or converts it.
GEMINI = {
    *("type", "format", "title", "description", "nullable", "enum", "items", "properties"),
    *("required", "minItems", "maxItems", "minLength", "maxLength", "pattern", "minimum"),
    *("maximum", "additionalProperties"),
}
GEMINI_FORMATS = {
    "string": {"date-time", "enum"},
    "number": {"float", "double"},
    "integer": {"int32", "int64"},
}
# OpenAI, strict mode: "Some type-specific keywords are not yet supported".
NOT_STRICT = {"minLength", "maxLength", "patternProperties", "uniqueItems", "contains"}


def refused_by_openai(name: str, schema: Json) -> Iterator[str]:
    """Function calling as it is without strict mode."""
    if not TOOL_NAME.fullmatch(name):
        yield f"{name}: name"
    if schema.get("type") != "object" or "properties" not in schema:
        yield f"{name}: not an object with properties"
    for keyword in sorted((COMBINED | {"enum"}) & schema.keys()):
        yield f"{name}: {keyword} at the root"
    for path, node in nodes(schema, name):
        if node.get("type") == "array" and "items" not in node:
            yield f"{path}: array without items"


def refused_by_strict_mode(name: str, schema: Json) -> Iterator[str]:
    """Strict mode itself: every object closed, every field required, few keywords."""
    for path, node in nodes(schema, name):
        if node.get("type") == "object":
            if node.get("additionalProperties") is not False:
                yield f"{path}: open"
            if set(node.get("required", ())) != set(node.get("properties", ())):
                yield f"{path}: optional fields"
        for keyword in sorted(NOT_STRICT & node.keys()):
            yield f"{path}: {keyword}"


def changed_for_strict_mode(name: str, schema: Json) -> Iterator[str]:
    """The objects whose optional fields a converter to strict mode would make required.

    Converters, such as that of the OpenAI Agents SDK, leave a whole tool out of strict mode
    where an object in it says that it is open; elsewhere they close and require.
    """
    found = [(path, node) for path, node in nodes(schema, name) if node.get("type") == "object"]
    if any(node.get("additionalProperties") not in (None, False) for _, node in found):
        return
    for path, node in found:
        if set(node.get("required", ())) != set(node.get("properties", ())):
            yield path


def refused_by_gemini(name: str, schema: Json) -> Iterator[str]:
    """Function declarations."""
    if not TOOL_NAME.fullmatch(name):
        yield f"{name}: name"
    for path, node in nodes(schema, name):
        kind = node.get("type")
        if not isinstance(kind, str):
            yield f"{path}: not one type"
            continue
        for keyword in sorted(node.keys() - GEMINI):
            yield f"{path}: {keyword}"
        if "enum" in node and (
            kind != "string" or not all(isinstance(v, str) for v in node["enum"])
        ):
            yield f"{path}: enum of other than strings"
        if "" in node.get("enum", ()):
            yield f"{path}: empty text in enum"
        if "format" in node and node["format"] not in GEMINI_FORMATS.get(kind, ()):
            yield f"{path}: format {node['format']}"
        if kind == "array" and "items" not in node:
            yield f"{path}: array without items"
        for field in sorted(set(node.get("required", ())) - node.get("properties", {}).keys()):
            yield f"{path}: requires {field}, which it does not define"


def refused_by_anthropic(name: str, schema: Json) -> Iterator[str]:
    """Tools with an `input_schema`, which is JSON Schema 2020-12."""
    if not TOOL_NAME.fullmatch(name):
        yield f"{name}: name"
    if schema.get("type") != "object":
        yield f"{name}: not an object"
    for keyword in sorted({"oneOf", "anyOf", "allOf"} & schema.keys()):
        yield f"{name}: {keyword} at the root"
    for path, node in nodes(schema, name):
        for field in node.get("properties", {}):
            if not PROPERTY_NAME.fullmatch(field):
                yield f"{path}.{field}: name of a property"
