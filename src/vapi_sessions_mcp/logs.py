"""Logs to stderr: one line a record, no stack trace, nothing that customers said."""

import logging
from typing import Any


def set_up(level: str) -> None:
    """Log to stderr; other libraries never below INFO, the HTTP client never its URLs."""
    own = logging.getLevelNamesMapping()[level.upper()]
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler])
    logging.getLogger().setLevel(max(own, logging.INFO))
    logging.getLogger("vapi_sessions_mcp").setLevel(own)
    logging.getLogger("httpx2").setLevel(max(own, logging.WARNING))


class _Lines(logging.Formatter):
    """One line a record: a stack trace may hold what customers said."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's own name
        """Nothing."""
        return ""
