"""What was published by the last release, and whether a change since then is announced.

scripts/contract-diff runs it, with any Python and nothing installed.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from support.contract_changes import mcp_changes, rest_changes
from support.schema_changes import Change

ROOT = Path(__file__).parents[2]
MCP = "src/vapi_sessions_mcp/contract/published.json"
REST = "tests/snapshots/openapi.json"
VERSION = "src/vapi_sessions_mcp/__init__.py"
CHANGELOG = "CHANGELOG.md"
HEADING = "### Breaking"


def last_release(root: Path) -> str | None:
    """The tag of the last release before this commit, where there is one and git knows it."""
    # From the parent: on the commit of a release, that release is not the last one. And of this
    # repository only: an unpacked source distribution may lie in somebody else's.
    asked = ["describe", "--tags", "--abbrev=0", "--match", "v[0-9]*", "HEAD^"]
    env = {**os.environ, "GIT_CEILING_DIRECTORIES": str(root.parent)}
    try:
        done = subprocess.run(
            ["git", *asked], cwd=root, env=env, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def changes_since(tag: str, root: Path) -> list[Change]:
    """What this tree publishes otherwise than the release did, the breaking ones first."""
    changes = mcp_changes(*(json.loads(text) for text in _both(MCP, tag, root)))
    changes |= rest_changes(*(json.loads(text) for text in _both(REST, tag, root)))
    return sorted(changes, key=lambda change: (not change.breaks, change))


def missing(changes: list[Change], old: str, new: str, changelog: str) -> list[str]:
    """What has yet to be done about breaking changes, from one version to another."""
    if not any(change.breaks for change in changes):
        return []
    undone: list[str] = []
    newest = changelog.partition("\n## ")[2].partition("\n## ")[0]
    if HEADING not in newest.splitlines():
        undone.append(
            f"Say under '{HEADING}', first in {CHANGELOG}, what to do about these changes."
        )
    if old != new and _promise(old) == _promise(new):
        major, minor = _promise(old)
        least = f"{major + 1}.0.0" if major else f"0.{minor + 1}.0"
        undone.append(f"The version after {old} has to be {least} or later, not {new}.")
    return undone


def report(root: Path) -> tuple[str, int]:
    """All of it in words, and an exit code: 1 where something has yet to be done."""
    tag = last_release(root)
    if tag is None:
        return "There is no release to compare with: git knows no tag v* before this commit.\n", 0
    changes = changes_since(tag, root)
    lines = [f"{'breaking' if c.breaks else 'compatible'}: {c.where}: {c.what}" for c in changes]
    old, new = (_version(text) for text in _both(VERSION, tag, root))
    undone = missing(changes, old, new, (root / CHANGELOG).read_text(encoding="utf-8"))
    lines = lines or [f"Nothing that is published has changed since {tag}."]
    return "\n".join([*lines, *undone, ""]), 1 if undone else 0


def _both(path: str, tag: str, root: Path) -> tuple[str, str]:
    """A file as it was released, and as it is."""
    shown = subprocess.run(
        ["git", "show", f"{tag}:{path}"], cwd=root, capture_output=True, check=True
    )
    return shown.stdout.decode(), (root / path).read_text(encoding="utf-8")


def _version(module: str) -> str:
    return re.findall(r'^__version__ = "(.+)"', module, re.M)[0]


def _promise(version: str) -> tuple[int, int]:
    """What of a version must grow for something to break: the major, or the minor below 1.0."""
    major, minor = (int(part) for part in version.split(".")[:2])
    return (major, 0) if major else (major, minor)


if __name__ == "__main__":
    text, code = report(ROOT)
    sys.stdout.write(text)
    sys.exit(code)
