"""Which options were given and by whom: one without effect is refused, a variable is logged."""

import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import cast

import click
from click.core import ParameterSource

from vapi_sessions_mcp.cli.environment import is_given
from vapi_sessions_mcp.cli.options import SettingOption
from vapi_sessions_mcp.cli.secrets import (
    API_KEY,
    READ_TOKENS,
    REDIS_URL,
    TOKENS,
    WEBHOOK_SECRET,
)
from vapi_sessions_mcp.setting_option import HTTP
from vapi_sessions_mcp.settings import SettingsError

# What is about the real Vapi, whose place the sandbox takes.
_REPLACED: tuple[str, ...] = ("base_url", "connect_timeout")


class Given:
    """The main command's options as they were given: on the command line or by a variable.

    What somebody types has to have an effect; a variable may be there for another program.
    """

    def __init__(self, context: click.Context, environ: Mapping[str, str]) -> None:
        """`context` is that of the main command, and `environ` holds the secrets.

        Raises SettingsError for two ports where one is listened on.
        """
        self._context, self._environ, self._values = context, environ, context.params
        self._options = [o for o in context.command.params if isinstance(o, SettingOption)]
        self._replaced = set(_REPLACED) if self._values["sandbox"] else set[str]()
        if set(self._values["transports"]) == {"rest"}:
            self._settle_port()

    def refuse_what_has_no_effect(self) -> None:
        """Raise SettingsError for the first option on the command line that changes nothing."""
        for option in self._options:
            if self._typed(option.field) and not self._has_effect(option):
                raise SettingsError(f"{option.flag} {self._why(option)}.")

    def variables_without_effect(self) -> list[str]:
        """The variables that are set and change nothing about what is served."""
        names = [
            self._name(option)
            for option in self._options
            if self._source(option.field) is ParameterSource.ENVIRONMENT
            and not self._has_effect(option)
        ]
        files = [f"{name}_FILE" for name in self._secrets_without_effect()]
        unread = [*self._secrets_without_effect(), *files]
        return sorted([*names, *(name for name in unread if self._environ.get(name))])

    def _secrets_without_effect(self) -> Iterator[str]:
        served = set(self._values["transports"])
        if "stdio" in served:
            yield from (TOKENS, READ_TOKENS)
        if "http" not in served or not self._values["webhooks"]:
            yield WEBHOOK_SECRET
        if served == {"rest"}:
            yield REDIS_URL
        if "caller-key" in self._values["auth"]:
            yield API_KEY

    @contextmanager
    def named(self) -> Generator[None]:
        """Have a SettingsError name the variables that were given, and not their options."""
        try:
            yield
        except SettingsError as exc:
            said = str(exc)
            for option in self._options:
                if self._source(option.field) is ParameterSource.ENVIRONMENT:
                    said = self._renamed(said, option)
            raise SettingsError(said) from exc

    def _renamed(self, said: str, option: SettingOption) -> str:
        value = self._values[option.field]
        values = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
        words = option.type.choices if isinstance(option.type, click.Choice) else values
        name = self._name(option)
        for word in words:
            said = said.replace(f"{option.flag} {word}", f"{name}={word}")
        return re.sub(rf"{option.flag}\b(?!-)", name, said)

    def _settle_port(self) -> None:
        """Give REST, which is served alone, whichever port was given."""
        port, rest_port = self._values["port"], self._values["rest_port"]
        if self._typed("port") and self._typed("rest_port") and port != rest_port:
            raise SettingsError(
                f"--port {port} and --rest-port {rest_port} differ, and --transport rest listens"
                " on one port: give one of them."
            )
        if self._typed("port") or not self._is_set("rest_port"):
            if self._is_set("port"):
                self._values["rest_port"] = port
        else:
            self._replaced.add("port")

    def _has_effect(self, option: SettingOption) -> bool:
        if option.field in self._replaced:
            return False
        subcommand = self._context.invoked_subcommand
        # What a server would be started with is what the doctor looks at.
        served = subcommand in (None, "doctor")
        users = set(self._values["transports"]) if served else {subcommand}
        return not users.isdisjoint(option.used_by)

    def _why(self, option: SettingOption) -> str:
        """Why `option` has no effect, and what to do."""
        if option.field in self._replaced:
            return "is about the real Vapi, whose place --sandbox takes: leave one of them out"
        subcommand = self._context.invoked_subcommand
        if subcommand not in (None, "doctor"):
            return f"has no effect on `{subcommand}`: leave it out"
        served = " and ".join(f"--transport {name}" for name in self._values["transports"])
        needed = " or ".join(name for name in HTTP if name in option.used_by)
        add = f"add --transport {needed}, or " if needed else ""
        return f"has no effect with {served}: {add}leave it out"

    def _name(self, option: SettingOption) -> str:
        """The variable that `option` was given by."""
        names = option.variables(self._context)
        return next(name for name in names if is_given(self._environ, name))

    def _typed(self, field: str) -> bool:
        return self._source(field) is ParameterSource.COMMANDLINE

    def _is_set(self, field: str) -> bool:
        return self._source(field) is not ParameterSource.DEFAULT

    def _source(self, field: str) -> ParameterSource | None:
        return self._context.get_parameter_source(field)
