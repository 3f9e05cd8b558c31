"""The published schemas, in every form that settings give them, before the APIs of models."""

import json
from collections.abc import Callable, Iterator

import pytest

from support.contract_forms import Json, forms
from support.model_apis import (
    changed_for_strict_mode,
    refused_by_anthropic,
    refused_by_gemini,
    refused_by_openai,
    refused_by_strict_mode,
)

Judge = Callable[[str, Json], Iterator[str]]

every_form = pytest.mark.parametrize(
    "form", forms(), ids=lambda form: f"{form['name']}-{json.dumps(form['when'])}"
)
TEXT: Json = {"type": "string"}


def root(**fields: Json) -> Json:
    return {"type": "object", "properties": fields}


@every_form
@pytest.mark.parametrize("judge", [refused_by_openai, refused_by_gemini, refused_by_anthropic])
def test_every_form_of_every_tool_is_taken_by_every_models_api(form: Json, judge: Judge) -> None:
    # One tool that is refused fails the whole request, and with it the conversation.
    for name in (form["name"], form["short"]):
        assert list(judge(name, form["tool"]["inputSchema"])) == []


# A caller in strict mode would have to send a confirmation with every call.
UNCONFIRMED = [form for form in forms() if "confirm" not in str(form["tool"]["inputSchema"])]


@pytest.mark.parametrize(
    "form", UNCONFIRMED, ids=lambda form: f"{form['name']}-{json.dumps(form['when'])}"
)
def test_a_converter_to_strict_mode_makes_no_argument_required(form: Json) -> None:
    # A model that must give every field would replace the messages to change a name.
    assert list(changed_for_strict_mode(form["name"], form["tool"]["inputSchema"])) == []


def test_in_strict_mode_a_confirmed_delete_would_always_be_confirmed() -> None:
    # It is the one tool that must not be converted, which docs/clients.md says.
    changed = {
        form["name"]
        for form in forms()
        for _ in changed_for_strict_mode(form["name"], form["tool"]["inputSchema"])
    }
    assert changed == {"vapi-sessioncontrollerremove"}


def test_delete_is_taken_by_strict_mode_as_it_is() -> None:
    # What cannot be taken back should be called with exactly what it takes.
    (delete,) = [
        form
        for form in forms()
        if form["name"].endswith("remove")
        and "confirm" not in str(form["tool"]["inputSchema"])
        and form["when"]["confirm_delete"] == [None]
    ]
    assert list(refused_by_strict_mode("delete_session", delete["tool"]["inputSchema"])) == []


@pytest.mark.parametrize(
    ("judge", "schema", "wrong"),
    [
        (refused_by_openai, {"type": "object"}, "t: not an object with properties"),
        (refused_by_openai, root() | {"anyOf": [root()]}, "t: anyOf at the root"),
        (refused_by_openai, root(x={"type": "array"}), "t.x: array without items"),
        (refused_by_gemini, root(x={"$ref": "#/$defs/X"}), "t.x: not one type"),
        (refused_by_gemini, root(x={"type": ["string", "null"]}), "t.x: not one type"),
        (refused_by_gemini, root(x={**TEXT, "const": "a"}), "t.x: const"),
        (refused_by_gemini, root(x={**TEXT, "oneOf": [TEXT]}), "t.x: oneOf"),
        (refused_by_gemini, root(x={**root(), "patternProperties": {}}), "t.x: patternProperties"),
        (refused_by_gemini, root(x={**TEXT, "format": "email"}), "t.x: format email"),
        (
            refused_by_gemini,
            root(x={"type": "integer", "enum": [1]}),
            "t.x: enum of other than strings",
        ),
        (refused_by_gemini, root(x={**TEXT, "enum": [""]}), "t.x: empty text in enum"),
        (refused_by_gemini, root(x={"type": "array"}), "t.x: array without items"),
        (
            refused_by_gemini,
            root() | {"required": ["x"]},
            "t: requires x, which it does not define",
        ),
        (refused_by_anthropic, TEXT, "t: not an object"),
        (refused_by_anthropic, root() | {"allOf": [root()]}, "t: allOf at the root"),
        (refused_by_anthropic, root(**{"x y": TEXT}), "t.x y: name of a property"),
        (refused_by_strict_mode, root(), "t: open"),
        (
            refused_by_strict_mode,
            root(x=TEXT) | {"additionalProperties": False},
            "t: optional fields",
        ),
        (refused_by_strict_mode, root(x={**TEXT, "maxLength": 3}), "t.x: maxLength"),
        (changed_for_strict_mode, root(x=TEXT), "t"),
        (changed_for_strict_mode, root(x=root(y=TEXT)) | {"required": ["x"]}, "t.x"),
    ],
)
def test_each_rule_finds_what_it_is_there_to_find(judge: Judge, schema: Json, wrong: str) -> None:
    # Rules that find nothing would pass any schema of ours.
    assert wrong in list(judge("t", schema))


@pytest.mark.parametrize("judge", [refused_by_openai, refused_by_gemini, refused_by_anthropic])
def test_a_name_that_an_api_refuses_is_found(judge: Judge) -> None:
    # Names with dots or of more than 64 characters fail the request as schemas do.
    for name in ("sessions.list", "a" * 65, "2_sessions"):
        assert f"{name}: name" in list(judge(name, root()))
