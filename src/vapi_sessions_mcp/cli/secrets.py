"""Keys and tokens, from the environment or from files that it names; no message shows one.

A secret never comes from the command line, which every process can read.
"""

import codecs
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from vapi_sessions_mcp.cli.environment import is_blank
from vapi_sessions_mcp.key_shapes import key_fault
from vapi_sessions_mcp.settings import PREFIX, SettingsError
from vapi_sessions_mcp.settings_rules import is_one_word

API_KEY = "VAPI_API_KEY"
# Where Vapi's own MCP server and examples have the key.
OTHERS = ("VAPI_TOKEN", "VAPI_PRIVATE_KEY")
TOKENS = f"{PREFIX}TOKENS"
READ_TOKENS = f"{PREFIX}READ_TOKENS"
WEBHOOK_SECRET = f"{PREFIX}WEBHOOK_SECRET"
REDIS_URL = f"{PREFIX}REDIS_URL"
# The variables that are read here, which no option has.
VARIABLES = frozenset(
    f"{name}{suffix}"
    for name in (TOKENS, READ_TOKENS, WEBHOOK_SECRET, REDIS_URL)
    for suffix in ("", "_FILE")
)
TOKEN_CHARS = 16


class ApiKey(NamedTuple):
    """The server's own key, or None and the `fault`: a clause that says why there is none."""

    value: str | None
    fault: str


def read_api_key(environ: Mapping[str, str]) -> ApiKey:
    """The key in `VAPI_API_KEY`, or in the file that `VAPI_API_KEY_FILE` names.

    Raises SettingsError when both are set, the file cannot be read, or the key cannot
    be sent in a header. Without a key, or with a placeholder, a server lists its tools.
    """
    text, source = _secret(environ, API_KEY)
    if not text and source != API_KEY:
        raise SettingsError(f"{source} is empty: put the API key in it.")
    if fault := key_fault(text):
        name = API_KEY if source == API_KEY else f"the file that {API_KEY}_FILE names"
        return ApiKey(None, f"{name} {fault}")
    if not is_one_word(text):
        raise SettingsError(f"{source} holds something other than one API key.")
    if not text:
        other = next((f" ({name} is, but is not read)" for name in OTHERS if environ.get(name)), "")
        return ApiKey(None, f"{API_KEY} is not set{other}")
    return ApiKey(text, "")


def read_tokens(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    """The bearer tokens that `name`, or the file that `name`_FILE names, lists.

    Empty where neither is set; raises SettingsError for a list without a token,
    since whoever set it wants tokens asked for, and for one that is too short. In a
    file, what follows a # is a comment.
    """
    text, source = _secret(environ, name)
    if name not in environ and f"{name}_FILE" not in environ:
        return ()
    if source != name:
        text = re.sub(r"(?m)(^|\s)#.*$", "", text)
    tokens = tuple(re.sub(r"[\s,]+", " ", text).split())
    if not tokens:
        raise SettingsError(f"{source} is set but holds no token: put one in it, or unset it.")
    if not all(is_one_word(token) and len(token) >= TOKEN_CHARS for token in tokens):
        raise SettingsError(
            f"{source} holds a token that is too easy to guess or cannot be sent in a header: make"
            " each of 16 or more letters and digits, such as `openssl rand -hex 32` prints."
        )
    return tokens


def read_redis_url(environ: Mapping[str, str]) -> str | None:
    """The URL in `REDIS_URL`, or in the file that its name with _FILE names.

    Raises SettingsError as `read_api_key` does.
    """
    text, source = _secret(environ, REDIS_URL)
    if not text and source != REDIS_URL:
        raise SettingsError(f"{source} is empty: put the URL of a Redis in it.")
    return text or None


def _secret(environ: Mapping[str, str], name: str) -> tuple[str, str]:
    """What `name` or the file that `name`_FILE names holds, and which of the two it was."""
    text, file = environ.get(name, "").strip(), environ.get(f"{name}_FILE", "")
    file = "" if is_blank(file) else file
    if text and file:
        raise SettingsError(f"{name} and {name}_FILE are both set: unset one of them.")
    if not file:
        return text, name
    source = f"{name}_FILE ({file})"
    try:
        return _decoded(Path(file).read_bytes()).strip(), source
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "no text in UTF-8 or UTF-16"
        raise SettingsError(f"{source} cannot be read: {reason}.") from exc


def _decoded(raw: bytes) -> str:
    """A file's text; on Windows it begins with a byte order mark, and may be UTF-16."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16")
    return raw.decode("utf-8-sig")
