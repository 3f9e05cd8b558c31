"""A proxy or certificates that cannot be used are named at the start, and not repeated."""

import os
from pathlib import Path

import pytest

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
