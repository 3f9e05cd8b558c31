"""How a setting is declared: as an option, within its limits, with an effect on what is served."""

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

Transport: TypeAlias = Literal["stdio", "http", "rest"]

# What an option has an effect on.
HTTP: tuple[Transport, ...] = ("http", "rest")
MCP: tuple[Transport, ...] = ("stdio", "http")
SERVERS: tuple[Transport, ...] = ("stdio", "http", "rest")
COMMANDS = (*SERVERS, "call", "demo", "doctor", "openapi", "sandbox", "skill", "view")


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers that a setting accepts, both ends included, and what they count."""

    least: float
    most: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class Option:
    """Makes a setting one that people give; its type says which values it takes.

    On the command line it has the name of its field, without the plural `s` where
    it takes several values, and in the environment `VAPI_MCP_` before that name, or
    one of `variables`. `unset` says what applies when it is not given, where the
    default does not say it. `only_one` is the reason why it cannot be given twice.
    `bare` is what it means without a value, `formerly` the name that the field had, which
    is still read. It has an effect on the transports and subcommands in `used_by`. A variable
    of one that `narrows` what callers can do must not be blank. `hosting` puts it under a
    heading of its own in the help.
    """

    help: str
    metavar: str | None = None
    variables: tuple[str, ...] = ()
    unset: str | None = None
    only_one: str = ""
    bare: str | None = None
    used_by: tuple[str, ...] = (*SERVERS, "call", "view")
    formerly: str = ""
    narrows: bool = False
    hosting: bool = False


def of_webhooks(help: str, metavar: str | None = None, unset: str | None = None) -> Option:
    """An option about the webhooks that http takes."""
    return Option(help, metavar=metavar, unset=unset, hosting=True, used_by=("http",))


Port: TypeAlias = Annotated[int, Range(0, 65_535, "PORT")]
Seconds: TypeAlias = Annotated[float, Range(0.1, 600, "SECONDS")]
Bytes: TypeAlias = Annotated[int, Range(2_000, None, "BYTES")]
Calls: TypeAlias = Annotated[int, Range(1, 1_000, "CALLS")]
Count: TypeAlias = Annotated[int, Range(1, 64, "N")]
