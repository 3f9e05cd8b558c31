"""The command's options, made from the declarations in `Settings`, and the variables they read."""

import os
import re
from collections.abc import Collection, Sequence
from dataclasses import Field, fields
from typing import Any, cast

import click

from vapi_sessions_mcp.cli.environment import UNTOUCHED, VariableOption
from vapi_sessions_mcp.cli.option_types import YesNo, click_type, note, value_type
from vapi_sessions_mcp.setting_option import Option, Range
from vapi_sessions_mcp.settings import PREFIX, Settings


class SettingOption(VariableOption):
    """One field of Settings as an option: its name, type, default and variables."""

    def __init__(self, setting: "Field[Any]", declared: Option) -> None:
        """`declared` is the Option in the type of `setting`."""
        limits = note(setting.type, Range)
        several, kind = value_type(setting.type)
        name = setting.name.removesuffix("s") if several else setting.name
        self.field, self.flag = setting.name, f"--{name.replace('_', '-')}"
        self.used_by = declared.used_by
        self.hosting = declared.hosting
        self.only_one = declared.only_one
        self.bare, self.narrows = declared.bare, declared.narrows
        self.formerly = declared.formerly
        default = [setting.default] if declared.formerly else setting.default
        spellings = [name, declared.formerly] if declared.formerly else [name]
        names = [*(f"{PREFIX}{each.upper()}" for each in spellings), *declared.variables]
        super().__init__(
            [setting.name, *(f"--{each.replace('_', '-')}" for each in spellings)],
            type=YesNo() if kind is bool else click_type(setting.type, declared.bare),
            is_flag=kind is bool,
            # Click takes the last of two: where there can only be one, all are collected.
            multiple=several or bool(declared.only_one or declared.formerly),
            callback=_take_one if declared.only_one or declared.formerly else None,
            default=None if declared.only_one else default,
            show_default=declared.unset,
            envvar=names,
            metavar=declared.metavar or (limits.unit if limits else None),
            help=declared.help + " Repeatable." * several,
        )

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        """What was given, with each list in it as its parts."""
        if self.multiple and value is not None:
            value = [
                part
                for each in value
                for part in (split_list(each) if isinstance(each, str) else [each])
            ]
        return super().type_cast_value(ctx, value)

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """What the variable says; what both say, where there is one of a former name, too."""
        if not self.formerly:
            return super().resolve_envvar_value(ctx)
        return " ".join(os.environ[name] for name in self.given(ctx)) or None


def split_list(text: str) -> list[str]:
    """The parts of a list, between which commas, spaces or line breaks may be; never none."""
    return re.sub(r"[\s,]+", " ", text).split() or [text]


def setting_options(*names: str) -> list[click.Parameter]:
    """The options of these settings, or of all, in the order of their declaration."""
    return [
        SettingOption(setting, option)
        for setting in fields(Settings)
        if (option := note(setting.type, Option)) and (not names or setting.name in names)
    ]


class SettingsCommand(click.Group):
    """A group whose help lists the options for hosting under a heading of their own.

    An option that means something without a value takes the next word only where
    that is one of its values: a subcommand may follow it.
    """

    untouched: Collection[str] = ()
    """The subcommands that work the same whatever the environment holds."""

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
        _, rest, _ = self.make_parser(ctx).parse_args([*given])
        ctx.meta[UNTOUCHED] = rest[:1] and rest[0] in self.untouched
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


def _words(option: SettingOption) -> Sequence[str]:
    return option.type.choices if isinstance(option.type, click.Choice) else ()


def _take_one(_context: click.Context, option: click.Parameter, values: tuple[Any, ...]) -> Any:
    if len(set(values)) > 1:
        given = ", ".join(map(str, values))
        setting = cast("SettingOption", option)
        reason = setting.only_one or f"{setting.opts[-1]} is its former name."
        raise click.BadParameter(f"there can be only one, got {given}. {reason}")
    return values[0] if values else None
