"""A curl command for each operation of our OpenAPI document, ready to paste into a shell.

The id of a session and what is secret come from variables of the shell.
"""

import json
import re
import shlex
from urllib.parse import urlencode

from vapi_sessions_mcp.rest_api.openapi_schemas import Json
from vapi_sessions_mcp.settings_rules import is_loopback

BASE_URL = "http://127.0.0.1:8080"
_HOST = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?")
# Parameters that take the id of a session.
_IDS = ("id", "confirm")


def base_url(host: str) -> str:
    """The URL of the server that goes by `host`, safe in a shell and in HTML.

    It is https except on this machine, since an example may carry a token.
    """
    name = _HOST.fullmatch(host)
    if name is None:
        return BASE_URL
    return f"{'http' if is_loopback(name[1]) else 'https'}://{host}"


def credentials(document: Json) -> list[tuple[str, str]]:
    """The headers by which callers show who they are, each with what it is."""
    schemes: dict[str, Json] = document["components"].get("securitySchemes", {})
    return [
        (
            f"{scheme['name']}: $VAPI_API_KEY"
            if scheme["type"] == "apiKey"
            else "Authorization: Bearer $TOKEN",
            scheme["description"],
        )
        for scheme in schemes.values()
    ]


def curl(document: Json, method: str, path: str, operation: Json) -> str:
    """The command that calls `operation` with the examples of the document."""
    query = [
        f"{name}=$ID" if name in _IDS else urlencode({name: parameter["example"]})
        for parameter in operation["parameters"]
        if (name := parameter["name"]) and _is_shown(parameter)
    ]
    url = BASE_URL + path.replace("{id}", "$ID") + "?" * bool(query) + "&".join(query)
    flag = "" if method in ("get", "post") else f"-X {method.upper()} "
    parts = [f'curl {flag}"{url}"', *(f'-H "{header}"' for header, _ in credentials(document))]
    if "requestBody" in operation:
        body = operation["requestBody"]["content"]["application/json"]["example"]
        parts += ['-H "Content-Type: application/json"', f"-d {shlex.quote(json.dumps(body))}"]
    return " \\\n  ".join(parts)


def _is_shown(parameter: Json) -> bool:
    wanted = "example" in parameter or parameter.get("required") or parameter["name"] == "confirm"
    return bool(wanted) and parameter["in"] == "query"
