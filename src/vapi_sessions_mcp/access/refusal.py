"""What went wrong, as Vapi reports it over HTTP: `{message, error, statusCode}`, always JSON."""

from collections.abc import Mapping

from starlette.responses import JSONResponse, Response

from vapi_sessions_mcp.errors import phrase


def refusal(
    status: int, message: str | list[str], headers: Mapping[str, str] | None = None
) -> Response:
    """An answer that is not 2xx."""
    content = {"message": message, "error": phrase(status), "statusCode": status}
    return JSONResponse(content, status, headers)
