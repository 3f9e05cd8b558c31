"""What the command was told: one frozen object, checked as a whole."""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

PREFIX = "VAPI_MCP_"
DEFAULT_BASE_URL = "https://api.vapi.ai"

ToolNames: TypeAlias = Literal["full", "short"]
DefaultView: TypeAlias = Literal["auto", "summary", "transcript", "full"]
Transport: TypeAlias = Literal["stdio", "http", "rest"]


class SettingsError(Exception):
    """A setting that cannot be used; `str()` says which, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set; times in seconds. Raises SettingsError for what is unusable."""

    api_key: str | None = field(default=None, repr=False)
    base_url: str = DEFAULT_BASE_URL
    connect_timeout: float = 5.0
    timeout: float = 30.0
    grace: float = 10.0
    transports: tuple[Transport, ...] = ("stdio",)
    host: str = "127.0.0.1"
    port: int = 9090
    rest_port: int = 8080
    allowed_hosts: tuple[str, ...] = ()
    allow_unauthenticated: bool = False
    tool_names: ToolNames = "full"
    read_only: bool = False
    view: DefaultView = "auto"
    max_result_chars: int = 50_000
    mask_pii: bool = False

    def __post_init__(self) -> None:
        _check_base_url(self.base_url)
        if "stdio" in self.transports:
            _check_alone(self.transports)
        elif not is_loopback(self.host):
            _check_exposure(self)


def read_api_key(environ: Mapping[str, str]) -> str | None:
    """The key in `VAPI_API_KEY`, or in the file that `VAPI_API_KEY_FILE` names, or None.

    Raises SettingsError when both are set, the file cannot be read, or the key
    cannot be sent in a header. The key itself is in no message.
    """
    key, file = environ.get("VAPI_API_KEY", "").strip(), environ.get("VAPI_API_KEY_FILE", "")
    source = "VAPI_API_KEY"
    if key and file:
        raise SettingsError("VAPI_API_KEY and VAPI_API_KEY_FILE are both set: unset one of them.")
    if file:
        source = f"VAPI_API_KEY_FILE ({file})"
        try:
            key = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else "not UTF-8 text"
            raise SettingsError(f"{source} cannot be read: {reason}.") from exc
        if not key:
            raise SettingsError(f"{source} is empty: put the API key in it.")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise SettingsError(f"{source} holds something other than one API key.")
    return key or None


def check_environment(environ: Mapping[str, str], known: Iterable[str]) -> None:
    """Raise SettingsError for a `VAPI_MCP_*` variable that nothing reads."""
    names = sorted(known)
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f": did you mean {near[0]}?" if near else f": there are {', '.join(names)}."
            raise SettingsError(f"{name} is not a setting{hint}")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _check_base_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        if not url.isprintable() or " " in url:
            raise ValueError(url)
    except ValueError:
        raise SettingsError(f"--base-url {url!r} is not a URL.") from None
    if parts.username or parts.password or parts.query or parts.fragment:
        raise SettingsError("--base-url takes scheme, host, port and path only.")
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))):
        raise SettingsError(
            f"--base-url {url!r} must be https, or http on this machine:"
            " the API key must not cross a network unencrypted."
        )


def _check_alone(transports: tuple[Transport, ...]) -> None:
    if set(transports) != {"stdio"}:
        raise SettingsError(
            "--transport stdio serves the one host that started it and goes with no other:"
            " start a second process for http or rest."
        )


def _check_exposure(settings: Settings) -> None:
    if not settings.allow_unauthenticated:
        raise SettingsError(
            f"--host {settings.host} lets other machines in, and nothing asks them who they are:"
            " keep 127.0.0.1, or add --allow-unauthenticated if something in front does."
        )
    if not settings.allowed_hosts:
        raise SettingsError(
            f"--host {settings.host} needs --allowed-host: the name that clients put in the URL,"
            " such as sessions.example.com."
        )
