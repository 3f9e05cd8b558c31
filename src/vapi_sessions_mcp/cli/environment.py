"""Variables as others write them: blank, left as a bundle's placeholder, or set by Kubernetes."""

import os
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

import click

from vapi_sessions_mcp.settings import PREFIX, SettingsError

# In the meta of a context: its command works the same whatever the environment holds.
UNTOUCHED = "vapi_sessions_mcp.untouched"


class VariableOption(click.Option):
    """An option that reads variables, and names the one at fault where it was given by one."""

    def variables(self, context: click.Context | None) -> list[str]:
        """The names of its variables, the first of which counts."""
        if self.envvar:
            return [self.envvar] if isinstance(self.envvar, str) else list(self.envvar)
        prefix = context and context.auto_envvar_prefix
        return [f"{prefix}_{self.name}".upper()] if prefix and self.allow_from_autoenv else []

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """What the first variable holds that was given."""
        return next((os.environ[name] for name in self.given(ctx)), None)

    def get_error_hint(self, ctx: click.Context | None) -> str:
        """What to mend: the variable, or the option."""
        source = ctx and self.name and ctx.get_parameter_source(self.name)
        if source is click.core.ParameterSource.ENVIRONMENT:
            return f"'{self.given(ctx)[0]}'"
        return super().get_error_hint(ctx)

    def given(self, context: click.Context | None) -> list[str]:
        """Those of its variables that have a value of ours."""
        if context and context.meta.get(UNTOUCHED):
            return []
        return [name for name in self.variables(context) if is_given(os.environ, name)]


def is_given(environ: Mapping[str, str], name: str) -> bool:
    """Whether `name` has a value of ours: a blank one counts as not given."""
    value = environ.get(name, "")
    return not is_blank(value) and not is_service_link(name, value)


def is_blank(value: str) -> bool:
    """Whether a value says nothing: only space, or what a bundle leaves where nobody filled it."""
    return not value.strip() or bool(re.fullmatch(r"\s*\$\{user_config\.[^}]*\}\s*", value))


def is_service_link(name: str, value: str) -> bool:
    """Whether Kubernetes set it, for a Service such as `vapi-mcp` in the same namespace."""
    if re.search(r"_PORT_\d+_(TCP|UDP|SCTP)(_PROTO|_PORT|_ADDR)?$", name):
        return True
    if re.search(r"_SERVICE_HOST$|_SERVICE_PORT(_\w+)?$", name):
        return True
    return name.endswith("_PORT") and bool(re.match(r"(tcp|udp|sctp)://", value))


def names_read(command: click.Group) -> set[str]:
    """Every `VAPI_MCP_…` name that an option of `command` or of its subcommands reads."""
    names: set[str] = set()
    contexts: list[tuple[click.Command, str]] = [(command, PREFIX.rstrip("_"))]
    contexts += [(sub, f"{PREFIX}{name}".upper()) for name, sub in command.commands.items()]
    for owner, prefix in contexts:
        context = click.Context(owner, auto_envvar_prefix=prefix)
        for option in owner.params:
            if isinstance(option, VariableOption):
                names.update(option.variables(context))
    return {name for name in names if name.startswith(PREFIX)}


def check_environment(
    environ: Mapping[str, str], known: Iterable[str], narrowing: Iterable[str] = ()
) -> None:
    """Raise SettingsError for a `VAPI_MCP_…` variable that nothing reads, or that is blank.

    Blank is an error in `narrowing` alone, the names of what takes power away: whoever
    set it would not know that it takes none.
    """
    names = sorted(known)
    for name in sorted(environ):
        if not name.startswith(PREFIX) or is_service_link(name, environ[name]):
            continue
        if name == f"{PREFIX}API_KEY":
            raise SettingsError(f"{name} is not a setting: the key is read from VAPI_API_KEY.")
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f": did you mean {near[0]}?" if near else f": there are {', '.join(names)}."
            raise SettingsError(f"{name} is not a setting{hint}")
        if name in narrowing and is_blank(environ[name]):
            blank = not environ[name].strip()
            said = "set but empty" if blank else "a placeholder that nobody filled in"
            raise SettingsError(f"{name} is {said}: give it a value, or unset it.")
