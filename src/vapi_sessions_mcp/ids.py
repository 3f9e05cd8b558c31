"""The shape of an id: what is safe as one path segment, in a log line and in a list of ids."""

import re

ID_PATTERN = r"[A-Za-z0-9_-]{1,128}"
# What the URI of a session has before its id.
SESSION_URI = "vapi-session://"


def is_id(text: str) -> bool:
    """Whether the whole of `text` has the shape of an id."""
    return re.fullmatch(ID_PATTERN, text) is not None
