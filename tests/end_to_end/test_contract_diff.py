"""What is published now, against the last release: scripts/contract-diff as maintainers run it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.processes import PATIENCE, environment
from support.released import CHANGELOG, MCP, REST, ROOT, VERSION, last_release, report

SCRIPT = "scripts/contract-diff"
NOBODY = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.com")
BREAKING = "\n## Unreleased\n\n### Breaking\n\n- `limit` is gone.\n"


def git(folder: Path, *arguments: str) -> None:
    """Git, without anybody's settings."""
    alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", *NOBODY, *arguments]
    subprocess.run(
        command, cwd=folder, check=True, capture_output=True, env={**environment(), **alone}
    )


def diff(folder: Path) -> tuple[int, str]:
    """The exit code, and what it prints."""
    done = subprocess.run(
        [folder / SCRIPT],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=environment(PYTHON=sys.executable, PYTHONDONTWRITEBYTECODE="1"),
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what it reads, committed and not released."""
    if shutil.which("git") is None:
        pytest.skip("git is not here")
    for name in (MCP, REST, VERSION, CHANGELOG, SCRIPT):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "tests" / "support", tmp_path / "tests" / "support")
    (tmp_path / CHANGELOG).write_text("# Changelog\n\n## Unreleased\n", encoding="utf-8")
    git(tmp_path, "init")
    commit(tmp_path)
    return tmp_path


@pytest.fixture
def released(project: Path) -> Path:
    """The same as version 0.1.0, and a commit later."""
    git(project, "tag", "v0.1.0")
    (project / "news").touch()
    commit(project)
    return project


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--message", "Change something")


def without_limit(folder: Path) -> None:
    """Take an argument out of a tool."""
    contract = json.loads((folder / MCP).read_text(encoding="utf-8"))
    [listing] = [row for row in contract["tools"] if row["names"]["short"] == "list_sessions"]
    del listing["tool"]["inputSchema"]["properties"]["limit"]
    (folder / MCP).write_text(json.dumps(contract), encoding="utf-8")


def test_nothing_published_breaks_what_was_released_unannounced() -> None:
    # The prompts, programs and clients that people wrote for the last release.
    if last_release(ROOT) is None:
        pytest.skip("no release to compare with: git knows no tag v* before this commit")
    text, code = report(ROOT)
    assert code == 0, text


def test_before_the_first_release_there_is_nothing_to_compare(project: Path) -> None:
    # Nobody relies on anything yet; and it does not look as if nothing had changed.
    without_limit(project)
    commit(project)
    assert diff(project) == (
        0,
        "There is no release to compare with: git knows no tag v* before this commit.\n",
    )


def test_an_unchanged_contract_is_called_so(released: Path) -> None:
    # Most commits.
    assert diff(released) == (0, "Nothing that is published has changed since v0.1.0.\n")


def test_a_breaking_change_has_to_be_announced(released: Path) -> None:
    # And once it is, the change is still shown, for whoever writes the announcement.
    without_limit(released)
    code, said = diff(released)
    change = "breaking: vapi-sessioncontrollerfindallpaginated.limit: removed\n"
    todo = "Say under '### Breaking', first in CHANGELOG.md, what to do about these changes.\n"
    assert (code, said) == (1, change + todo)
    (released / CHANGELOG).write_text(f"# Changelog\n{BREAKING}", encoding="utf-8")
    assert diff(released) == (0, change)


def test_the_commit_of_a_release_is_compared_with_the_one_before(released: Path) -> None:
    # Its own tag is on it when the release workflow checks it.
    without_limit(released)
    (released / CHANGELOG).write_text(f"# Changelog\n{BREAKING}", encoding="utf-8")
    (released / VERSION).write_text('__version__ = "0.1.1"\n', encoding="utf-8")
    commit(released)
    git(released, "tag", "v0.1.1")
    code, said = diff(released)
    assert code == 1
    assert said.endswith("The version after 0.1.0 has to be 0.2.0 or later, not 0.1.1.\n")


def test_a_tag_of_something_else_is_no_release(released: Path) -> None:
    # Such as of the viewer alone, or a mark that somebody left.
    git(released, "tag", "viewer-2")
    assert diff(released)[1].endswith("since v0.1.0.\n")


def test_the_tags_of_a_repository_around_it_are_not_asked(released: Path) -> None:
    # A source distribution may be unpacked into somebody's own repository, tests included.
    inside = released / "vendored"
    shutil.copytree(released, inside, ignore=shutil.ignore_patterns(".git"))
    assert diff(inside)[1].startswith("There is no release to compare with")
