"""The command: what it refuses and how, what it reads, what it says about itself."""

import logging
import os
import socket
import sys
from pathlib import Path

import click
import pytest
from click.core import ParameterSource

from support.command import Run, refused
from vapi_sessions_mcp import __version__
from vapi_sessions_mcp.cli.main import command
from vapi_sessions_mcp.cli.skill import skill
from vapi_sessions_mcp.contract.operations import OPERATIONS

pytestmark = pytest.mark.clock

SNAPSHOT = Path(__file__).parents[1] / "snapshots" / "help.txt"
EXPOSED = ("--transport", "http", "--host", "0.0.0.0")
OPTIONS = [option for option in command.params if option.name != "version"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--nope"], "No such option '--nope'."),
        (["--tool-name", "short"], "No such option '--tool-name'. Did you mean '--tool-names'?"),
        (["bogus"], "No such command 'bogus'."),
        (["--port"], "Option '--port' requires an argument."),
        (["--port", "x"], "Invalid value for '--port': 'x' is not a valid whole number."),
        (["--port", "65536"], "Invalid value for '--port': 65536 is not in the range 0<=x<=65535."),
        (["--timeout", "0"], "Invalid value for '--timeout': 0.0 is not in the range 0.1<=x<=600."),
        (["--transport", "tcp"], "Invalid value for '--transport': 'tcp' is not one of 'stdio',"),
        (
            ["--transport", "sse"],
            "Invalid value for '--transport': sse was replaced by streamable HTTP, which is served:"
            " use http.",
        ),
        (["--transport", "http,sse"], "Invalid value for '--transport': sse was replaced by stre"),
        (["list_sessions"], "No such command 'list_sessions': did you mean `call list_sessions`?"),
        (["--transport", ""], "Invalid value for '--transport': '' is not one of 'stdio', 'http'"),
        (
            ["--transport", "stdio", "--transport", "rest"],
            "--transport stdio serves the one host that started it and goes with no other: start",
        ),
        (["--sandbox", "--sandbox-db", "/"], "Invalid value for '--sandbox-db': File '/' is a"),
        (["--sandbox-db", "x.db"], "--sandbox-db keeps the sandbox's data: add --sandbox."),
        (["--sandbox-now", "2028-02-29"], "--sandbox-now stops the sandbox's clock: add --sandbox"),
        (
            ["--sandbox", "--sandbox-now", "noon"],
            "Invalid value for '--sandbox-now': 'noon' is not a moment such as 2028-02-29T12:00",
        ),
        (
            ["demo", "--sandbox-now", "1999-12-31"],
            "Invalid value for '--sandbox-now': '1999-12-31' is not between the years 2000 and 29",
        ),
        (["sandbox", "--sandbox-now", "3000-01-01"], "Invalid value for '--sandbox-now': '3000-0"),
        (["--base-url", "http://api.vapi.ai"], "--base-url 'http://api.vapi.ai' must be https, or"),
        (EXPOSED, "--host 0.0.0.0 lets other machines in, and nothing asks them who they are: "),
        (
            [*EXPOSED, "--allow-unauthenticated"],
            "--host 0.0.0.0 needs --allowed-host: the name that clients put in the URL, such as",
        ),
        (
            ["sandbox", "--host", "0.0.0.0"],
            "--host 0.0.0.0 lets other machines in, and nothing asks them who they are: the"
            " sandbox serves this machine only.",
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) else " ".join(map(str, value)),
)
def test_what_cannot_be_started_is_one_line_that_says_why(
    run: Run, arguments: list[str], line: str
) -> None:
    # Desktop hosts show the last line of stderr; a usage text or stack trace would hide it.
    assert refused(run(*arguments)).startswith(line)


def test_a_time_that_is_no_number_is_refused(run: Run) -> None:
    # Compared with NaN no deadline ever passes, so a call could wait for ever.
    assert "'--timeout'" in refused(run("--timeout", "nan", *EXPOSED))


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        (
            {"VAPI_MCP_TRANSPROT": "http"},
            "VAPI_MCP_TRANSPROT is not a setting: did you mean VAPI_MCP_TRANSPORT?",
        ),
        (
            {"VAPI_MCP_API_KEY": "secret-1"},
            "VAPI_MCP_API_KEY is not a setting: the key is read from VAPI_API_KEY.",
        ),
        ({"VAPI_MCP_": "1"}, "VAPI_MCP_ is not a setting: "),
        ({"VAPI_MCP_VERSION": "0.1"}, "VAPI_MCP_VERSION is not a setting: "),
        ({"VAPI_MCP_QQQQQQQQQQQQQQ": "1"}, "VAPI_MCP_QQQQQQQQQQQQQQ is not a setting: there are "),
        (
            {"VAPI_MCP_ONLY_ASSISTANT": ""},
            "VAPI_MCP_ONLY_ASSISTANT is set but empty: give it a value, or unset it.",
        ),
        ({"VAPI_MCP_READ_ONLY": " "}, "VAPI_MCP_READ_ONLY is set but empty: give it a value, or"),
        ({"VAPI_MCP_PORT": "http"}, "Invalid value for 'VAPI_MCP_PORT': 'http' is not a valid"),
        (
            {"VAPI_MCP_READ_ONLY": "maybe"},
            "Invalid value for 'VAPI_MCP_READ_ONLY': 'maybe' is neither true nor false.",
        ),
        (
            {"VAPI_MCP_CONFIRM_DELETE": "maybe"},
            "Invalid value for 'VAPI_MCP_CONFIRM_DELETE': 'maybe' is not one of 'person', 'argum",
        ),
        ({"VAPI_BASE_URL": "ftp://localhost"}, "VAPI_BASE_URL 'ftp://localhost' must be https, "),
        ({"VAPI_MCP_BASE_URL": "ftp://h"}, "VAPI_MCP_BASE_URL 'ftp://h' must be https, or http "),
        (
            {"VAPI_MCP_TRANSPORT": "http", "VAPI_MCP_HOST": "0.0.0.0"},
            "VAPI_MCP_HOST=0.0.0.0 lets other machines in, and nothing asks them who they are: ",
        ),
        (
            {"VAPI_MCP_TRANSPORT": "http", "VAPI_MCP_AUTH": "oauth"},
            "VAPI_MCP_AUTH=oauth needs --oauth-issuer, the authorization server, and --public-ur",
        ),
        (
            {"VAPI_MCP_TRANSPORT": "http,rest", "VAPI_MCP_PORT": "1", "VAPI_MCP_REST_PORT": "1"},
            "VAPI_MCP_PORT and VAPI_MCP_REST_PORT are both 1, and http and rest need a port each",
        ),
        (
            {"VAPI_MCP_ONLY_ASSISTANT": "a/b"},
            "VAPI_MCP_ONLY_ASSISTANT 'a/b' is not an id; several are given one by one, or with",
        ),
        ({"VAPI_MCP_SANDBOX_DB": "x"}, "VAPI_MCP_SANDBOX_DB keeps the sandbox's data: add --san"),
        (
            {"VAPI_API_KEY": "secret-1", "VAPI_API_KEY_FILE": "/key"},
            "VAPI_API_KEY and VAPI_API_KEY_FILE are both set: unset one of them.",
        ),
        (
            {"VAPI_API_KEY": "secret-1 secret-2"},
            "VAPI_API_KEY holds something other than one API key.",
        ),
        ({"VAPI_API_KEY": "secret-\u00e9"}, "VAPI_API_KEY holds something other than one API key."),
        (
            {"VAPI_API_KEY_FILE": "/nowhere/key"},
            "VAPI_API_KEY_FILE (/nowhere/key) cannot be read: No such file or directory.",
        ),
        ({"VAPI_API_KEY_FILE": "/"}, "VAPI_API_KEY_FILE (/) cannot be read: Is a directory."),
        (
            {"VAPI_API_KEY_FILE": os.devnull},
            f"VAPI_API_KEY_FILE ({os.devnull}) is empty: put the API key in it.",
        ),
        (
            {"VAPI_API_KEY_FILE": sys.executable},
            f"VAPI_API_KEY_FILE ({sys.executable}) cannot be read: no text in UTF-8 or UTF-16.",
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) else ",".join(map(str, value)),
)
def test_an_environment_that_cannot_be_used_is_one_line_that_says_why(
    run: Run, environment: dict[str, str], line: str
) -> None:
    # A misspelt or unread setting would be found out in production; a key in a log, never.
    told = refused(run(**environment))
    assert told.startswith(line)
    assert "secret" not in told


def test_a_database_that_is_not_sqlite_is_one_line(run: Run, tmp_path: Path) -> None:
    # The file may be somebody's document: it is named, and left as it was.
    file = tmp_path / "notes.txt"
    file.write_text("not a database, but long enough to be taken for one\n" * 100)
    before = file.read_bytes()
    for arguments in (["--sandbox"], ["sandbox"]):
        told = refused(run(*arguments, "--sandbox-db", str(file)))
        assert told == f"Cannot keep the sandbox's sessions in '{file}': file is not a database."
    assert file.read_bytes() == before


def test_a_port_in_use_is_one_line(run: Run) -> None:
    # The commonest mistake at a start, so it names the port and the way out.
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for arguments in (["--transport", "http", "--sandbox"], ["sandbox"]):
            assert refused(run(*arguments, "--port", port)) == (
                f"cannot listen on 127.0.0.1:{port}: Address already in use. Choose another --port."
            )
        both = ("--transport", "http", "--transport", "rest", "--port", "0", "--rest-port", port)
        assert refused(run(*both)).endswith("in use. Choose another --rest-port.")


def valid(option: click.Parameter) -> str:
    """A value that `option` takes and that is not its default."""
    if isinstance(option.type, click.Choice):
        return str(option.type.choices[-1])
    if option.name == "base_url":
        return "https://api.eu.vapi.ai"
    if option.name == "workers":
        return "2"
    if option.name == "max_result_bytes":
        return "2000"
    if option.name == "sandbox_now":
        return "2028-02-29"
    return "1"


def variable(option: click.Parameter) -> str:
    """The variable that the README promises for `option`."""
    return "VAPI_MCP_" + option.opts[0].removeprefix("--").replace("-", "_").upper()


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.opts[0])
def test_every_option_can_be_set_in_the_environment(
    run: Run, monkeypatch: pytest.MonkeyPatch, option: click.Parameter
) -> None:
    # Containers and hosts' configuration files set variables, not arguments.
    assert option.name
    # It is known: what stops this command is what stops it without the variable, too.
    told = refused(run(*EXPOSED, **{variable(option): valid(option)}))
    assert told.startswith(
        (
            "--host 0.0.0.0 lets other machines in",
            "--host 0.0.0.0 needs",
            "VAPI_MCP_OAUTH_ISSUER, --oauth-audience and --public-url are for --auth oauth",
            "--oauth-issuer, VAPI_MCP_OAUTH_AUDIENCE and --public-url are for --auth oauth",
            "--oauth-issuer, --oauth-audience and VAPI_MCP_PUBLIC_URL are for --auth oauth",
        )
    )
    # And it is read.
    monkeypatch.setenv(variable(option), valid(option))
    context = command.make_context("vapi-sessions-mcp", [])
    assert context.get_parameter_source(option.name) is ParameterSource.ENVIRONMENT
    assert context.params[option.name] != option.get_default(context)


def test_an_argument_wins_over_its_variable(run: Run) -> None:
    # Who types an argument means it now; the variable was set long ago.
    ended = run("--transport", "http", VAPI_MCP_TRANSPORT="stdio", VAPI_MCP_HOST="0.0.0.0")
    assert refused(ended).startswith("VAPI_MCP_HOST=0.0.0.0 lets other machines in")
    ended = run("--transport", "http", "--host", "::", VAPI_MCP_HOST="0.0.0.0")
    assert refused(ended).startswith("--host :: lets other machines in")


def test_a_subcommand_s_options_are_known_variables_too(run: Run) -> None:
    # What one command reads must not stop the others.
    given = {"VAPI_MCP_SANDBOX_PORT": "9901", "VAPI_MCP_SANDBOX_HOST": "0.0.0.0"}
    assert refused(run("sandbox", **given)).startswith("--host 0.0.0.0 lets other machines in")


def test_the_help_is_what_was_reviewed(run: Run) -> None:
    # It is the manual most people read; UPDATE_SNAPSHOTS=1 rewrites it.
    names = [[], *([name] for name in command.list_commands(click.Context(command)))]
    names += [["call", row.short_name] for row in OPERATIONS]
    names += [["skill", name] for name in sorted(skill.commands)]
    shown = [run(*name, "--help").out for name in names]
    assert run("-h").out == shown[0]
    text = "\n".join(shown)
    if os.environ.get("UPDATE_SNAPSHOTS"):
        SNAPSHOT.write_text(text, encoding="utf-8")
    assert text == SNAPSHOT.read_text(encoding="utf-8")


def test_the_openapi_document_is_printed(run: Run) -> None:
    # Client generators read it from a file, without a server.
    code, out, err = run("openapi")
    assert (code, err) == (0, "")
    assert out == (SNAPSHOT.parent / "openapi.json").read_text(encoding="utf-8")


def test_the_version_is_told_on_stdout(run: Run) -> None:
    # The first thing that support asks for.
    assert run("--version") == (0, f"vapi-sessions-mcp {__version__}\n", "")


@pytest.mark.parametrize(
    ("level", "own", "others", "http"),
    [
        ("debug", logging.DEBUG, logging.INFO, logging.WARNING),
        ("info", logging.INFO, logging.WARNING, logging.WARNING),
        ("error", logging.ERROR, logging.ERROR, logging.ERROR),
    ],
)
def test_the_http_client_is_never_logged_below_warning(
    run: Run, level: str, own: int, others: int, http: int
) -> None:
    # At INFO it logs whole URLs, with customers' numbers and e-mail addresses in them.
    run("--log-level", level, *EXPOSED)
    names = ("vapi_sessions_mcp.vapi", "mcp.server", "httpx2")
    levels = [logging.getLogger(name).getEffectiveLevel() for name in names]
    assert levels == [own, others, http]
