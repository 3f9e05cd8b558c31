"""The imports of a server, which are most of its start."""

import gc
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

# Their `__init__` imports the SDK's client, its high-level server and its authorization: a sixth
# of a start, for names that a server on the low-level one does not use.
_EAGER = ("mcp", "mcp.server")


@contextmanager
def heavy_imports() -> Generator[None]:
    """Import the SDK late, no more of it than is used, and without garbage collection.

    Late spares --help, --version and a wrong option 1400 ms; without collection
    the import takes a tenth less, and nothing it makes is garbage. From then on it
    is collected after every 50 000 objects instead of every 700: that is what takes
    longest about JSON of many values, and leaves little garbage more.
    """
    for name in _EAGER:
        _import_unopened(name)
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
    gc.freeze()
    gc.set_threshold(50_000, *gc.get_threshold()[1:])


def _import_unopened(name: str) -> None:
    """Import the package `name`, whose `__init__` runs when something of it is asked for.

    That is what is no submodule of it (PEP 562). One that was imported stays as it is.
    """
    from importlib.util import find_spec, module_from_spec  # a start does without, until here

    if name in sys.modules or (spec := find_spec(name)) is None or (loader := spec.loader) is None:
        return
    package = sys.modules[name] = module_from_spec(spec)
    parent, _, last = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], last, package)

    def opened(asked: str) -> Any:
        del vars(package)["__getattr__"]
        try:
            loader.exec_module(package)
        except BaseException:
            vars(package)["__getattr__"] = opened  # who asks next tries again
            raise
        return getattr(package, asked)

    vars(package)["__getattr__"] = opened
