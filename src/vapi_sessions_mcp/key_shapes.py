"""What people put in the place of an API key: seen for what it is, and never shown."""

import re

_PLACEHOLDER = "holds a placeholder in place of the key"
_REFERENCE = "holds the address of a secret in place of the key"
# How the whole of it looks, and what it is then. Keys of Vapi's are UUIDs.
_SHAPES = (
    (r"[\"'`\u201c\u2018\u201e].*", "holds the key in quotation marks"),
    (r"bearer[\s:].*|bearer", "holds the word Bearer before the key"),
    (r"(export\s+)?[A-Z_]*KEY\s*[=:].*|x-vapi-api-key:.*", "holds a name before the key"),
    (r"\$\{.*|\$\(.*|\$\w[\w:]*|%\w+%|\{\{.*|<.*>|\[.*\]", _PLACEHOLDER),
    (r"\.{2,}|…|\*+|x{3,}|your[-_ ].*|my[-_ ].*key|(change|replace)[-_ ]?me", _PLACEHOLDER),
    (r"[a-z][a-z0-9+.-]*://.*", _REFERENCE),
)


def key_fault(text: str) -> str:
    """What `text` does instead of being a key, as a verb and its object, or nothing."""
    for shape, fault in _SHAPES:
        if re.fullmatch(shape, text, re.IGNORECASE | re.DOTALL):
            return fault
    return ""
