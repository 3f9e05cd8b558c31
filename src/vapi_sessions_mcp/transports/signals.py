"""Waits for the wish to stop: SIGINT or SIGTERM."""

import signal

import anyio


async def stop_signal() -> None:
    """Return at the first SIGINT or SIGTERM; a second one ends the process the usual way."""
    try:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                break
    except NotImplementedError:  # pragma: no cover - Windows: Ctrl-C cancels the main task instead
        await anyio.sleep_forever()
    # Python's own handler would raise KeyboardInterrupt in the middle of somebody's callback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
