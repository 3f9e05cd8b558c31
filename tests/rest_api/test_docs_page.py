"""The reference page: all of the document, nothing that it could be made to run or to load."""

import re
from itertools import product
from typing import Any, cast

import pytest

from support.html_pages import HtmlPage
from support.rest_app import Rest
from vapi_sessions_mcp.rest_api.docs_page import STYLE, page
from vapi_sessions_mcp.rest_api.openapi import document
from vapi_sessions_mcp.settings import Settings

pytestmark = pytest.mark.anyio

HOSTILE = (
    "</code></pre></section><script src=//evil.example>alert(1)</script>\"'&<b onclick=x>`$(id)`"
)
ASKING = Settings(transports=("rest",), auth=("token", "caller-key"), tokens=("t" * 32,))


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(read_only=True),
        Settings(confirm_delete="argument"),
        Settings(no_delete=True),
        ASKING,
    ],
    ids=["all", "read-only", "confirmed delete", "no delete", "callers are asked"],
)
def test_every_operation_parameter_field_and_status_is_shown(settings: Settings) -> None:
    # What the page leaves out, a person has to guess.
    described = document(settings)
    schemas = described["components"]["schemas"]
    shown = HtmlPage(page(described))
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            text = shown.sections[operation["operationId"]]
            assert operation["summary"] in text
            assert f"{method.upper()} {path}" in text
            assert operation["description"].replace("`", "") in text
            for parameter in operation["parameters"]:
                assert parameter["name"] in text
                assert parameter["description"] in text
            for status, response in operation["responses"].items():
                assert status in text
                assert response["description"] in text
            if "requestBody" in operation:
                body = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
                for name, field in schemas[body.rpartition("/")[2]]["properties"].items():
                    assert name in text
                    assert field["description"] in text
    for name in schemas.keys() & shown.sections.keys():
        assert all(field in shown.sections[name] for field in schemas[name]["properties"])
    bodies = {"CreateSession", "UpdateSession"}
    assert schemas.keys() - bodies <= shown.sections.keys()
    assert len(shown.examples) == sum(len(methods) for methods in described["paths"].values())


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ("SessionController_findAllPaginated", "numberstring, 3 to 40 characters, matching ^"),
        ("SessionController_findAllPaginated", "pageinteger, 1 to 999999999999999"),
        ("SessionController_findAllPaginated", "phoneNumberIdAnyarray of (string, not empty), not"),
        ("SessionController_findAllPaginated", "sortOrderASC or DESC"),
        (
            "SessionController_findAllPaginated",
            "createdAtGtstring (a date, or date and time, ISO 8601)",
        ),
        ("SessionController_findOne", "id required in pathstring, matching ^[A-Za-z0-9_-]{1,128}$"),
        ("SessionController_findOne", "messagesWindow, as JSON"),
        ("SessionController_create", "with twilioPhoneNumber and twilioAccountSid"),
        ("SessionController_create", "namestring, at most 40 characters"),
        ("SessionController_update", "messagesarray of Message"),
        (
            "SessionController_update",
            "At least one of these must hold:no appendMessagesno messages",
        ),
        ("Customer", "numberE164CheckEnabled required: false"),
        ("Message", "role requiredsystem or user or assistant or tool or developer or bot"),
        ("Message", 'Of a chat\'s tool: role: "tool"; content required: string'),
        ("Message", "timenumber or string, matching"),
        ("Window", "firstinteger, 1 or more"),
        ("Error", "message requiredstring or array of string"),
        ("Session", "costanythingUSD"),
    ],
)
def test_types_and_limits_are_said_in_words(operation: str, words: str) -> None:
    # Nobody should have to read JSON Schema to know what a field takes.
    shown = HtmlPage(page(document())).sections[operation]
    assert words in shown


def test_nothing_in_the_document_can_become_markup() -> None:
    # A name or a description is data, whoever wrote it.
    plain = HtmlPage(page(document(ASKING)))
    hostile = HtmlPage(page(poisoned(document(ASKING))))
    assert hostile.tags == plain.tags
    assert {name for name, _ in hostile.attributes} == {name for name, _ in plain.attributes}
    assert "<script src=//evil.example>" in hostile.text


def poisoned(node: Any, key: str = "") -> Any:
    """The same document with markup in every text that people read, and in every name."""
    if isinstance(node, dict):
        named = key in ("properties", "responses", "headers")
        return {
            f"{name}{HOSTILE * named}": poisoned(value, "" if named else name)
            for name, value in cast("dict[str, Any]", node).items()
        }
    if isinstance(node, list):
        return [poisoned(item, key) for item in cast("list[Any]", node)]
    texts = ("description", "title", "summary", "operationId", "pattern", "enum", "required")
    texts += ("number", "content")  # in the examples
    return f"{node}{HOSTILE}" if key in texts and isinstance(node, str) else node


async def test_the_page_loads_its_style_sheet_and_nothing_else(rest: Rest) -> None:
    # It works in closed networks, tells nobody who reads it, and has no script to attack.
    async with rest() as client:
        answer = await client.get("/docs")
        assert answer.headers["content-type"].startswith("text/html")
        shown = HtmlPage(answer.text)
        links = shown.values("href", "src", "srcset", "action", "data")
        assert {link for link in links if not link.startswith("#")} == {
            "data:,",
            "docs/docs.css",
            "openapi.json",
        }
        for path in ("docs/docs.css", "openapi.json"):
            assert (await client.get(f"/{path}")).status_code == 200
        style = await client.get("/docs/docs.css")
        assert style.headers["content-type"].startswith("text/css")
        assert "url(" not in style.text
        assert "@import" not in style.text
    assert not shown.tags & {"script", "style", "iframe", "img", "object", "form", "base"}
    assert not [name for name, _ in shown.attributes if name.startswith(("on", "style"))]
    assert {link[1:] for link in links if link.startswith("#")} <= {*shown.values("id")}


async def test_a_browser_is_told_to_run_and_load_nothing_else(rest: Rest) -> None:
    # Should something slip through after all, the browser refuses it.
    async with rest() as client:
        for path in ("/docs", "/docs/docs.css"):
            headers = (await client.get(path)).headers
            policy = headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; style-src 'self';")
            for rule in ("base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"):
                assert rule in policy
            assert "script-src" not in policy
            assert "unsafe" not in policy
            assert "http" not in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("localhost:18080", "http://localhost:18080"),
        ("127.0.0.1", "http://127.0.0.1"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("sessions.example.com", "https://sessions.example.com"),
        ("sessions.example.com:8443", "https://sessions.example.com:8443"),
        ('localhost:80"; $(id) <b>', "http://127.0.0.1:8080"),
        ("localhost:$(id)", "http://127.0.0.1:8080"),
    ],
)
async def test_examples_call_the_server_by_the_name_the_reader_used(
    rest: Rest, host: str, url: str
) -> None:
    # Behind a port mapping or a proxy only the reader knows it. A token must not cross a network
    # in the clear, and a Host header is no way into somebody's shell.
    async with rest(allowed_hosts=("sessions.example.com",)) as client:
        shown = HtmlPage((await client.get("/docs", headers={"Host": host})).text)
    assert shown.examples
    assert all(f'"{url}/v1/session' in example for example in shown.examples)
    assert "$(id)" not in shown.text


def test_examples_carry_what_callers_have_to_show() -> None:
    # An example that answers 401 teaches nothing.
    described = document(ASKING)
    for example in HtmlPage(page(described)).examples:
        assert '-H "Authorization: Bearer $TOKEN"' in example
        assert '-H "X-Vapi-Api-Key: $VAPI_API_KEY"' in example
    assert "-H" not in HtmlPage(page(document(Settings(read_only=True)))).text


def test_an_example_confirms_what_has_to_be_confirmed() -> None:
    # Without it the delete answers 428.
    shown = HtmlPage(page(document(Settings(confirm_delete="argument"))))
    deletes = [example for example in shown.examples if "DELETE" in example]
    assert len(deletes) == 2
    assert all("confirm=$ID" in example for example in deletes)


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_text_can_be_read_by_people_who_see_contrast_badly(colours: str) -> None:
    # WCAG 2.2 AA asks for 4.5 to 1.
    style = STYLE.read_text(encoding="utf-8")
    palettes = [dict(re.findall(r"--(\w+): (#\w{6});", block)) for block in style.split("@media")]
    palette = palettes[colours == "dark"]
    assert palette.keys() == palettes[0].keys()
    inks = palette.keys() - {"page", "panel", "line"}
    assert len(inks) >= 7
    for ink, paper in product(inks, ("page", "panel")):
        assert contrast(palette[ink], palette[paper]) >= 4.5, (ink, paper)


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio of two colours."""
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """WCAG's relative luminance of `#rrggbb`."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
