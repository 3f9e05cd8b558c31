"""HTTP clients, made at the start: a proxy or a certificate file that cannot be used ends it."""

import os
import ssl
from typing import Any
from urllib.request import getproxies

import httpx2

from vapi_sessions_mcp import __version__
from vapi_sessions_mcp.settings import SettingsError


def build_client(
    *, transport: httpx2.AsyncBaseTransport | None, headers: dict[str, str], **options: Any
) -> httpx2.AsyncClient:
    """A client under our name that follows no redirect; raises SettingsError if none can be made.

    The error names the variable at fault and repeats nothing of it, since it may hold a password.
    With a `transport` of its own a client uses neither proxies nor certificates.
    """
    if transport is None:
        _check_proxies()
        _check_certificate_folders()
    headers = {"User-Agent": f"vapi-sessions-mcp/{__version__}", **headers}
    try:
        return httpx2.AsyncClient(
            transport=transport, headers=headers, follow_redirects=False, **options
        )
    except OSError as exc:
        used = [name for name in (_set(*_CERTIFICATES), "SSLKEYLOGFILE") if os.environ.get(name)]
        variable = " or ".join(used) or "the certificates of this system"
        reason = "no certificate in it" if isinstance(exc, ssl.SSLError) else exc.strerror
        raise SettingsError(
            f"{variable} cannot be used ({reason}): name a file of PEM certificates that can be"
            " read, or unset it."
        ) from None


# The first that is set is used.
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def _check_certificate_folders() -> None:
    """Refuse folders that do not exist: OpenSSL would trust nobody, and each call would fail."""
    folders = os.environ.get("SSL_CERT_DIR", "")
    used = _set(*_CERTIFICATES) == "SSL_CERT_DIR"
    if used and not any(os.path.isdir(folder) for folder in folders.split(os.pathsep)):
        raise SettingsError("SSL_CERT_DIR is not a folder: name one of certificates, or unset it.")


def _check_proxies() -> None:
    proxies = getproxies()
    if "*" in (host.strip() for host in proxies.get("no", "").split(",")):
        return
    for scheme in ("http", "https", "all"):
        if url := proxies.get(scheme):
            name = f"{scheme}_proxy"
            _check_proxy(_set(name, name.upper()) or f"the system's {scheme} proxy", url)


def _check_proxy(variable: str, url: str) -> None:
    try:
        proxy = httpx2.Proxy(url if "://" in url else f"http://{url}")
        # Without certificates to load: only whether it knows such proxies is asked.
        httpx2.AsyncHTTPTransport(proxy=proxy, verify=False)
        port = proxy.url.port
        good = bool(proxy.url.host) and (port is None or 0 < port < 2**16)
    except ImportError:
        raise SettingsError(
            f"{variable} names a SOCKS proxy, for which the Python package socksio is missing:"
            " install it beside this one, or name an http:// proxy."
        ) from None
    except (httpx2.InvalidURL, ValueError):
        good = False
    if not good:
        raise SettingsError(
            f"{variable} is not the URL of a proxy: write http://HOST:PORT, with %-escapes in a"
            " user name or password, or unset it."
        )


def _set(*names: str) -> str:
    """The first of these variables that is set, or nothing."""
    return next((name for name in names if os.environ.get(name)), "")
