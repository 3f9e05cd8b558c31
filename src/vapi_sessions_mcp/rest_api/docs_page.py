"""The reference page at `/docs`: our OpenAPI document as plain HTML, which runs no script."""

from collections.abc import Iterable
from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from vapi_sessions_mcp.rest_api.curl_examples import BASE_URL, base_url, credentials, curl
from vapi_sessions_mcp.rest_api.docs_schemas import (
    code,
    in_words,
    named,
    prose,
    schema_as_html,
    table,
)
from vapi_sessions_mcp.rest_api.openapi_schemas import Json

STYLE = Path(__file__).with_name("docs.css")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def reference(document: Json) -> list[Route]:
    """GET /docs and its style sheet, for the server that `document` describes."""
    made, style = page(document), STYLE.read_text(encoding="utf-8")

    async def html(request: Request) -> Response:
        here = made.replace(BASE_URL, base_url(request.headers["Host"]))
        return HTMLResponse(here, headers=HEADERS)

    async def css(request: Request) -> Response:
        return Response(style, headers=HEADERS, media_type="text/css")

    return [Route("/docs", html), Route(f"/docs/{STYLE.name}", css)]


def page(document: Json) -> str:
    """The whole page; whatever comes from `document` is escaped."""
    about = document["info"]
    title = escape(f"{about['title']} {about['version']}")
    operations = _operations(document)
    schemas: dict[str, Json] = document["components"]["schemas"]
    bodies = [_body_name(made) for *_, made in operations if "requestBody" in made]
    others = {name: schema for name, schema in schemas.items() if name not in bodies}
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/{STYLE.name}">
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header>
<h1>{title}</h1>
<p>{prose(about["description"])}</p>
<p>Programs read the same in <a href="openapi.json">openapi.json</a>.</p>
</header>
<nav aria-label="Contents">
<h2>Operations</h2>
{_links((made["operationId"], made["summary"]) for *_, made in operations)}
<h2>Schemas</h2>
{_links((name, name) for name in others)}
</nav>
<main id="content">
{_how_to_call(document)}
{"".join(_operation(document, *operation) for operation in operations)}
{"".join(_section(name, name, schema_as_html(schema)) for name, schema in others.items())}
</main>
</body>
</html>
"""


def _operations(document: Json) -> list[tuple[str, str, Json]]:
    """Method, path and operation, the second ways to say an id last."""
    every = [
        (method, path, made)
        for path, methods in document["paths"].items()
        for method, made in methods.items()
    ]
    return sorted(every, key=lambda operation: operation[2]["operationId"].endswith("ByQuery"))


def _links(links: Iterable[tuple[str, str]]) -> str:
    items = [f'<li><a href="#{escape(id)}">{escape(text)}</a></li>' for id, text in links]
    return f"<ul>{''.join(items)}</ul>"


def _section(id: str, title: str, content: str) -> str:
    heading = f'<h2><a href="#{escape(id)}">{escape(title)}</a></h2>'
    return f'<section id="{escape(id)}">{heading}{content}</section>'


def _how_to_call(document: Json) -> str:
    """Who may call, and what the examples take from the shell."""
    headers = credentials(document)
    items = [f"<li>{code(header)}<br>{prose(about)}</li>" for header, about in headers]
    access = (
        f"<p>Every call carries:</p><ul>{''.join(items)}</ul>"
        if items
        else "<p>Callers need no credentials: the server calls Vapi with its own API key.</p>"
    )
    return _section(
        "how-to-call",
        "How to call",
        f"{access}<p>In the examples, {code('$ID')} is the id of a session: set the variable in"
        " your shell, or write the id instead.</p>",
    )


def _operation(document: Json, method: str, path: str, made: Json) -> str:
    parts = [
        f'<p class="route"><b class="{escape(method)}">{escape(method.upper())}</b>'
        f" {code(path)}</p>",
        f"<p>{prose(made['description'])}</p>",
        f'<pre tabindex="0"><code>{escape(curl(document, method, path, made))}</code></pre>',
    ]
    if made["parameters"]:
        rows = [_parameter(parameter) for parameter in made["parameters"]]
        parts += ["<h3>Path and query</h3>", table(("Name", "Type", "Description"), rows)]
    if "requestBody" in made:
        schema = document["components"]["schemas"][_body_name(made)]
        parts += ["<h3>Body, as JSON</h3>", schema_as_html(schema)]
    parts += ["<h3>Answers</h3>", _answers(made["responses"])]
    return _section(made["operationId"], made["summary"], "".join(parts))


def _body_name(operation: Json) -> str:
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    return body["$ref"].rpartition("/")[2]


def _parameter(parameter: Json) -> tuple[str, ...]:
    by_json = parameter.get("content", {}).get("application/json")
    where = escape(parameter["in"])
    schema = by_json["schema"] if by_json else parameter["schema"]
    return (
        named(parameter["name"], parameter.get("required", False), place=f" in {where}"),
        in_words(schema) + (", as JSON" if by_json else ""),
        prose(parameter["description"]),
    )


def _answers(responses: dict[str, Json]) -> str:
    """What success answers, and what refusals mean, folded as most are the same everywhere."""
    rows = {
        status: (
            code(status),
            _meaning(made),
            in_words(made["content"]["application/json"]["schema"]),
        )
        for status, made in responses.items()
    }
    heads = ("Status", "Meaning", "Body")
    succeeded = [row for status, row in rows.items() if status.startswith("2")]
    refused = {status: row for status, row in rows.items() if not status.startswith("2")}
    summary = f"Refusals: {escape(', '.join(refused))}"
    return (
        f"{table(heads, succeeded)}<details><summary>{summary}</summary>"
        f"{table(heads, refused.values())}</details>"
    )


def _meaning(response: Json) -> str:
    headers = [
        f". {code(name)}: {escape(header['description'])}"
        for name, header in response.get("headers", {}).items()
    ]
    return prose(response["description"]) + "".join(headers)
