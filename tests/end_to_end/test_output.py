"""Output into a terminal without our characters, a closed pipe and a full disk."""

import json
import os
import pty
import subprocess
from contextlib import suppress

import pytest

from support.processes import COMMAND, environment

JAPANESE = "4bfd14f3-75b1-5555-b7fe-248eecf1a73f"
OUTPUT: dict[str, tuple[str, ...]] = {
    "help": ("--help",),
    "help of call": ("call", "--help"),
    "help of a tool": ("call", "list_sessions", "--help"),
    "version": ("--version",),
    "openapi": ("openapi",),
    "skill": ("skill", "show"),
    "demo": ("demo",),
    "a list": ("--sandbox", "call", "list_sessions"),
}
# What these do at their end, whatever the others do: to measure those takes ten seconds.
MEASURED = ("help", "demo", "a list")
each_command = pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(arguments, id=name, marks=[pytest.mark.measured] * (name in MEASURED))
        for name, arguments in OUTPUT.items()
    ],
)


def ended(
    *arguments: str, stdout: int = subprocess.PIPE, **env: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(**env),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )


@each_command
def test_a_code_page_without_our_characters_shows_others(arguments: tuple[str, ...]) -> None:
    # On Windows the help ended at its first "\u2026", in a stack trace.
    found = ended(*arguments, PYTHONIOENCODING="cp437")
    assert (found.returncode, found.stderr.replace(b"note:", b"")[:9]) in (
        (0, b""),
        (0, b" Only the"),
    )
    if "--help" in arguments[:1]:
        assert b"vapi-sessioncontroller... or create_session, list_sessions..." in b" ".join(
            found.stdout.split()
        )
    if arguments[-1] in ("openapi", "list_sessions"):
        # JSON for a program is UTF-8 whatever the terminal has.
        assert json.loads(found.stdout.decode())


@each_command
def test_a_closed_pipe_ends_the_command_without_a_word(arguments: tuple[str, ...]) -> None:
    # `demo | head -1` said that the demo had failed, and why, in three lines.
    reader, writer = os.pipe()
    os.close(reader)
    try:
        found = ended(*arguments, stdout=writer)
    finally:
        os.close(writer)
    assert (found.returncode, found.stderr) == (141, b"")


@each_command
def test_a_full_disk_is_one_line_and_1(arguments: tuple[str, ...]) -> None:
    # A script that went on would work with half an answer.
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        found = ended(*arguments, stdout=full)
    finally:
        os.close(full)
    assert found.returncode == 1
    assert found.stderr.endswith(
        b"vapi-sessions-mcp: cannot write the output: No space left on device.\n"
    )
    assert found.stderr.count(b"\n") == 1


@pytest.mark.measured
def test_stderr_that_nobody_reads_takes_nothing_from_the_exit_code() -> None:
    # A script reads the code, and may have closed all else.
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [*COMMAND, "--nope"],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=writer,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writer)
    assert done.returncode == 2


@each_command
def test_without_any_stdout_nothing_fails(arguments: tuple[str, ...]) -> None:
    # Services are started so.
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *COMMAND, *arguments],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


@pytest.mark.measured
@pytest.mark.parametrize("encoding", ["cp437", "utf-8"])
def test_json_on_a_terminal_is_json_in_every_code_page(encoding: str) -> None:
    # A question mark in the place of a letter would be copied into the next call.
    ours, theirs = pty.openpty()
    arguments = ("--sandbox", "--sandbox-now", "2028-02-29", "call", "get_session", JAPANESE)
    with subprocess.Popen(
        [*COMMAND, *arguments, "--view", "transcript"],
        env=environment(PYTHONIOENCODING=encoding),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # which is how the end of a terminal is seen on Linux
            while part := os.read(ours, 65_536):
                shown += part
        assert process.wait(timeout=60) == 0
    os.close(ours)
    answer = json.loads(shown.decode())
    assert any(ord(letter) > 0x3000 for letter in json.dumps(answer, ensure_ascii=False))
