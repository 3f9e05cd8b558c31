"""The command ends in an exit code and one line, whatever happens in it."""

import logging
from collections.abc import Callable

import click
import pytest

from vapi_sessions_mcp.cli.endings import run
from vapi_sessions_mcp.settings import SettingsError

pytestmark = pytest.mark.clock

WORDS = "hunter2 +14155550123"


def raising(error: BaseException) -> click.Group:
    """A command that ends with `error`."""

    @click.group()
    def group() -> None:
        pass

    @group.command()
    def fail() -> None:
        raise error

    return group


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (TypeError(WORDS), "TypeError"),
        (ExceptionGroup(WORDS, [ExceptionGroup(WORDS, [KeyError(WORDS)])]), "KeyError"),
        (AssertionError(WORDS), "AssertionError"),
        (RecursionError(), "RecursionError"),
        (OSError(5, WORDS), "OSError"),
    ],
    ids=str,
)
def test_what_nobody_foresaw_is_one_sentence_and_1(
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    name: str,
) -> None:
    # A stack trace shows what customers said, and helps nobody who is not at home in this code.
    with caplog.at_level(logging.DEBUG, "vapi_sessions_mcp"):
        assert run(raising(error), ["fail"]) == 1
    assert capsys.readouterr() == (
        "",
        f"vapi-sessions-mcp: stopped by a fault of its own ({name}): --log-level debug says where"
        " it is; please report it.\n",
    )
    [record] = caplog.records
    assert (record.levelname, vars(record)["fields"]["exception"]) == ("DEBUG", name)
    assert WORDS not in caplog.text


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (SettingsError("a\n b"), 2, "vapi-sessions-mcp: a b\n"),
        (ExceptionGroup("", [SettingsError("a")]), 2, "vapi-sessions-mcp: a\n"),
        (click.UsageError("a"), 2, "vapi-sessions-mcp: a\n"),
        (KeyboardInterrupt(), 130, ""),
        (click.Abort(), 130, ""),
        (click.exceptions.Exit(7), 7, ""),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_was_foreseen_has_its_code(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, said: str
) -> None:
    # Scripts go by the code, and hosts show the last line.
    assert run(raising(error), ["fail"]) == code
    assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize(("answer", "code"), [(lambda: None, 0), (lambda: 3, 3)], ids=["0", "3"])
def test_a_subcommand_says_how_it_went(answer: Callable[[], int | None], code: int) -> None:
    # `call` has codes of its own.
    group = click.Group(commands={"do": click.Command("do", callback=answer)})
    assert run(group, ["do"]) == code


def test_help_for_want_of_a_command_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    # A script that forgot the command has not worked.
    assert run(raising(ValueError()), []) == 2
    assert "Commands:" in capsys.readouterr().err
