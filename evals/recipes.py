"""docs/recipes.md: what people ask and the calls that do it, from the tasks' good plays."""

import json
from textwrap import fill, indent

from evals.plays import Call, Play
from evals.tasks import OPENED, Task

# What a reader types for each call; the clock and the file make the answers those that are shown.
COMMAND = (
    f"vapi-sessions-mcp --sandbox --sandbox-now {OPENED:%Y-%m-%dT%H:%M:%SZ} --sandbox-db FILE"
    " call TOOL 'ARGUMENTS'"
)
HEAD = f"""\
# Recipes

What people ask, the calls that it leads to, and what the answer says then. Each was played against
the sandbox, as it is at noon (UTC) on 20 November 2026, and what came of it was checked. Some found
more sessions there than the samples; `ID` is the id of one of those, and without them the answer is
another. In a shell, each call is

```sh
{COMMAND}
```

with a FILE that is new, and the same for all calls of a recipe: it keeps what one of them changes
for the next. An apostrophe among the ARGUMENTS is `'\\''` there. To a host that starts the server
with the same options, the question is enough.

This page is made from [the evals](../evals/README.md), which let a model of your choice try them.
"""


def page(tasks: list[Task], plays: list[Play]) -> str:
    """The page, with every task that has a recipe."""
    good = {play.task: play for play in reversed(plays) if not play.fault}
    parts = [_recipe(task, good[task.name]) for task in tasks if task.recipe]
    return "\n".join([HEAD, *parts])


def _recipe(task: Task, play: Play) -> str:
    calls = "\n".join(_line(call) for turn in play.turns for call in turn)
    return "\n".join(
        [
            f"## {task.title}\n",
            f"{indent(_filled(task.prompt), '> ')}\n",
            f"```\n{calls}\n```\n",
            f"{task.recipe.strip()}\n",
            f"{_filled(f'Answer: {play.answer}')}\n",
        ]
    )


def _filled(text: str) -> str:
    return fill(text.strip(), 98, break_long_words=False, break_on_hyphens=False)


def _line(call: Call) -> str:
    tool, arguments = call
    shown = {k: "ID" if str(v).startswith("$") else v for k, v in arguments.items()}
    return f"{tool} {json.dumps(shown, ensure_ascii=False)}"
