"""JSON Schemas of our models: every rule for programs, and the part that agents' tools need.

A tool's schema keeps to what every MCP client takes: no `$ref`, no union, no
`pattern`. Some clients reject those, and each byte is paid for by every
conversation; an agent learns the rest from the refusal.
"""

from copy import deepcopy
from functools import cache
from typing import Any, cast

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

_KEPT = (
    *("type", "description", "enum", "format", "items", "minItems", "minLength", "maxLength"),
    *("minimum", "maximum", "properties", "required", "additionalProperties"),
)


class ExactSchema(GenerateJsonSchema):
    """Every rule of a model; no titles, and no defaults, which some clients send explicitly."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """The schema of the value alone."""
        return self.generate_inner(schema["schema"])

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """The schema without the name of the class."""
        made = super().model_schema(schema)
        del made["title"]
        return made

    def field_title_should_be_set(self, schema: object) -> bool:
        """Never: the name says it."""
        return False


class _ToolSchema(ExactSchema):
    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        return {key: made[key] for key in ("type", "properties", "required") if key in made}


@cache
def input_schema(model: type[BaseModel], withheld: tuple[str, ...] = ()) -> dict[str, Any]:
    """The schema of a tool's arguments, which refuses unknown ones; no `withheld` in its `body`."""
    schema = deepcopy(output_schema(model))
    for name in withheld:
        del schema["properties"]["body"]["properties"][name]
    for argument in schema["properties"].values():
        # Means what leaving it out means, and keeps frameworks from OpenAI's strict mode, in
        # which a model has to give every field: to change a name would be to replace messages.
        if "properties" in argument:
            argument["additionalProperties"] = True
    return {**schema, "additionalProperties": False}


@cache
def output_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a tool's answer: what cannot fail, everything else allowed."""
    schema = model.model_json_schema(schema_generator=_ToolSchema)
    return _portable(schema, schema.pop("$defs", {}))


def _portable(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """`schema` in itself, without references, and with the keywords that every client takes."""
    if reference := schema.get("$ref"):
        schema = {**definitions[reference.rpartition("/")[2]], **schema}
    kept = {key: value for key, value in schema.items() if key in _KEPT}
    # That a text or a list must not be empty needs no word.
    kept = {k: v for k, v in kept.items() if (k, v) not in (("minLength", 1), ("minItems", 1))}
    if isinstance(kept["type"], list):
        kept["type"] = kept["type"][0]
        kept = {key: value for key, value in kept.items() if key not in ("items", "minItems")}
    if "items" in kept:
        kept["items"] = _portable(kept["items"], definitions)
    if "properties" in kept:
        properties = cast("dict[str, dict[str, Any]]", kept["properties"])
        kept["properties"] = {k: _portable(v, definitions) for k, v in properties.items()}
    return kept
