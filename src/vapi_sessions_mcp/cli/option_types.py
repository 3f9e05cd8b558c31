"""How Click reads and checks the value of a setting, by its type and its limits."""

import math
from datetime import UTC, datetime
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin

import click

from vapi_sessions_mcp.setting_option import Option, Range, Transport

NoteT = TypeVar("NoteT", Option, Range)


def click_type(annotation: Any, bare: str | None = None) -> "click.ParamType[Any]":
    """How Click reads and checks one value of a setting; `bare` is what a plain yes means."""
    _, kind = value_type(annotation)
    limits = note(annotation, Range)
    if limits and kind is int:
        return _Whole(cast("int", limits.least), cast("int | None", limits.most))
    if limits:
        return _Seconds(limits.least, limits.most)
    if kind == Transport:
        return _Transport(get_args(kind))
    if bare is not None:
        return _Switch([str(word) for word in get_args(kind)], bare)
    if get_origin(kind) is Literal:
        return click.Choice([str(word) for word in get_args(kind)])
    if kind is datetime:
        return click.types.FuncParamType(_moment)
    if kind is Path:
        return click.Path(dir_okay=False, path_type=Path)
    return click.STRING


def value_type(annotation: Any) -> tuple[bool, Any]:
    """Whether a setting, which is Annotated, takes several values, and the bare type of each."""
    annotation, *_ = get_args(annotation)
    if get_origin(annotation) is tuple:
        return True, get_args(annotation)[0]
    if get_origin(annotation) in (UnionType, Union):
        return False, next(arg for arg in get_args(annotation) if arg is not NoneType)
    return False, annotation


def note(annotation: Any, kind: type[NoteT]) -> NoteT | None:
    """What an annotation says besides the type."""
    return next((note for note in get_args(annotation)[1:] if isinstance(note, kind)), None)


class YesNo(click.types.BoolParamType):
    """Yes or no, as a variable has it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bool:
        """True or False; one that is neither is refused."""
        if (meant := self.str_to_bool(value)) is None:
            self.fail(f"{value!r:.60} is neither true nor false.", param, ctx)
        return meant


class _Transport(click.Choice[str]):
    """A transport, also by the names that streamable HTTP has in the settings of clients."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        word = str(value).lower().replace("_", "-")
        if word == "sse":
            self.fail("sse was replaced by streamable HTTP, which is served: use http.", param, ctx)
        return super().convert("http" if word == "streamable-http" else word, param, ctx)


class _Switch(click.Choice[str]):
    """A choice that can also be switched on by a plain yes, as the environment has it."""

    def __init__(self, words: list[str], bare: str) -> None:
        super().__init__(words)
        self._bare = bare

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        plain = str(value).lower()
        if plain in ("0", "false", "no", "off"):
            return None
        return super().convert(
            self._bare if plain in ("1", "true", "yes", "on") else value, param, ctx
        )


class _Whole(click.IntRange):
    name = "whole number"


class _Seconds(click.FloatRange):
    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        seconds = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail(f"{value} is not a number.", param, ctx)
        return seconds


def _moment(value: str) -> datetime:
    """A moment in UTC, which is also meant where no zone is given."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as exc:
        raise click.BadParameter(
            f"{value!r:.60} is not a moment such as 2028-02-29T12:00:00Z."
        ) from exc
    # The samples need a month before it, and sessions' lifetimes one after it.
    if not 2000 <= moment.year < 3000:
        raise click.BadParameter(f"{value!r:.60} is not between the years 2000 and 2999.")
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
