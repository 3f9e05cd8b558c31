"""JSON Schemas of our models, in the subset that every MCP client takes.

No `$ref`, no `title`, no `default`, no union with null: some clients reject
them, some send defaults explicitly, and each byte is paid for by every
conversation.
"""

from functools import cache
from typing import Any, cast

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema


@cache
def input_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a tool's arguments, which refuses unknown ones."""
    return {**output_schema(model), "additionalProperties": False}


@cache
def output_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a tool's answer: what cannot fail, everything else allowed."""
    schema = model.model_json_schema(schema_generator=_Portable)
    return _inlined(schema, schema.pop("$defs", {}))


class _Portable(GenerateJsonSchema):
    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        return {key: made[key] for key in ("type", "properties", "required") if key in made}

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


def _inlined(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    if reference := schema.get("$ref"):
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return {**_inlined(definitions[reference.rpartition("/")[2]], definitions), **beside}
    inlined = dict(schema)
    if "items" in schema:
        inlined["items"] = _inlined(schema["items"], definitions)
    if "properties" in schema:
        properties = cast("dict[str, dict[str, Any]]", schema["properties"])
        inlined["properties"] = {k: _inlined(v, definitions) for k, v in properties.items()}
    return inlined
