"""How long a client may keep an HTTP server waiting, and how many may do so at once."""

from dataclasses import dataclass, field

# The most calls at once, however many files may be open: each can hold megabytes.
MOST_CALLS = 1_000
FEWEST_CALLS = 8
# Connections beyond those of calls: they get health checks, and refusals, an answer.
SPARE = 16
# Connections taken from the system's queue at a time, each before its place is looked for.
ACCEPTED_AT_ONCE = 8
# Bytes of a request's first line and headers: more than proxies let through.
MAX_HEAD = 128 * 2**10
# What else holds files open: the standard streams, the event loop, listeners, modules being
# imported, the sandbox's database, and connections that are accepted only to be closed.
OTHER_FILES = 80


def calls_at_once() -> int:
    """How many calls this process has the files for: each takes a connection in and one to Vapi."""
    return max(FEWEST_CALLS, min(MOST_CALLS, (_files() - SPARE - OTHER_FILES) // 2))


def _files() -> int:
    """How many files this process may open."""
    try:
        import resource  # Windows has none, and no such limit
    except ImportError:  # pragma: no cover - Windows
        return 4 * MOST_CALLS
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 4 * MOST_CALLS if soft == resource.RLIM_INFINITY else soft


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Times in seconds.

    `head` is for a request's first line and headers, from the first byte or the
    new connection on; `body` for all of its body, in which no two bytes may come
    more than `gap` apart. `idle` is how long a connection is kept between
    requests: longer than the minute after which common load balancers drop it,
    for who closes first must not be us. `unread` is how long a client may take
    nothing of an answer. `parsing` is the processor's time for one body: chunks of
    a byte each take a thousand times as long as a whole body does.
    """

    head: float = 10.0
    body: float = 30.0
    gap: float = 10.0
    idle: float = 75.0
    unread: float = 60.0
    parsing: float = 0.5
    calls: int = field(default_factory=calls_at_once)

    @property
    def connections(self) -> int:
        """How many connections are kept open."""
        return self.calls + SPARE
