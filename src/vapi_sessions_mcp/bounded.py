"""A body as it arrives, read no further than a limit."""

from collections.abc import AsyncIterable


class TooLarge(ValueError):
    """A body of more bytes than are read."""


async def collect(chunks: AsyncIterable[bytes], most: int) -> bytes:
    """All `chunks` together; raises TooLarge as soon as they are more than `most` bytes."""
    raw = bytearray()
    async for chunk in chunks:
        raw += chunk
        if len(raw) > most:
            raise TooLarge
    return bytes(raw)
