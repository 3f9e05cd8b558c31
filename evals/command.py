"""`evals/run`: which tasks, which model, and how it ended."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import click

from evals.conversation import Habits
from evals.dialects import DIALECTS
from evals.endpoint import Endpoint, EndpointError
from evals.report import Row, document, table
from evals.runs import run
from evals.tasks import Task, load
from vapi_sessions_mcp.skill import load_skill

TASKS = {task.name: task for task in load()}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--base-url",
    help="Where the model is, as that API's own SDK takes it: https://host/v1 for openai,"
    " https://host for anthropic.",
)
@click.option("--model", help="Its name there.")
@click.option(
    "--api",
    type=click.Choice(list(DIALECTS)),
    default="openai",
    show_default=True,
    help="Chat completions (key in OPENAI_API_KEY) or messages (key in ANTHROPIC_API_KEY).",
)
@click.option(
    "--task",
    "names",
    multiple=True,
    type=click.Choice(list(TASKS)),
    metavar="NAME",
    help="This task only. Repeatable.",
)
@click.option(
    "--turns",
    type=click.IntRange(min=1),
    default=40,
    show_default=True,
    help="Answers of the model a task may take.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=120,
    show_default=True,
    help="Seconds for one answer.",
)
@click.option("--skill", is_flag=True, help="Show the model the Agent Skill, too.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write each conversation into this folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--list", "listed", is_flag=True, help="Print the tasks and end.")
def command(**options: Any) -> None:
    """Let a model do people's work with this server on the sandbox, and check what came of it.

    Exits with 0 when every task passed, with 1 when one failed, with 2 when it cannot be run.
    """
    if options["listed"]:
        click.echo("\n".join(f"{task.name:<18}{task.title}" for task in TASKS.values()))
        return
    raise SystemExit(_run(os.environ, **options))


def _run(
    environ: Mapping[str, str],
    *,
    base_url: str | None,
    model: str | None,
    api: str,
    names: tuple[str, ...],
    turns: int,
    timeout: float,
    skill: bool,
    keep: Path | None,
    as_json: bool,
    listed: bool,
) -> int:
    if not base_url or not model:
        raise click.UsageError("--base-url and --model say which model: give both.")
    tasks = [TASKS[name] for name in names] or list(TASKS.values())
    habits = Habits(turns, load_skill().files["SKILL.md"].decode() if skill else "")
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
    key = environ.get(DIALECTS[api].key_variable, "").strip()
    try:
        endpoint = Endpoint(DIALECTS[api], base_url, model, key, timeout=timeout)
        rows = anyio.run(_rows, tasks, endpoint, habits, keep)
    except EndpointError as exc:
        click.echo(f"evals: {exc}", err=True)
        return 2
    if as_json:
        click.echo(json.dumps(document(model, rows), indent=2, ensure_ascii=False))
    else:
        click.echo(table(rows))
    return 0 if all(row.passed for row in rows) else 1


async def _rows(
    tasks: list[Task], endpoint: Endpoint, habits: Habits, keep: Path | None
) -> list[Row]:
    def progress(line: str) -> None:
        click.echo(line, err=True)

    try:
        return await run(tasks, endpoint, habits=habits, progress=progress, keep=keep)
    finally:
        await endpoint.close()
