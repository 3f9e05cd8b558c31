"""The command of the evals, and how it says what it found."""

from dataclasses import replace

import pytest
from click.testing import CliRunner, Result

from evals.command import TASKS, command
from evals.report import Row, table


def ran(*arguments: str, **env: str | None) -> Result:
    keys = {"OPENAI_API_KEY": None, "ANTHROPIC_API_KEY": None}
    return CliRunner().invoke(command, arguments, env=keys | env)


def test_a_missing_key_is_one_line_and_exit_code_2() -> None:
    # It is what happens first; 1 would mean that a model failed.
    given = ("--base-url", "https://models.example.com/v1", "--model", "m")
    missing = ran(*given)
    assert missing.exit_code == 2
    assert missing.stderr == (
        "evals: OPENAI_API_KEY is not set: put the key for models.example.com there.\n"
    )
    blank = ran(*given, "--api", "anthropic", ANTHROPIC_API_KEY=" \n")
    assert blank.stderr.startswith("evals: ANTHROPIC_API_KEY is not set")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:99999/v1", "is not a URL."),
        ("https://[::1/v1", "is not a URL."),
        ("https://ü..example/v1", "is not a URL."),
        ("nonsense", "must be https, or http on this machine: the key must not cross a network"),
        ("http://models.example.com/v1", "must be https, or http on this machine"),
        ("https://a:b@models.example.com/v1", "takes scheme, host, port and path only."),
    ],
)
def test_a_url_that_cannot_be_used_is_one_line_and_exit_code_2(url: str, said: str) -> None:
    # Over plain http everybody on the way could read the key.
    found = ran("--base-url", url, "--model", "m", OPENAI_API_KEY="sk-made-up")
    assert found.exit_code == 2
    [line] = found.stderr.splitlines()
    assert line.startswith("evals: --base-url ")
    assert said in line


def test_what_is_given_wrongly_is_said() -> None:
    # A model must never be guessed: each has another price.
    assert "give both" in ran("--model", "m").stderr
    assert ran("--task", "no-such-task").exit_code == 2
    assert ran("--turns", "0").exit_code == 2


def test_the_tasks_are_listed() -> None:
    # `--task` takes their names.
    listed = ran("--list")
    assert listed.exit_code == 0
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(TASKS)


def test_the_table_says_why_a_task_failed() -> None:
    # "19 of 20" alone sends people to read transcripts.
    cost = Row(
        task="cost",
        faults=(),
        calls=("get_session",),
        failed_calls=0,
        tokens_in=1234,
        tokens_out=5,
    )
    erase = replace(cost, task="erase", faults=("it did not delete one",))
    rows = [cost, erase]
    lines = table(rows).splitlines()
    assert lines[1].split() == ["cost", "passed", "1", "1,234", "5"]
    assert lines[3] == "    it did not delete one"
    assert lines[-1] == "1 of 2 tasks passed; 2 calls, 2,468 tokens in, 10 out"
    assert erase.line() == ("erase: FAILED: it did not delete one (1 call, 1,234 tokens in, 5 out)")
