"""Options: made from the settings, given once or several times, and set in the environment."""

from dataclasses import fields

import click
import pytest

from support.command import Run, refused
from vapi_sessions_mcp.cli.environment import check_environment, names_read
from vapi_sessions_mcp.cli.main import command
from vapi_sessions_mcp.settings import Settings, SettingsError

pytestmark = pytest.mark.clock

SECRETS = {"api_key", "key_fault", "tokens", "read_tokens", "webhook_secrets", "redis_url"}


def test_every_setting_but_the_secrets_is_an_option_with_the_same_default() -> None:
    # A server that is started by hand and one that a test builds must be the same server.
    given = command.make_context("vapi-sessions-mcp", []).params
    default = Settings()
    assert given == {
        setting.name: getattr(default, setting.name)
        for setting in fields(Settings)
        if setting.name not in SECRETS
    }


def test_settings_that_are_no_options_stay_off_the_command_line_and_out_of_sight() -> None:
    # Every process on a machine can read command lines, and settings end up in logs.
    assert {setting.name for setting in fields(Settings) if not setting.repr} == SECRETS
    assert not SECRETS & {option.name for option in command.params}


@pytest.mark.parametrize(
    "arguments",
    [("--only-squad", "q1", "--only-squad", "q2"), ()],
    ids=["given twice", "two in the environment"],
)
def test_a_second_squad_is_refused_with_the_reason(run: Run, arguments: tuple[str, ...]) -> None:
    # The last one alone, which is what Click takes, would hide the other squad's sessions.
    variable = {} if arguments else {"VAPI_MCP_ONLY_SQUAD": "q1 q2"}
    name = "--only-squad" if arguments else "VAPI_MCP_ONLY_SQUAD"
    assert refused(run(*arguments, **variable)) == (
        f"Invalid value for '{name}': there can be only one, got q1, q2."
        " Vapi can list one squad at a time: start a server for each."
    )


@pytest.mark.parametrize("name", ["bytes", "chars"])
def test_the_budget_is_read_under_its_former_name_too(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    # Configurations that people have must go on working.
    given = command.make_context("vapi-sessions-mcp", [f"--max-result-{name}", "3000"]).params
    assert given["max_result_bytes"] == 3_000
    monkeypatch.setenv(f"VAPI_MCP_MAX_RESULT_{name.upper()}", "4000")
    assert command.make_context("vapi-sessions-mcp", []).params["max_result_bytes"] == 4_000
    # What is typed counts more than what is set, whichever the name.
    for option in ("--max-result-bytes", "--max-result-chars"):
        given = command.make_context("vapi-sessions-mcp", [option, "5000"]).params
        assert given["max_result_bytes"] == 5_000


def test_both_names_of_the_budget_with_two_values_are_refused(run: Run) -> None:
    # Either could be the one that is meant.
    said = (
        "Invalid value for '--max-result-bytes' / '--max-result-chars': there can be only one,"
        " got 3000, 4000. --max-result-chars is its former name."
    )
    both = ("--max-result-bytes", "3000", "--max-result-chars", "4000")
    assert refused(run(*both)) == said
    variables = {"VAPI_MCP_MAX_RESULT_BYTES": "3000", "VAPI_MCP_MAX_RESULT_CHARS": "4000"}
    assert refused(run(**variables)) == said.replace(
        "'--max-result-bytes' / '--max-result-chars'", "'VAPI_MCP_MAX_RESULT_BYTES'"
    )
    same = command.make_context("x", [*both[:3], "3000"]).params
    assert same["max_result_bytes"] == 3_000


def test_pins_are_ids_as_they_were_given() -> None:
    # Any number of assistants, or one squad.
    assistants = ["--only-assistant", "a1", "--only-assistant", "a2"]
    given = command.make_context("vapi-sessions-mcp", assistants).params
    assert (given["only_assistants"], given["only_squad"]) == (("a1", "a2"), None)
    given = command.make_context("vapi-sessions-mcp", ["--only-squad", "q1"]).params
    assert (given["only_assistants"], given["only_squad"]) == ((), "q1")


def test_assistants_and_a_squad_together_stop_the_start(run: Run) -> None:
    # Before the first customer's session is asked for, not when it is missed.
    both = ("--only-assistant", "a", "--only-squad", "q")
    assert refused(run(*both)).startswith("--only-assistant and --only-squad exclude each other")


def test_an_empty_pin_is_refused(run: Run) -> None:
    # Taken for "no pin", it would open the server to every session.
    told = refused(run("--only-squad", ""))
    assert told.startswith("--only-squad '' is not an id")
    told = refused(run("--only-assistant", ""))
    assert told.startswith("--only-assistant '' is not an id")


@pytest.mark.parametrize(
    ("words", "transports"),
    [
        (["streamable-http"], ("http",)),
        (["streamable_http"], ("http",)),
        (["HTTP"], ("http",)),
        (["http,rest"], ("http", "rest")),
        (["http, rest"], ("http", "rest")),
        (["http\nrest"], ("http", "rest")),
        (["streamable-http,rest"], ("http", "rest")),
        (["http", "rest"], ("http", "rest")),
    ],
    ids=str,
)
def test_a_transport_has_the_names_that_people_know_it_by(
    monkeypatch: pytest.MonkeyPatch, words: list[str], transports: tuple[str, ...]
) -> None:
    # Clients' configurations say streamable-http, and lists are written with commas.
    given = [part for word in words for part in ("--transport", word)]
    assert command.make_context("vapi-sessions-mcp", given).params["transports"] == transports
    monkeypatch.setenv("VAPI_MCP_TRANSPORT", " ".join(words))
    assert command.make_context("vapi-sessions-mcp", []).params["transports"] == transports


def test_the_help_lists_what_hosting_needs_apart(run: Run) -> None:
    # Most people serve stdio, and look for the dozen options that concern them.
    everyday, heading, hosting = run("--help").out.partition("\nOptions for hosting:\n")
    assert heading
    for option in ("--read-only", "--only-assistant ID", "--sandbox", "--base-url URL", "--help"):
        assert f"{option} " in everyday
        assert f"{option} " not in hosting
    for option in ("--transport [stdio|http|rest]", "--port PORT", "--grace SECONDS"):
        assert f"  {option} " in hosting
        assert f"  {option} " not in everyday


def test_the_variables_of_a_command_are_those_of_its_options_and_subcommands() -> None:
    # A name that is not among them stops the start.
    names = names_read(command)
    for option in command.params:
        if isinstance(option, click.Option) and option.name != "version":
            name = option.opts[0].removeprefix("--").replace("-", "_").upper()
            assert f"VAPI_MCP_{name}" in names
    assert {"VAPI_MCP_SANDBOX_HOST", "VAPI_MCP_SANDBOX_PORT"} < names
    assert all(name.startswith("VAPI_MCP_") for name in names)


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
    environ = {"VAPI_MCP_PORT": "1", "VAPI_API_KEY": "made-up", "PATH": "/bin", "VAPI_MC": "x"}
    check_environment(environ, ["VAPI_MCP_PORT"])
