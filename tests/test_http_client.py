"""A proxy or certificates that cannot be used are named at the start, and not repeated."""

import asyncio
import os
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
import pytest

from support.certificates import self_signed
from support.faulty_vapi import reply
from vapi_sessions_mcp.http_client import build_client
from vapi_sessions_mcp.settings import SettingsError

# Passwords, whole or in pieces, as people put them where they do not belong.
VAPI = "https://api.vapi.ai"
SECRETS = ("hunter2", "s3cret")
NO_URL = (
    "{} is not the URL of a proxy: write http://HOST:PORT, with %-escapes in a user name or"
    " password, or unset it."
)
SOCKS = (
    "{} names a SOCKS proxy, for which the Python package socksio is missing: install it beside"
    " this one, or name an http:// proxy."
)


@pytest.fixture(autouse=True)
def environ(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No proxies and no certificates but those of the test."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("SSL"):
            monkeypatch.delenv(name)
    return monkeypatch


def refusal() -> str:
    with pytest.raises(SettingsError) as raised:
        build_client(url=VAPI, transport=None, headers={})
    assert not [secret for secret in SECRETS if secret in str(raised.value)]
    # Whoever prints the chain of causes sees no more of it.
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
    return str(raised.value)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy"])
@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://s3cret:hunter2", NO_URL),
        ("http://s3cret:pw@proxy:hunter2", NO_URL),
        ("s3cret:hunter2", NO_URL),
        ("http://s3cret:hunter2/x@proxy:8080", NO_URL),
        ("socks4://s3cret:hunter2@proxy:1080", NO_URL),
        ("ftp://s3cret:hunter2@proxy", NO_URL),
        ("http://", NO_URL),
        ("http://:8080", NO_URL),
        ("http://proxy:0", NO_URL),
        ("http://proxy:99999", NO_URL),
        ("http://[::1", NO_URL),
        ("http://\x01proxy", NO_URL),
        ("http://s3cret:\udcff@proxy", NO_URL),
        ("socks5://s3cret:hunter2@proxy:1080", SOCKS),
        ("socks5h://proxy", SOCKS),
    ],
    ids=lambda value: "" if "{}" in value else ascii(value),
)
def test_a_proxy_that_cannot_be_one_is_refused_by_the_name_of_its_variable(
    environ: pytest.MonkeyPatch, name: str, url: str, told: str
) -> None:
    # Each call failed, in words that a model read, with the password among them.
    environ.setenv(name, url)
    assert refusal() == told.format(name)


@pytest.mark.parametrize(
    "given",
    [
        {"HTTPS_PROXY": "http://proxy.example.com:8080"},
        {"HTTPS_PROXY": "proxy.example.com:8080"},
        {"HTTPS_PROXY": "https://user:p%40ss@proxy.example.com"},
        {"ALL_PROXY": "http://[::1]:8080"},
        {"HTTP_PROXY": "http://proxy.example.com:8080"},
        {"HTTPS_PROXY": "", "SSL_CERT_FILE": "", "SSL_CERT_DIR": ""},
        {"HTTPS_PROXY": "http://proxy:hunter2", "NO_PROXY": "localhost, *"},
        {"FTP_PROXY": "http://proxy:hunter2"},
        {"NO_PROXY": "http://[::1, a b"},
    ],
    ids=str,
)
def test_a_proxy_that_can_be_used_or_is_not_used_is_no_error(
    environ: pytest.MonkeyPatch, given: dict[str, str]
) -> None:
    # Companies set these everywhere, for programs other than ours.
    for name, value in given.items():
        environ.setenv(name, value)
    assert build_client(url=VAPI, transport=None, headers={}).trust_env


def test_lower_case_is_read_first(environ: pytest.MonkeyPatch) -> None:
    # Whoever mends the other variable mends nothing.
    environ.setenv("HTTPS_PROXY", "http://proxy:8080")
    environ.setenv("https_proxy", "http://proxy:hunter2")
    assert refusal() == NO_URL.format("https_proxy")


# No name of this machine to us, and one all the same, so that no proxy is needed to get there.
HOST = "127.1"
WHOLE = reply(said=b"all of it").raw
STRAY = reply(said=b"of somebody else").raw


class Secure:
    """A Vapi over TLS that says too much, and a proxy: the ports, and what came to each."""

    answer_port = proxy_port = connections = tunnels = 0


@asynccontextmanager
async def secure(environ: pytest.MonkeyPatch, folder: Path) -> AsyncGenerator[Secure]:
    """Both of them, for a while."""
    file, tls = self_signed(folder, HOST)
    environ.setenv("SSL_CERT_FILE", str(file))
    found = Secure()

    serving = list[asyncio.Task[None]]()

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(WHOLE + STRAY)
                await writer.drain()
        writer.close()

    async def tunnel(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        its_reader, its_writer = await asyncio.open_connection("127.0.0.1", found.answer_port)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_pass_on, reader, its_writer)
            tasks.start_soon(_pass_on, its_reader, writer)

    def accept_answer(reader: StreamReader, writer: StreamWriter) -> None:
        found.connections += 1
        serving.append(asyncio.create_task(answer(reader, writer)))

    def accept_tunnel(reader: StreamReader, writer: StreamWriter) -> None:
        found.tunnels += 1
        serving.append(asyncio.create_task(tunnel(reader, writer)))

    async with (
        await asyncio.start_server(accept_answer, "127.0.0.1", 0, ssl=tls) as vapi,
        await asyncio.start_server(accept_tunnel, "127.0.0.1", 0) as proxy,
    ):
        found.answer_port = vapi.sockets[0].getsockname()[1]
        found.proxy_port = proxy.sockets[0].getsockname()[1]
        yield found
        # The client has hung up, which ends each of them.
        await asyncio.gather(*serving)


async def _pass_on(reader: StreamReader, writer: StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("spared", "tunnels"),
    [
        ("", 3),
        (HOST, 0),
        ("*", 0),
    ],
)
async def test_no_way_to_vapi_takes_one_answer_for_the_next(
    environ: pytest.MonkeyPatch, tmp_path: Path, spared: str, tunnels: int
) -> None:
    # It would be somebody else's session, behind a company's proxy as well as without one.
    async with secure(environ, tmp_path) as found:
        environ.setenv("HTTPS_PROXY", f"http://127.0.0.1:{found.proxy_port}")
        environ.setenv("NO_PROXY", spared)
        url = f"https://{HOST}:{found.answer_port}"
        with anyio.fail_after(20):
            async with build_client(url=url, transport=None, headers={}) as client:
                for _ in range(3):
                    assert (await client.get(url)).content == b"all of it"
        assert (found.connections, found.tunnels) == (3, tunnels)


CANNOT = "{} cannot be used ({}): name a file of PEM certificates that can be read, or unset it."
PEM = "-----BEGIN {0}-----\nAAAA\n-----END {0}-----\n"


@pytest.mark.parametrize(
    "content",
    ["", "hunter2", "\0\1\2", PEM.format("CERTIFICATE"), PEM.format("PRIVATE KEY")],
    ids=["nothing", "words", "bytes", "a broken certificate", "a key"],
)
def test_a_certificate_file_without_a_certificate_is_refused(
    environ: pytest.MonkeyPatch, tmp_path: Path, content: str
) -> None:
    # A stack trace of OpenSSL's says neither which file nor why.
    file = tmp_path / "certificates.pem"
    file.write_text(content)
    environ.setenv("SSL_CERT_FILE", str(file))
    assert refusal() == CANNOT.format("SSL_CERT_FILE", "no certificate in it")


def test_a_certificate_file_that_cannot_be_read_is_refused_with_the_reason(
    environ: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # A wrong mount is the usual mistake.
    environ.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    # It counts for nothing while a file is named.
    environ.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    assert refusal() == CANNOT.format("SSL_CERT_FILE", "No such file or directory")
    environ.setenv("SSL_CERT_FILE", str(tmp_path))
    assert refusal() == CANNOT.format("SSL_CERT_FILE", "Is a directory")


def test_a_folder_of_certificates_that_is_none_is_refused(
    environ: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # OpenSSL takes it without a word, and then trusts nobody: each call would fail.
    (tmp_path / "file").touch()
    for folder in (tmp_path / "none", tmp_path / "file"):
        environ.setenv("SSL_CERT_DIR", str(folder))
        assert refusal() == ("SSL_CERT_DIR is not a folder: name one of certificates, or unset it.")
    environ.setenv("SSL_CERT_DIR", os.pathsep.join([str(tmp_path / "none"), str(tmp_path)]))
    build_client(url=VAPI, transport=None, headers={})


def test_what_else_keeps_tls_from_working_is_named_too(
    environ: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Left in a profile after a day of debugging, it breaks every program of that person.
    environ.setenv("SSL_CERT_DIR", str(tmp_path))
    environ.setenv("SSLKEYLOGFILE", str(tmp_path / "none" / "keys"))
    said = CANNOT.format("SSL_CERT_DIR or SSLKEYLOGFILE", "No such file or directory")
    assert refusal() == said
