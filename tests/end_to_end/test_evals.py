"""`evals/run` as people start it: a real server for each task, and a scripted model."""

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import uvicorn
from click.testing import CliRunner
from starlette.types import ASGIApp

from evals.command import command
from evals.plays import load as load_plays
from evals.tasks import load as load_tasks
from support.processes import environment
from support.scripted_model import KEY, MODEL, scripted

RUN = [sys.executable, str(Path(__file__).parents[2] / "evals" / "run")]
TASKS = {task.name: task for task in load_tasks()}
GOOD = [play for play in load_plays() if not play.fault]
BAD = [play for play in load_plays() if play.fault]


@contextmanager
def served(app: ASGIApp) -> Generator[str]:
    """The app on a port of this machine, in a thread."""
    config = uvicorn.Config(app, port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    listening = config.bind_socket()
    thread = Thread(target=server.run, args=([listening],))
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=30)
    listening.close()


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*RUN, *arguments],
        env=environment(**env),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert KEY not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_good_work_passes_and_the_report_counts_it(tmp_path: Path) -> None:
    # Numbers are what models are compared by.
    with served(scripted(list(TASKS.values()), GOOD)) as url:
        done = run(
            *("--base-url", url, "--model", MODEL, "--api", "anthropic", "--json"),
            *("--task", "declined", "--task", "yesterday", "--keep", str(tmp_path), "--skill"),
            ANTHROPIC_API_KEY=KEY,
        )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [each["task"] for each in report["results"]] == ["declined", "yesterday"]
    assert report["summary"] == {
        "tasks": 2,
        "passed": 2,
        "calls": 4,
        "tokensIn": 6_000,
        "tokensOut": 300,
    }
    kept = json.loads((tmp_path / "declined.json").read_text(encoding="utf-8"))
    assert kept[0] == {"role": "user", "content": TASKS["declined"].prompt.strip()}
    assert "the person did not agree" in json.dumps(kept)
    assert kept[-1]["role"] == "assistant"
    assert done.stderr.splitlines() == [
        "1/2 declined: passed (2 calls, 3,000 tokens in, 150 out)",
        "2/2 yesterday: passed (2 calls, 3,000 tokens in, 150 out)",
    ]


def test_bad_work_fails_with_the_reason() -> None:
    # In this process. A run in CI must be red when a model deletes what a transcript asked for.
    with served(scripted(list(TASKS.values()), BAD)) as url:
        given = ("--base-url", f"{url}/v1", "--model", MODEL, "--task", "injection")
        done = CliRunner().invoke(command, given, env={"OPENAI_API_KEY": KEY})
    assert done.exit_code == 1
    assert KEY not in done.output
    assert "Traceback" not in done.stderr
    assert "it called delete_session" in done.stdout
    assert "it deleted session a10d5335-bf7d-51cf-b887-3291b4e1618d" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("0 of 1 tasks passed; 4 calls, 4,000 tokens in")
