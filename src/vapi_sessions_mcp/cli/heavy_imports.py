"""The imports of a server, which are most of its start."""

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def heavy_imports() -> Generator[None]:
    """Import the SDK late and without garbage collection.

    Late spares --help, --version and a wrong option 1400 ms; without collection
    the import takes a tenth less, and nothing it makes is garbage. From then on it
    is collected after every 50 000 objects instead of every 700: that is what takes
    longest about JSON of many values, and leaves little garbage more.
    """
    gc.disable()
    yield
    gc.enable()
    gc.freeze()
    gc.set_threshold(50_000, *gc.get_threshold()[1:])
