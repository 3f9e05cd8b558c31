"""The reference page at `/docs`: Swagger UI out of this package; nothing comes from elsewhere."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

UI = Path(__file__).parent / "ui"
PAGE = "docs.html"
ASSETS = ("docs.js", "docs.css", "swagger-ui-bundle.js", "swagger-ui.css")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


async def _file(request: Request) -> Response:
    name = request.scope["path"].rpartition("/")[2]
    return FileResponse(UI / (name if name in ASSETS else PAGE), headers=HEADERS)


REFERENCE = tuple(Route(path, _file) for path in ("/docs", *(f"/docs/{name}" for name in ASSETS)))
