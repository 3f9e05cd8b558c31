"""The sandbox that a command asks for: where it keeps its data, and what time it has."""

from dataclasses import dataclass
from datetime import UTC, datetime

import click

from vapi_sessions_mcp.clock import Clock, real, stopped_at

IN_MEMORY = ":memory:"


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


SANDBOX_NOW = click.option(
    "--sandbox-now",
    type=_moment,
    envvar="VAPI_MCP_SANDBOX_NOW",
    metavar="MOMENT",
    help="Stop the sandbox's clock at MOMENT (ISO 8601).  [default: it runs]",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A stand-in for Vapi, in the file `database`; with `now` its clock stands still."""

    database: str = IN_MEMORY
    now: datetime | None = None

    @property
    def clock(self) -> Clock:
        """What time the sandbox has."""
        return real if self.now is None else stopped_at(self.now)
