"""What the command was told: what is accepted, what is refused, and with which words."""

from pathlib import Path
from typing import Any

import pytest

from vapi_sessions_mcp.cli.secrets import TOKENS, read_api_key, read_tokens
from vapi_sessions_mcp.settings import (
    Auth,
    Settings,
    SettingsError,
    Transport,
    check_environment,
    is_loopback,
    is_one_word,
)

KEY = "sk-4f2a-not-to-be-shown"
TOKEN, OTHER = "token-0123456789abcdef", "other-0123456789abcdef"
SERVED: dict[str, Any] = {"transports": ("http",)}
OPENED: dict[str, Any] = {**SERVED, "host": "0.0.0.0"}
OAUTH: dict[str, Any] = {
    "auth": ("oauth",),
    "oauth_issuer": "https://issuer.example.com",
    "public_url": "https://sessions.example.com",
}


@pytest.mark.parametrize(
    "url",
    [
        "https://api.vapi.ai",
        "https://api.eu.vapi.ai/",
        "https://proxy.example.com:8443/vapi",
        "HTTPS://api.vapi.ai",
        "https://10.0.0.7",
        "http://localhost:8000",
        "http://LOCALHOST",
        "http://127.0.0.1:8000/v1",
        "http://127.8.9.10",
        "http://[::1]:8000",
    ],
)
def test_https_anywhere_and_http_on_this_machine_are_base_urls(url: str) -> None:
    # The EU region, a company's proxy and the sandbox are all reached this way.
    assert Settings(base_url=url).base_url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://api.vapi.ai",
        "http://10.0.0.7",
        "http://[2001:db8::1]",
        "http://0.0.0.0",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "ftp://localhost",
        "api.vapi.ai",
        "//api.vapi.ai",
        "https://",
        "https:///session",
        "",
    ],
)
def test_a_base_url_that_would_show_the_key_to_a_network_is_refused(url: str) -> None:
    # The key travels in a header of every request.
    with pytest.raises(SettingsError, match="must be https, or http on this machine"):
        Settings(base_url=url)


@pytest.mark.parametrize(
    "url",
    [
        "https://[::1",
        "https://[bad]",
        "https://h:port",
        "https://h:99999",
        "https://h .x",
        "https://h\n.x",
    ],
)
def test_a_base_url_that_is_none_is_refused_at_the_start(url: str) -> None:
    # Otherwise the first call would fail, with a stack trace.
    with pytest.raises(SettingsError, match="is not a URL"):
        Settings(base_url=url)


@pytest.mark.parametrize(
    "url",
    [
        "https://user@api.vapi.ai",
        "https://:secret@api.vapi.ai",
        "https://user:secret@api.vapi.ai",
        "http://127.0.0.1@example.com",
        "https://api.vapi.ai?x=1",
        "https://api.vapi.ai/#x",
    ],
)
def test_a_base_url_with_credentials_or_a_query_is_refused_without_repeating_it(url: str) -> None:
    # They would be sent to Vapi or swallowed, and a password must not reach a log.
    with pytest.raises(SettingsError, match="scheme, host, port and path only") as error:
        Settings(base_url=url)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.255.0.1", "::1", "[::1]"])
def test_loopback_is_what_only_this_machine_reaches(host: str) -> None:
    # This alone decides whether a server may run without asking who is there.
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "0.0.0.0", "::", "192.168.1.5", "127.1", "localhost.example.com", "2001:db8::1", "[]"],
)
def test_everything_else_is_not_loopback(host: str) -> None:
    # Taking an open address for a closed one would publish every session.
    assert not is_loopback(host)


def test_no_key_is_no_error() -> None:
    # Registries and inspectors start the server without one, to list its tools.
    assert read_api_key({}) is None
    assert read_api_key({"VAPI_API_KEY": " \n", "VAPI_API_KEY_FILE": ""}) is None


def test_a_key_from_the_environment_loses_the_space_around_it() -> None:
    # Copied keys come with a newline, which no header may hold.
    assert read_api_key({"VAPI_API_KEY": f" {KEY}\r\n"}) == KEY


def test_a_key_from_a_file_loses_the_space_around_it(tmp_path: Path) -> None:
    # Container secrets are files, and editors end them with a newline.
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n", encoding="utf-8")
    assert read_api_key({"VAPI_API_KEY_FILE": str(file)}) == KEY
    assert read_api_key({"VAPI_API_KEY_FILE": str(file), "VAPI_API_KEY": " "}) == KEY


def test_two_sources_of_the_key_are_refused(tmp_path: Path) -> None:
    # Whichever won, somebody would wonder for an hour why their key is not used.
    with pytest.raises(SettingsError, match="both set: unset one") as error:
        read_api_key({"VAPI_API_KEY": KEY, "VAPI_API_KEY_FILE": str(tmp_path / "key")})
    assert KEY not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: put the API key in it"),
        (b" \n", "is empty: put the API key in it"),
        (b"\xff\xfe\x00", "cannot be read: not UTF-8 text"),
        (f"{KEY}\n{KEY}".encode(), "holds something other than one API key"),
        (f"Bearer {KEY}".encode(), "holds something other than one API key"),
        (f"{KEY}é".encode(), "holds something other than one API key"),
        (f"{KEY}\x00".encode(), "holds something other than one API key"),
    ],
    ids=["empty", "blank", "binary", "two lines", "two words", "accent", "NUL"],
)
def test_a_key_file_that_holds_no_key_is_refused_by_name(
    tmp_path: Path, content: bytes, message: str
) -> None:
    # A wrong mount is the usual mistake: the path helps, and the content must stay unseen.
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=message) as error:
        read_api_key({"VAPI_API_KEY_FILE": str(file)})
    assert str(file) in str(error.value)
    assert KEY not in str(error.value)


def test_a_key_file_that_cannot_be_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    # "No such file" and "Is a directory" need different cures.
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        read_api_key({"VAPI_API_KEY_FILE": str(tmp_path / "none")})
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        read_api_key({"VAPI_API_KEY_FILE": str(tmp_path)})


def test_a_key_that_no_header_can_hold_is_refused_without_showing_it() -> None:
    # It would fail at the first call, with the key in the message.
    with pytest.raises(SettingsError, match="VAPI_API_KEY holds something other") as error:
        read_api_key({"VAPI_API_KEY": f"{KEY}\x1b[0m"})
    assert KEY not in str(error.value)


def test_no_representation_of_settings_shows_the_key() -> None:
    # Settings end up in logs, tracebacks and bug reports.
    settings = Settings(api_key=KEY)
    assert settings.api_key == KEY
    assert KEY not in f"{settings!r}{settings!s}"


@pytest.mark.parametrize(
    "given",
    [
        {"transports": ("stdio",), "host": "0.0.0.0"},
        {"transports": ("http",), "host": "127.0.0.1"},
        {"transports": ("http",), "host": "::1"},
        {"transports": ("http",), "host": "localhost"},
        {
            "transports": ("http",),
            "host": "0.0.0.0",
            "allow_unauthenticated": True,
            "allowed_hosts": ("sessions.example.com",),
        },
    ],
    ids=["stdio opens no port", "IPv4", "IPv6", "name", "spelled out"],
)
def test_a_server_that_only_this_machine_reaches_needs_no_further_word(
    given: dict[str, Any],
) -> None:
    # Starting at home must stay one command; opening it must be spelled out.
    assert Settings(**given).host == given["host"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "sessions.example.com"])
def test_a_server_that_others_reach_must_say_that_nobody_is_asked(host: str) -> None:
    # Everybody who can reach the port could read and delete every session.
    with pytest.raises(SettingsError, match="add --allow-unauthenticated"):
        Settings(transports=("http",), host=host, allowed_hosts=("sessions.example.com",))


@pytest.mark.parametrize("transports", [("http",), ("rest",), ("http", "rest")])
def test_the_rule_for_others_holds_for_every_transport_with_a_port(
    transports: tuple[Transport, ...],
) -> None:
    # REST deletes as thoroughly as MCP does.
    with pytest.raises(SettingsError, match="add --allow-unauthenticated"):
        Settings(transports=transports, host="0.0.0.0")
    assert Settings(transports=transports).transports == transports


def test_stdio_goes_with_no_other_transport() -> None:
    # The host that started the process ends it, and everybody else's calls with it.
    with pytest.raises(SettingsError, match=r"--transport stdio .* goes with no other"):
        Settings(transports=("stdio", "rest"))
    assert Settings(transports=("stdio", "stdio"))


def test_a_server_that_others_reach_must_name_its_hosts() -> None:
    # Without them a web page could reach it by rebinding its own name.
    with pytest.raises(SettingsError, match="needs --allowed-host"):
        Settings(transports=("http",), host="0.0.0.0", allow_unauthenticated=True)


def test_a_misspelt_setting_is_refused_with_the_nearest_one() -> None:
    # VAPI_MCP_READONLY=1 would otherwise start a server that can delete.
    known = ["VAPI_MCP_READ_ONLY", "VAPI_MCP_PORT"]
    with pytest.raises(
        SettingsError, match="VAPI_MCP_READONLY is not a setting: did you mean"
    ) as e:
        check_environment({"VAPI_MCP_READONLY": "1"}, known)
    assert str(e.value).endswith("VAPI_MCP_READ_ONLY?")


def test_a_setting_like_no_other_is_refused_with_the_list() -> None:
    # There is no nearest one to offer, and silence would hide the mistake.
    with pytest.raises(SettingsError, match="there are VAPI_MCP_HOST, VAPI_MCP_PORT"):
        check_environment({"VAPI_MCP_ZQXJKW_ZQXJKWZQXJKW": ""}, ["VAPI_MCP_PORT", "VAPI_MCP_HOST"])


def test_known_settings_and_other_peoples_variables_pass() -> None:
    # The environment belongs to everybody; only our own prefix is ours to judge.
    environ = {"VAPI_MCP_PORT": "1", "VAPI_API_KEY": KEY, "PATH": "/bin", "VAPI_MC": "x"}
    check_environment(environ, ["VAPI_MCP_PORT"])


def test_settings_cannot_be_changed_once_made() -> None:
    # They are checked as a whole: a later change would go unchecked.
    settings = Settings()
    with pytest.raises(AttributeError):
        settings.base_url = "http://example.com"  # pyright: ignore[reportAttributeAccessIssue] - what is tried


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        (TOKEN, (TOKEN,)),
        (f" {TOKEN} \n", (TOKEN,)),
        (f"{TOKEN},{OTHER}", (TOKEN, OTHER)),
        (f"{TOKEN}\r\n{OTHER}\n", (TOKEN, OTHER)),
        (f",{TOKEN},, {OTHER} ,\n,", (TOKEN, OTHER)),
        ("0123456789abcdef", ("0123456789abcdef",)),
    ],
)
def test_tokens_are_listed_by_commas_or_lines(
    tmp_path: Path, text: str, tokens: tuple[str, ...]
) -> None:
    # The environment holds one line, a mounted secret is a file with one token a line.
    assert read_tokens({TOKENS: text}, TOKENS) == tokens
    file = tmp_path / "tokens"
    file.write_text(text, encoding="utf-8", newline="")
    assert read_tokens({f"{TOKENS}_FILE": str(file)}, TOKENS) == tokens


def test_no_tokens_are_no_error() -> None:
    # Most servers ask for none, and one list does without the other.
    assert read_tokens({}, TOKENS) == ()
    assert read_tokens({"VAPI_MCP_READ_TOKENS": TOKEN}, TOKENS) == ()


@pytest.mark.parametrize("text", ["", " ", ",", "\n, \n"])
def test_a_list_of_tokens_without_one_is_refused(tmp_path: Path, text: str) -> None:
    # Whoever sets it believes that callers are asked; an unset variable in a script is no consent.
    with pytest.raises(SettingsError, match="VAPI_MCP_TOKENS is set but holds no token"):
        read_tokens({TOKENS: text}, TOKENS)
    file = tmp_path / "tokens"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match="is set but holds no token") as error:
        read_tokens({f"{TOKENS}_FILE": str(file)}, TOKENS)
    assert str(file) in str(error.value)
    with pytest.raises(SettingsError, match="is set but holds no token"):
        read_tokens({f"{TOKENS}_FILE": ""}, TOKENS)


@pytest.mark.parametrize(
    "token",
    [
        "0123456789abcde",
        "token 0123456789abcdef",
        "token\t0123456789abcdef",
        "t\u00f6ken-0123456789abcdef",
        "token-0123456789\x00abcdef",
        "token-0123456789\x1b[0m",
    ],
)
def test_a_token_that_can_be_guessed_or_never_sent_is_refused_without_showing_it(
    token: str,
) -> None:
    # One of a few letters is found in minutes; one that no header holds would lock everybody out.
    with pytest.raises(SettingsError, match="VAPI_MCP_TOKENS holds a token that is too") as error:
        read_tokens({TOKENS: f"{TOKEN},{token}"}, TOKENS)
    assert token not in str(error.value)
    assert TOKEN not in str(error.value)


def test_two_sources_of_tokens_are_refused(tmp_path: Path) -> None:
    # After a rotation in one of them the old token would live on in the other.
    with pytest.raises(SettingsError, match="VAPI_MCP_TOKENS and VAPI_MCP_TOKENS_FILE are both"):
        read_tokens({TOKENS: TOKEN, f"{TOKENS}_FILE": str(tmp_path / "tokens")}, TOKENS)


def test_a_file_of_tokens_that_cannot_be_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    # Without the tokens the server would have to let in everybody or nobody.
    with pytest.raises(SettingsError, match=r"VAPI_MCP_TOKENS_FILE .* cannot be read: No such"):
        read_tokens({f"{TOKENS}_FILE": str(tmp_path / "none")}, TOKENS)


@pytest.mark.parametrize("text", ["a", "sk-1_2.3~4+5/6=", "!", "~"])
def test_visible_ascii_is_what_a_header_takes(text: str) -> None:
    # Keys are opaque: none may be refused for its looks.
    assert is_one_word(text)


@pytest.mark.parametrize("text", ["a b", "a\tb", "a\nb", "\x7f", "\u00e9", "a\u00a0b", "\ud83d"])
def test_all_else_is_not(text: str) -> None:
    # A line break would begin a header of the caller's own.
    assert not is_one_word(text)


def test_no_representation_of_settings_shows_a_token() -> None:
    # They end up where the key must not.
    settings = Settings(transports=("http",), tokens=(TOKEN,), read_tokens=(OTHER,))
    assert not [token for token in (TOKEN, OTHER) if token in f"{settings!r}{settings!s}"]


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({}, []),
        ({"tokens": (TOKEN,)}, ["token"]),
        ({"read_tokens": (TOKEN,)}, ["token"]),
        ({"auth": ("token",), "tokens": (TOKEN,), "read_tokens": (OTHER,)}, ["token"]),
        ({"auth": ("caller-key",)}, ["caller-key"]),
        ({"auth": ("caller-key",), "tokens": (TOKEN,)}, ["token", "caller-key"]),
        (OAUTH, ["oauth"]),
        ({**OAUTH, "auth": ("oauth", "caller-key")}, ["oauth", "caller-key"]),
        ({**OAUTH, "oauth_audiences": ("sessions",)}, ["oauth"]),
        ({**OAUTH, "oauth_issuer": "http://127.0.0.1:9000/realm"}, ["oauth"]),
    ],
    ids=str,
)
def test_callers_are_asked_as_the_settings_say(given: dict[str, Any], asked: list[Auth]) -> None:
    # Tokens that nobody asks for would be a trap: their owner believes the door is locked.
    settings = Settings(**{**SERVED, **given})
    ways: tuple[Auth, ...] = ("token", "oauth", "caller-key")
    assert [way for way in ways if settings.asks(way)] == asked


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"auth": ("token",)}, "--auth token needs tokens to compare with"),
        ({"tokens": (TOKEN,), "read_tokens": (OTHER, TOKEN)}, "A token stands both in"),
        ({**OAUTH, "tokens": (TOKEN,)}, "both read the Authorization header"),
        ({**OAUTH, "read_tokens": (TOKEN,)}, "both read the Authorization header"),
        ({**OAUTH, "auth": ("oauth", "token")}, "both read the Authorization header"),
        ({**OAUTH, "oauth_issuer": None}, "--auth oauth needs --oauth-issuer"),
        ({**OAUTH, "public_url": None}, "--auth oauth needs --oauth-issuer"),
        ({**OAUTH, "oauth_issuer": "http://issuer.example.com"}, "--oauth-issuer .* be https"),
        ({**OAUTH, "public_url": "http://sessions.example.com"}, "--public-url .* must be https"),
        ({**OAUTH, "public_url": "sessions.example.com"}, "--public-url .* must be https"),
        ({**OAUTH, "public_url": "https://h\n.x"}, "--public-url .* is not a URL"),
        ({**OAUTH, "public_url": "https://h/?x=1"}, "--public-url takes scheme, host, port and"),
        ({**OAUTH, "auth": ()}, "are for --auth oauth"),
        ({**OAUTH, "auth": ("caller-key",)}, "are for --auth oauth"),
        ({"oauth_audiences": ("sessions",)}, "are for --auth oauth"),
        ({"public_url": "https://sessions.example.com"}, "are for --auth oauth"),
        ({"auth": ("caller-key",), "allow_unauthenticated": True}, "contradicts --auth"),
        ({"tokens": (TOKEN,), "allow_unauthenticated": True}, "contradicts --auth"),
        ({"read_tokens": (TOKEN,), "allow_unauthenticated": True}, "contradicts --auth"),
        ({"transports": ("stdio",), "auth": ("caller-key",)}, "--auth caller-key asks who calls"),
        ({**OAUTH, "transports": ("stdio",)}, "--auth oauth asks who calls"),
    ],
    ids=str,
)
def test_ways_to_let_callers_in_that_contradict_each_other_are_refused(
    given: dict[str, Any], message: str
) -> None:
    # Whichever won, somebody would be let in who should not be, or nobody at all.
    with pytest.raises(SettingsError, match=message) as error:
        Settings(**{**SERVED, **given})
    assert TOKEN not in str(error.value)


@pytest.mark.parametrize(
    "given",
    [
        {"tokens": (TOKEN,)},
        {"read_tokens": (TOKEN,)},
        {"auth": ("caller-key",)},
        OAUTH,
        {"allow_unauthenticated": True},
    ],
    ids=str,
)
def test_a_server_that_asks_who_calls_may_be_reached_by_others(given: dict[str, Any]) -> None:
    # It must still say by which name: a token in a page's reach is no help against rebinding.
    assert Settings(**OPENED, **given, allowed_hosts=("sessions.example.com",))
    with pytest.raises(SettingsError, match="needs --allowed-host"):
        Settings(**OPENED, **given)


@pytest.mark.parametrize("id", ["a", "A-z_9", "5b8e0c9a-3f0d-4f7e-9a3b-0c1d2e3f4a5b", "x" * 128])
def test_a_server_is_pinned_to_what_can_be_an_id(id: str) -> None:
    # As everywhere else an id is told.
    assert Settings(only_assistants=(id, "b")).only_assistants == (id, "b")
    assert Settings(only_squad=id).only_squad == id


@pytest.mark.parametrize("id", ["", "a,b", "a b", "a/b", "*", "x" * 129, "a\n", "\u00e4"])
def test_a_pin_that_is_no_id_is_refused_by_its_option(id: str) -> None:
    # It would pin the server to nothing, or two ids in one to a third that does not exist.
    with pytest.raises(SettingsError, match=r"--only-assistant .* is not an id"):
        Settings(only_assistants=("a", id))
    with pytest.raises(SettingsError, match=r"--only-squad .* is not an id"):
        Settings(only_squad=id or " ")
