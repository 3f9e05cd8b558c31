"""The published contract: what a server with given settings answers, whoever asks."""

import json
import pkgutil
from typing import Any, TypeAlias

from vapi_sessions_mcp.settings import Settings

Json: TypeAlias = dict[str, Any]

MODERN = "2026-07-28"
# Generated from the table by the tests, which hold the server to it.
PACKAGE, FILE = "vapi_sessions_mcp.contract", "published.json"


class Published:
    """Results by method and protocol version; the lists depend on the settings and nothing else."""

    def __init__(self, settings: Settings) -> None:
        """Reads the file, and leaves out what `settings` do not offer."""
        made: Json = json.loads(pkgutil.get_data(PACKAGE, FILE) or b"")
        self._handshakes: Json = made["initialize"]
        self._modern: Json = made[MODERN]
        self._lists: Json = made["lists"]
        self._lists["tools/list"] = {
            "tools": [
                {**row["tool"], "name": row["names"][settings.tool_names]}
                for row in made["tools"]
                if all(getattr(settings, name) in some for name, some in row["when"].items())
            ]
        }

    def result(self, method: str, version: str) -> Json | None:
        """The result of `method` in that version of the protocol; None where none is published."""
        if method == "initialize":
            return self._handshakes.get(version)
        if version == MODERN:
            about = self._modern.get(method)
            return None if about is None else {**about, **self._lists.get(method, {})}
        return {} if method == "ping" else self._lists.get(method)
