"""Names of hosts: what is the same name, and what is none."""

import pytest

from vapi_sessions_mcp.host_names import normal_host
from vapi_sessions_mcp.settings import Settings, SettingsError


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("sessions.example.com", "sessions.example.com"),
        ("Sessions.EXAMPLE.com.", "sessions.example.com"),
        ("sessions.example.com:8443", "sessions.example.com:8443"),
        ("my_service", "my_service"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("10.0.0.7", "10.0.0.7"),
        ("[2001:DB8:0:0::7]", "[2001:db8::7]"),
        ("2001:db8::7", "[2001:db8::7]"),
        ("[::1]:9090", "[::1]:9090"),
    ],
)
def test_a_name_has_one_form(text: str, normal: str) -> None:
    # Browsers write lower case, people do not, and both mean the same host.
    assert normal_host(text) == normal
    assert normal_host(normal) == normal
    settings = Settings(transports=("http",), allowed_hosts=(text,), auth=("caller-key",))
    assert settings.allowed_hosts == (text,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        "*",
        "*.example.com",
        "https://sessions.example.com",
        "sessions.example.com/mcp",
        "sessions.example.com:",
        "sessions.example.com:port",
        "sessions example.com",
        "-x.example.com",
        "b\u00fccher.example",
        "user@example.com",
        "[sessions.example.com]",
        "[::1",
        "a:b:c",
        "example.com\n",
    ],
)
def test_what_no_request_can_name_is_refused_at_the_start(text: str) -> None:
    # It can never match, and every call would be answered with 421.
    with pytest.raises(ValueError):
        normal_host(text)
    with pytest.raises(SettingsError, match=r"--allowed-host .* can never match: give a host"):
        Settings(transports=("http",), allowed_hosts=(text,), auth=("caller-key",))


@pytest.mark.parametrize("name", ["LOCALHOST", "localhost.", "::1", "[::1]"])
def test_this_machine_s_own_names_need_no_further_word(name: str) -> None:
    # They let in nobody who could not come before.
    settings = Settings(transports=("http",), allowed_hosts=(name,))
    assert settings.allowed_hosts == (name,)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://sessions.example.com", "https://sessions.example.com"),
        ("https://sessions.example.com/", "https://sessions.example.com"),
        ("https://sessions.example.com/mcp", "https://sessions.example.com"),
        ("https://sessions.example.com/mcp/", "https://sessions.example.com"),
        ("https://sessions.example.com/v1", "https://sessions.example.com"),
        ("https://example.com/sessions", "https://example.com/sessions"),
        ("https://example.com/sessions/mcp", "https://example.com/sessions"),
    ],
)
def test_a_public_url_is_given_with_the_path_of_a_face_or_without(url: str, base: str) -> None:
    # It was advertised as /mcp/mcp, where nobody found anything.
    settings = Settings(
        transports=("http",),
        auth=("oauth",),
        oauth_issuer="https://issuer.example.com",
        public_url=url,
    )
    assert settings.public_base == base
