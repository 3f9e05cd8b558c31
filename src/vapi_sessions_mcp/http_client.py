"""HTTP clients, made at the start: a proxy or a certificate file that cannot be used ends it."""

import os
import ssl
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx2

from vapi_sessions_mcp import __version__
from vapi_sessions_mcp.settings import SettingsError
from vapi_sessions_mcp.settings_rules import is_loopback
from vapi_sessions_mcp.wire import Wire


def build_client(
    *,
    url: str,
    transport: httpx2.AsyncBaseTransport | None,
    headers: dict[str, str],
    limits: httpx2.Limits = httpx2.Limits(),  # noqa: B008 - it is never changed
    **options: Any,
) -> httpx2.AsyncClient:
    """A client for `url`, under our name, that follows no redirect; raises SettingsError.

    The error names the variable at fault and repeats nothing of it, since it may hold a password.
    With a `transport` of its own a client uses neither proxies nor certificates. What is on
    this machine, or not encrypted, is never asked for through a proxy. Only a `Wire` keeps
    connections: httpx2's own transports, which know proxies, would take bytes that nobody
    asked for as the answer to the next request.
    """
    mounts: dict[str, httpx2.AsyncBaseTransport | None] = {}
    if transport is None:
        _check_certificate_folders()
    headers = {"User-Agent": f"vapi-sessions-mcp/{__version__}", **headers}
    try:
        if transport is None:
            context = httpx2.create_ssl_context()
            options["verify"] = context
            direct = Wire(context, limits.keepalive_expiry or 0)
            if _is_near(url):
                transport = direct
            else:
                limits = httpx2.Limits(
                    max_connections=limits.max_connections, max_keepalive_connections=0
                )
                mounts = {"all://": direct, **dict.fromkeys(_NEAR), **_proxies(limits)}
        return httpx2.AsyncClient(
            transport=transport,
            mounts=mounts,
            limits=limits,
            headers=headers,
            follow_redirects=False,
            **options,
        )
    except OSError as exc:
        used = [name for name in (_set(*_CERTIFICATES), "SSLKEYLOGFILE") if os.environ.get(name)]
        variable = " or ".join(used) or "the certificates of this system"
        reason = "no certificate in it" if isinstance(exc, ssl.SSLError) else exc.strerror
        raise SettingsError(
            f"{variable} cannot be used ({reason}): name a file of PEM certificates that can be"
            " read, or unset it."
        ) from None


def through(error: httpx2.RequestError) -> str:
    """Which proxy was between, after the name of a host; nothing where there was none."""
    with suppress(RuntimeError):  # not every error knows its request
        if name := error.request.extensions.get(_PROXY):
            return f" through the proxy {name}"
    return ""


def certificate_fault(error: BaseException) -> str:
    """Why the certificate of the other side was not accepted; nothing for any other error."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, ssl.SSLCertVerificationError):
            return below.verify_message.rstrip(".")
        below = below.__cause__ or below.__context__
    return ""


_PROXY = "vapi_sessions_mcp.proxy"
# Patterns of what no proxy is for: this machine, and whatever is not encrypted.
_NEAR = ("http://", "all://localhost", "all://127.0.0.1", "all://[::1]")


def _is_near(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" or is_loopback(parts.hostname or "")


class _Proxied(httpx2.AsyncHTTPTransport):
    """The way through a proxy, which each request that takes it remembers."""

    def __init__(self, name: str, url: str, limits: httpx2.Limits) -> None:
        proxy = httpx2.Proxy(_with_scheme(url))
        super().__init__(proxy=proxy, limits=limits)
        port = proxy.url.port or (443 if proxy.url.scheme == "https" else 80)
        self._name = f"{proxy.url.host}:{port} ({name})"

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.extensions[_PROXY] = self._name
        return await super().handle_async_request(request)


def _proxies(limits: httpx2.Limits) -> dict[str, httpx2.AsyncBaseTransport | None]:
    """The proxies of the environment in place of the client's own; NO_PROXY stays the client's."""
    proxies = getproxies()
    if "*" in (host.strip() for host in proxies.get("no", "").split(",")):
        return {}
    found: dict[str, httpx2.AsyncBaseTransport | None] = {}
    for scheme in ("http", "https", "all"):
        if url := proxies.get(scheme):
            name = f"{scheme}_proxy"
            variable = _set(name, name.upper()) or f"the system's {scheme} proxy"
            _check_proxy(variable, url)
            if scheme != "http":
                found[f"{scheme}://"] = _Proxied(variable, url, limits)
    return found


# The first that is set is used.
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def _check_certificate_folders() -> None:
    """Refuse folders that do not exist: OpenSSL would trust nobody, and each call would fail."""
    folders = os.environ.get("SSL_CERT_DIR", "")
    used = _set(*_CERTIFICATES) == "SSL_CERT_DIR"
    if used and not any(os.path.isdir(folder) for folder in folders.split(os.pathsep)):
        raise SettingsError("SSL_CERT_DIR is not a folder: name one of certificates, or unset it.")


def _check_proxy(variable: str, url: str) -> None:
    try:
        proxy = httpx2.Proxy(_with_scheme(url))
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


def _with_scheme(url: str) -> str:
    return url if "://" in url else f"http://{url}"


def _set(*names: str) -> str:
    """The first of these variables that is set, or nothing."""
    return next((name for name in names if os.environ.get(name)), "")
