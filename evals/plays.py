"""The plays of played.toml: what a model might do with each task, well or badly."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

from evals.tasks import Json

# A tool and its arguments.
Call: TypeAlias = tuple[str, Json]
HERE = Path(__file__).parent
ID = re.compile(r'"id": ?"([^"]+)"')


@dataclass(frozen=True)
class Play:
    """Turns of calls, an answer, and the fault that its check must find; "" for a good one."""

    task: str
    turns: tuple[tuple[Call, ...], ...]
    answer: str
    fault: str


def load(file: Path = HERE / "played.toml") -> list[Play]:
    """Every play, each task's good ones first."""
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    return [
        _play(task, **play)
        for task, kinds in tables.items()
        for kind in kinds.values()
        for play in kind
    ]


def with_ids(arguments: Json, seen: list[str]) -> Json:
    """The arguments with the ids that "$1", "$2"… mean: those `seen` in answers, in order."""
    return cast("Json", _with_ids(arguments, list(dict.fromkeys(seen))))


def ids_in(answer: str) -> list[str]:
    """The ids that a tool's answer names."""
    return ID.findall(answer)


def _play(task: str, *, calls: list[list[dict[str, Json]]], answer: str, fault: str = "") -> Play:
    turns = tuple(tuple(call for each in turn for call in each.items()) for turn in calls)
    return Play(task, turns, answer, fault)


def _with_ids(value: Any, seen: list[str]) -> Any:
    if isinstance(value, str) and re.fullmatch(r"\$\d+", value):
        return seen[int(value[1:]) - 1]
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {name: _with_ids(inner, seen) for name, inner in items}
    if isinstance(value, list):
        return [_with_ids(inner, seen) for inner in cast("list[Any]", value)]
    return value
