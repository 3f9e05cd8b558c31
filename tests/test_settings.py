"""Settings: which are accepted, which are refused, and with which words."""

from pathlib import Path
from typing import Any

import pytest

from vapi_sessions_mcp.setting_option import Transport
from vapi_sessions_mcp.settings import Auth, Settings, SettingsError
from vapi_sessions_mcp.settings_rules import is_loopback, is_one_word

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


@pytest.mark.parametrize(
    ("metrics", "address"),
    [
        ("9464", ("127.0.0.1", 9464)),
        ("0", ("127.0.0.1", 0)),
        ("0.0.0.0:9464", ("0.0.0.0", 9464)),
        ("[::]:9464", ("::", 9464)),
        ("metrics.example.com:9464", ("metrics.example.com", 9464)),
    ],
)
def test_metrics_are_for_this_machine_unless_an_address_is_given(
    metrics: str, address: tuple[str, int]
) -> None:
    # How much somebody calls is nothing that a network should be told by mistake.
    assert Settings(transports=("http",), metrics=metrics).metrics_address == address


@pytest.mark.parametrize(
    "metrics",
    ["", "a", "host:", ":9464", "65536", "0.0.0.0", "::1:9464", "http://a:1", "a:b:1", "-1"],
)
def test_metrics_that_are_at_no_address_are_refused(metrics: str) -> None:
    # Said at the start, with what was given, or somebody waits for metrics that never come.
    with pytest.raises(SettingsError, match=r"is not \[HOST:\]PORT, such as 9464") as error:
        Settings(transports=("http",), metrics=metrics)
    assert str(error.value).startswith(f"--metrics {metrics!r} is not")


@pytest.mark.parametrize(("metrics", "workers"), [("9090", 1), ("0.0.0.0:9089", 2), ("8077", 4)])
def test_metrics_take_no_port_that_callers_reach(metrics: str, workers: int) -> None:
    # Of several workers the last has the last port.
    both: tuple[Transport, ...] = ("http", "rest")
    with pytest.raises(SettingsError, match="needs a port of its own"):
        Settings(transports=both, metrics=metrics, workers=workers)
    assert Settings(transports=both, metrics="9091", workers=workers)


def test_each_worker_has_a_port_for_its_metrics() -> None:
    # The port behind the last there is was a crash, which asked for a report of it.
    Settings(transports=("http",), metrics="65534", workers=2)
    Settings(transports=("http",), metrics="65535")
    with pytest.raises(SettingsError) as error:
        Settings(transports=("http",), metrics="0.0.0.0:65535", workers=2)
    assert str(error.value) == (
        "--metrics 0.0.0.0:65535 leaves no ports for 2 workers, which have one each: begin at"
        " 65534 or below."
    )


def test_a_server_that_others_reach_must_name_its_hosts() -> None:
    # Without them a web page could reach it by rebinding its own name.
    with pytest.raises(SettingsError, match="needs --allowed-host"):
        Settings(transports=("http",), host="0.0.0.0", allow_unauthenticated=True)


NAMED: dict[str, Any] = {**SERVED, "allowed_hosts": ("localhost", "sessions.example.com")}


def test_a_name_that_others_call_loopback_by_must_say_that_nobody_is_asked() -> None:
    # A tunnel or a proxy brings everybody who knows the name to 127.0.0.1.
    with pytest.raises(SettingsError, match="add --allow-unauthenticated") as error:
        Settings(**NAMED)
    assert str(error.value).startswith("--allowed-host sessions.example.com lets in whoever")


@pytest.mark.parametrize(
    "given",
    [
        {**NAMED, "allow_unauthenticated": True},
        {**NAMED, "tokens": (TOKEN,)},
        {**NAMED, "auth": ("caller-key",)},
        {**NAMED, **OAUTH},
        {**NAMED, "allowed_hosts": ("localhost", "127.0.0.1", "[::1]")},
        {**NAMED, "transports": ("stdio",)},
    ],
    ids=["spelled out", "tokens", "keys", "OAuth", "this machine's own names", "no port"],
)
def test_a_name_is_given_where_callers_are_asked_or_nobody_else_can_use_it(
    given: dict[str, Any],
) -> None:
    # The usual set-up is a proxy on the same machine, with tokens.
    assert Settings(**given).allowed_hosts == given["allowed_hosts"]


def test_settings_cannot_be_changed_once_made() -> None:
    # They are checked as a whole: a later change would go unchecked.
    settings = Settings()
    with pytest.raises(AttributeError):
        settings.base_url = "http://example.com"  # pyright: ignore[reportAttributeAccessIssue] - what is tried


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
        ({"tokens": (TOKEN,), "read_tokens": (OTHER, TOKEN)}, "hold the same token: make two"),
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
    # The same ids as in a call: what works there must work here.
    assert Settings(only_assistants=(id, "b")).only_assistants == (id, "b")
    assert Settings(only_squad=id).only_squad == id


@pytest.mark.parametrize("id", ["", "a,b", "a b", "a/b", "*", "x" * 129, "a\n", "\u00e4"])
def test_a_pin_that_is_no_id_is_refused_by_its_option(id: str) -> None:
    # It would pin the server to nothing, or two ids in one to a third that does not exist.
    with pytest.raises(SettingsError, match=r"--only-assistant .* is not an id"):
        Settings(only_assistants=("a", id))
    with pytest.raises(SettingsError, match=r"--only-squad .* is not an id"):
        Settings(only_squad=id)


def test_assistants_and_a_squad_cannot_be_pinned_together() -> None:
    # Vapi would list what is of both, and the owner would miss what is of either.
    with pytest.raises(SettingsError, match="exclude each other: Vapi cannot list") as error:
        Settings(only_assistants=("a",), only_squad="q")
    assert str(error.value).endswith("Start a second server for the squad.")


def test_workers_and_a_sandbox_exclude_each_other() -> None:
    # A session that was made in one would not be found in the next.
    with pytest.raises(SettingsError, match="--workers would start a sandbox in each of them"):
        Settings(transports=("http",), workers=2, sandbox=True)
    assert Settings(transports=("http",), workers=1, sandbox=True).sandbox


def test_a_sandbox_database_needs_the_sandbox() -> None:
    # Whoever names a database expects that nothing reaches the real Vapi.
    with pytest.raises(SettingsError, match="--sandbox-db keeps the sandbox's data: add --sandbox"):
        Settings(sandbox_db=Path("x.db"))
    assert Settings(sandbox=True, sandbox_db=Path("x.db")).sandbox


ORIGIN = "https://app.example.com"
ORIGINS = [ORIGIN, f"{ORIGIN}:8443", "http://localhost:5173", "chrome-extension://abc", "app://a"]


@pytest.mark.parametrize("origin", ORIGINS)
def test_an_origin_is_what_a_browser_sends(origin: str) -> None:
    # Each is compared as it is, letter by letter.
    assert Settings(transports=("http",), allowed_origins=(ORIGIN, origin))


@pytest.mark.parametrize(
    ("origin", "reason"),
    [
        ("null", "would let in files, sandboxed frames and whoever makes one"),
        ("*", "would let in pages that nobody here knows: list the origins one by one"),
        ("https://*.example.com", "would let in pages that nobody here knows"),
        *(
            (origin, "is not what a browser sends: scheme, host and a port that is not the usual")
            for origin in (
                *(
                    "",
                    "app.example.com",
                    f"{ORIGIN}/",
                    f"{ORIGIN}/mcp",
                    f"{ORIGIN}?a",
                    f"{ORIGIN}#",
                ),
                *(f"{ORIGIN}:443", "http://app.example.com:80", "https://App.example.com"),
                *("HTTPS://app.example.com", "https://a@app.example.com", f" {ORIGIN}", "://a"),
                *("https://", f"{ORIGIN}\n"),
            )
        ),
    ],
)
def test_what_can_never_be_an_origin_or_is_everybody_s_stops_the_start(
    origin: str, reason: str
) -> None:
    # An option that can never match would be found out by a page that does not work.
    with pytest.raises(SettingsError) as error:
        Settings(transports=("http",), allowed_origins=(origin,))
    assert str(error.value).startswith("--allowed-origin ")
    assert reason in str(error.value)
