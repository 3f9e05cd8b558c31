"""The command's options, made from the declarations in `Settings`, and the variables they read."""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import Field, fields
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin

import click

from vapi_sessions_mcp.settings import PREFIX, Option, Range, Settings, SettingsError

NoteT = TypeVar("NoteT", Option, Range)


class SettingOption(click.Option):
    """One field of Settings as an option: its name, type, default and variables."""

    def __init__(self, setting: "Field[Any]", declared: Option) -> None:
        """`declared` is the Option in the type of `setting`."""
        limits = _note(setting.type, Range)
        several, kind = _value(setting.type)
        name = setting.name.removesuffix("s") if several else setting.name
        self.hosting = declared.hosting
        self.only_one = declared.only_one
        self.bare = declared.bare
        self.formerly = declared.formerly
        default = [setting.default] if declared.formerly else setting.default
        spellings = [name, declared.formerly] if declared.formerly else [name]
        super().__init__(
            [setting.name, *(f"--{each.replace('_', '-')}" for each in spellings)],
            type=None if kind is bool else click_type(setting.type, declared.bare),
            is_flag=kind is bool,
            # Click takes the last of two: where there can only be one, all are collected.
            multiple=several or bool(declared.only_one or declared.formerly),
            callback=_take_one if declared.only_one or declared.formerly else None,
            default=None if declared.only_one else default,
            show_default=declared.unset,
            envvar=[*(f"{PREFIX}{each.upper()}" for each in spellings), *declared.variables],
            metavar=declared.metavar or (limits.unit if limits else None),
            help=declared.help + " Repeatable." * several,
        )

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """What the variable says; what both say, where there is one of a former name, too."""
        if not self.formerly:
            return super().resolve_envvar_value(ctx)
        names = cast("Sequence[str]", self.envvar)
        return " ".join(os.environ[name] for name in names if name in os.environ) or None


def setting_options(*names: str) -> list[click.Parameter]:
    """The options of these settings, or of all, in the order of their declaration."""
    return [
        SettingOption(setting, option)
        for setting in fields(Settings)
        if (option := _note(setting.type, Option)) and (not names or setting.name in names)
    ]


class SettingsCommand(click.Group):
    """A group whose help lists the options for hosting under a heading of their own.

    An option that means something without a value takes the next word only where
    that is one of its values: a subcommand may follow it.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse `args`, with a value behind each option that was given without one."""
        bare = {
            name: param
            for param in self.get_params(ctx)
            if isinstance(param, SettingOption) and param.bare
            for name in param.opts
        }
        given: list[str] = []
        for word, following in zip(args, [*args[1:], ""], strict=False):
            given.append(word)
            if (option := bare.get(word)) and following not in _words(option):
                given.append(str(option.bare))
        return super().parse_args(ctx, given)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write both lists, then the subcommands."""
        for heading, hosting in (("Options", False), ("Options for hosting", True)):
            with formatter.section(heading):
                formatter.write_dl(
                    [
                        record
                        for param in self.get_params(ctx)
                        if getattr(param, "hosting", False) is hosting
                        and (record := param.get_help_record(ctx))
                    ]
                )
        self.format_commands(ctx, formatter)


def variables(command: click.Group) -> set[str]:
    """Every `VAPI_MCP_…` name that an option of `command` or of its subcommands reads."""
    names: set[str] = set()
    owners = {"": command, **{f"{name}_": sub for name, sub in command.commands.items()}}
    for prefix, owner in owners.items():
        for option in owner.params:
            if not isinstance(option, click.Option) or not option.allow_from_autoenv:
                continue
            own = option.envvar or f"{PREFIX}{prefix}{option.name}".upper()
            names.update([own] if isinstance(own, str) else own)
    return {name for name in names if name.startswith(PREFIX)}


def check_environment(environ: Mapping[str, str], known: Iterable[str]) -> None:
    """Raise SettingsError for a `VAPI_MCP_…` variable that is not among the `known` ones."""
    names = sorted(known)
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f": did you mean {near[0]}?" if near else f": there are {', '.join(names)}."
            raise SettingsError(f"{name} is not a setting{hint}")


def click_type(annotation: Any, bare: str | None = None) -> "click.ParamType[Any]":
    """How Click reads and checks one value of a setting; `bare` is what a plain yes means."""
    _, kind = _value(annotation)
    limits = _note(annotation, Range)
    if limits and kind is int:
        return click.IntRange(cast("int", limits.least), cast("int | None", limits.most))
    if limits:
        return _Seconds(limits.least, limits.most)
    if bare is not None:
        return _Switch([str(word) for word in get_args(kind)], bare)
    if get_origin(kind) is Literal:
        return click.Choice([str(word) for word in get_args(kind)])
    if kind is datetime:
        return click.types.FuncParamType(_moment)
    if kind is Path:
        return click.Path(dir_okay=False, path_type=Path)
    return click.STRING


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


def _words(option: SettingOption) -> Sequence[str]:
    return option.type.choices if isinstance(option.type, click.Choice) else ()


def _value(annotation: Any) -> tuple[bool, Any]:
    """Whether a setting, which is Annotated, takes several values, and the bare type of each."""
    annotation, *_ = get_args(annotation)
    if get_origin(annotation) is tuple:
        return True, get_args(annotation)[0]
    if get_origin(annotation) in (UnionType, Union):
        return False, next(arg for arg in get_args(annotation) if arg is not NoneType)
    return False, annotation


def _note(annotation: Any, kind: type[NoteT]) -> NoteT | None:
    """What an annotation says besides the type."""
    return next((note for note in get_args(annotation)[1:] if isinstance(note, kind)), None)


def _take_one(_context: click.Context, option: click.Parameter, values: tuple[Any, ...]) -> Any:
    if len(set(values)) > 1:
        given = ", ".join(map(str, values))
        setting = cast("SettingOption", option)
        reason = setting.only_one or f"{setting.opts[-1]} is its former name."
        raise click.BadParameter(f"there can be only one, got {given}. {reason}")
    return values[0] if values else None
