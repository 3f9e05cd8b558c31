"""Changes from each replica to all, over Redis; without it a replica has its own, and goes on."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, cast

import anyio
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError

from vapi_sessions_mcp.webhooks.events import Change, read_message

CHANNEL = "vapi-sessions-mcp:changes"
# Changes that wait for Redis; the oldest of more are dropped.
MOST = 10_000
# Sent at once.
BATCH = 500
# A change has a fifth of this; what is longer is not ours.
MAX_BYTES = 4_096
# Between two tries to reach it.
PAUSES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
TIMEOUT_SECONDS = 5.0
# A subscription that has lasted for so long works; one that a Redis ends each time does not.
QUIET_SECONDS = 1.0

_LOG = logging.getLogger("vapi_sessions_mcp.webhooks")
# What others can have said as often as they like, and the log therefore has once a minute.
_IGNORED = logging.getLogger("vapi_sessions_mcp.webhooks.ignored")


class Relay:
    """Sends what Vapi reports to this replica, and hears what it reports to any."""

    def __init__(self, url: str, hear: Callable[[Change], object]) -> None:
        """`hear` takes what comes, this replica's own as well; ValueError for no URL of a Redis."""
        self._hear = hear
        self._redis = _client(url)
        self._waiting: dict[Change, None] = {}
        self._some = anyio.Event()
        # Of sending and receiving, what does not work.
        self._failing: set[object] = set()

    @property
    def waiting(self) -> int:
        """How many changes have not been sent yet."""
        return len(self._waiting)

    def forward(self, change: Change) -> None:
        """Have `change` sent, whenever that can be; nobody waits for it."""
        self._waiting[change] = None
        if len(self._waiting) > MOST:
            del self._waiting[next(iter(self._waiting))]
        self._some.set()

    async def run(self) -> None:
        """Send and hear until cancelled."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._close)
            tasks = await stack.enter_async_context(anyio.create_task_group())
            tasks.start_soon(self._keep, self._send)
            tasks.start_soon(self._keep, self._receive)

    async def fault(self) -> str:
        """Why this Redis cannot be used, after which nothing else can be asked; or nothing."""
        try:
            await self._redis.ping()
            async with self._redis.pubsub() as channel:
                await channel.subscribe(CHANNEL)
                await channel.get_message(timeout=TIMEOUT_SECONDS)
        except AuthenticationError:
            return "it does not accept the user and password in its URL: mend VAPI_MCP_REDIS_URL"
        except NoPermissionError:
            return f"its user may not hear what is published at {CHANNEL}: allow it that channel"
        except Exception as exc:  # noqa: BLE001 - its text may hold the URL
            return (
                f"it cannot be reached ({type(exc).__name__}): see whether it runs, and what"
                " host and port VAPI_MCP_REDIS_URL names"
            )
        finally:
            await self._close()
        return ""

    async def _keep(self, work: Callable[[Callable[[], None]], Awaitable[None]]) -> None:
        """Do `work`, and again after a pause whenever Redis fails; it says by a call that it is up.

        The more failures there were without that, the longer is the pause.
        """
        failures = 0

        def up() -> None:
            nonlocal failures
            failures = 0
            self._works(work)

        while True:
            try:
                await work(up)
            except Exception as exc:  # noqa: BLE001 - nothing that Redis does may end a server
                # What could not be sent is sent again, and nothing of it is lost: that a connection
                # had been closed, as many a Redis does with idle ones, is no news.
                if failures or work != self._send:
                    self._fails(work, exc)
            await anyio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])
            failures += 1

    def _fails(self, work: object, exc: Exception) -> None:
        if not self._failing:
            # Its text may hold the URL, and with it the password.
            kind = type(exc).__name__
            _LOG.warning("Redis fails (%s): changes may not reach all replicas", kind)
        self._failing.add(work)

    def _works(self, work: object) -> None:
        if work in self._failing:
            self._failing.remove(work)
            if not self._failing:
                _LOG.warning("Redis works again: changes of all replicas are heard")

    async def _send(self, up: Callable[[], None]) -> None:
        while True:
            while batch := [*self._waiting][:BATCH]:
                pipeline = self._redis.pipeline(transaction=False)
                for change in batch:
                    pipeline.publish(CHANNEL, change.written())
                await pipeline.execute()
                up()
                for change in batch:
                    self._waiting.pop(change, None)
            self._some = anyio.Event()
            await self._some.wait()

    async def _receive(self, up: Callable[[], None]) -> None:
        async with self._redis.pubsub() as channel:
            await channel.subscribe(CHANNEL)
            is_subscribed = False
            while True:
                message = await channel.get_message(timeout=QUIET_SECONDS)
                if is_subscribed:
                    up()
                # The first one says that the Redis lets us hear.
                is_subscribed = is_subscribed or message is not None
                if message is not None and message["type"] == "message":
                    self._heard(message["data"])

    def _heard(self, data: bytes | str) -> None:
        # The URL may ask for text instead of bytes.
        raw = data.encode() if isinstance(data, str) else data
        try:
            change = read_message(raw) if len(raw) <= MAX_BYTES else None
        except ValueError:
            change = None
        if change is None:
            _IGNORED.warning("something else than a change came over Redis and was ignored")
        else:
            self._hear(change)

    async def _close(self) -> None:
        with anyio.CancelScope(shield=True), anyio.move_on_after(TIMEOUT_SECONDS):
            await self._redis.aclose()


def _client(url: str) -> Any:
    """A client that gives up soon; ValueError where no Redis can have this URL."""
    options: dict[str, Any] = {
        "socket_timeout": TIMEOUT_SECONDS,
        "socket_connect_timeout": TIMEOUT_SECONDS,
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": TIMEOUT_SECONDS,
    }
    if not url.startswith("unix:"):
        options["socket_keepalive"] = True
    try:
        # Its types are those of every Redis client at once.
        client: Any = cast("Any", Redis).from_url(url, **options)
        # Only a connection, which this does not open, finds fault with the URL's options.
        client.connection_pool.make_connection()
    except Exception as exc:
        raise ValueError from exc
    return client
