"""Variables that others wrote: Kubernetes, a bundle, a template that nobody filled in."""

import json
from pathlib import Path

import pytest

from support.command import Run, refused
from vapi_sessions_mcp.cli.environment import is_blank, is_service_link, names_read
from vapi_sessions_mcp.cli.main import NARROWING, command

pytestmark = pytest.mark.clock

# What Kubernetes sets in a namespace that has Services `vapi-mcp` (two ports, one of them
# named), `vapi-mcp-rest` and `vapi-mcp-sandbox`.
LINKS = {
    "VAPI_MCP_SERVICE_HOST": "10.96.0.7",
    "VAPI_MCP_SERVICE_PORT": "9090",
    "VAPI_MCP_SERVICE_PORT_REST_API": "8080",
    "VAPI_MCP_PORT": "tcp://10.96.0.7:9090",
    "VAPI_MCP_PORT_9090_TCP": "tcp://10.96.0.7:9090",
    "VAPI_MCP_PORT_9090_TCP_PROTO": "tcp",
    "VAPI_MCP_PORT_9090_TCP_PORT": "9090",
    "VAPI_MCP_PORT_9090_TCP_ADDR": "10.96.0.7",
    "VAPI_MCP_PORT_53_UDP": "udp://10.96.0.7:53",
    "VAPI_MCP_REST_PORT": "tcp://[fd00::7]:8080",
    "VAPI_MCP_REST_SERVICE_HOST": "fd00::7",
    "VAPI_MCP_SANDBOX_PORT": "tcp://10.96.0.9:9900",
    "VAPI_MCP_SANDBOX_PORT_9900_TCP_ADDR": "10.96.0.9",
}
LISTED = (
    *("--sandbox", "--sandbox-now", "2028-02-29"),
    *("call", "list_sessions", "--limit", "1"),
)
NAMES = sorted(names_read(command))


def test_what_kubernetes_sets_for_a_service_is_not_ours(run: Run) -> None:
    # A Service called vapi-mcp is the obvious one, and no pod beside it started.
    with_links = run(*LISTED, **LINKS)
    assert with_links.code == 0
    assert with_links == run(*LISTED)
    context = command.make_context("vapi-sessions-mcp", [])
    assert (context.params["port"], context.params["rest_port"]) == (9090, 8080)


@pytest.mark.parametrize("name", LINKS)
def test_each_of_them_is_known_by_its_shape(run: Run, name: str) -> None:
    # One that was overlooked would stop the start by itself.
    assert is_service_link(name, LINKS[name])
    assert run("--sandbox", "call", "list_sessions", **{name: LINKS[name]}).code == 0


@pytest.mark.parametrize("name", NAMES)
def test_no_setting_of_ours_is_taken_for_one(name: str) -> None:
    # It would be ignored without a word.
    for value in ("1", "9090", "localhost", "10.0.0.7", "https://x.example.com"):
        assert not is_service_link(name, value)


@pytest.mark.parametrize("value", ["tcp://", "http://10.0.0.7:9090", "0x1F", "9090 "])
def test_a_port_that_is_neither_ours_nor_kubernetes_s_is_refused(run: Run, value: str) -> None:
    # Only what Kubernetes writes is ignored.
    told = refused(run("--transport", "http", "--host", "::", VAPI_MCP_PORT=value))
    if value in ("9090 ", "tcp://"):
        assert told.startswith("--host :: lets other machines in")
    else:
        assert told.startswith("Invalid value for 'VAPI_MCP_PORT': ")


BLANK = ["", " ", "\n\t", "${user_config.setting}", " ${user_config.a.b} "]


@pytest.mark.parametrize("value", BLANK)
def test_blank_is_nothing_or_what_a_bundle_leaves_where_nobody_filled_it(value: str) -> None:
    # Claude Desktop's bundles hand on the placeholder of an optional setting as it is.
    assert is_blank(value)
    assert not is_blank(f"x{value}")


@pytest.mark.parametrize("value", BLANK)
@pytest.mark.parametrize("name", sorted(NARROWING))
def test_blank_stops_the_start_where_it_would_leave_power(run: Run, name: str, value: str) -> None:
    # Whoever sets VAPI_MCP_READ_ONLY= believes that nothing can be changed.
    told = refused(run("--sandbox", "call", "list_sessions", **{name: value}))
    said = "a placeholder that nobody filled in" if value.strip() else "set but empty"
    assert told == f"{name} is {said}: give it a value, or unset it."


@pytest.mark.parametrize("value", BLANK)
def test_blank_is_not_given_for_every_other_setting(
    run: Run, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    # A form whose optional fields are empty must not stop anything.
    others = dict.fromkeys({*NAMES, "VAPI_BASE_URL"} - NARROWING, value)
    assert len(others) > 20
    assert run(*LISTED, **others) == run(*LISTED)
    before = command.make_context("vapi-sessions-mcp", []).params
    for name in others:
        monkeypatch.setenv(name, value)
    assert command.make_context("vapi-sessions-mcp", []).params == before


def test_what_takes_power_away_is_what_the_page_says() -> None:
    # The rule is one only if the document has all of its exceptions.
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
    sentence = page.partition("A blank one stops the start for ")[2].partition(".\n")[0]
    named = {word.strip("`") for word in sentence.replace(",", " ").split() if "`" in word}
    assert {f"VAPI_MCP_{word}" for word in named} == {
        name for name in NARROWING if not name.endswith("_FILE")
    }


@pytest.mark.parametrize("subcommand", [("openapi",), ("skill", "show"), ("skill", "--help")])
def test_what_serves_nothing_is_the_same_whatever_is_set(
    run: Run, subcommand: tuple[str, ...]
) -> None:
    # Somebody looks there for what is wrong with the settings.
    environ = {
        "VAPI_MCP_NO_SUCH_SETTING": "1",
        "VAPI_MCP_PORT": "x",
        "VAPI_MCP_READ_ONLY": "",
        "VAPI_MCP_SKILL_INSTALL_FORCE": "maybe",
    }
    ended = run(*subcommand, **environ)
    assert (ended.code, ended.err) == (0, "")
    assert ended == run(*subcommand)
    assert json.dumps(ended.out)
