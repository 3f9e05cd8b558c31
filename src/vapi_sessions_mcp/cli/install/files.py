"""A host's file: read whole, and written whole or not at all, with a copy of what was there."""

import os
import shutil
import tempfile
from codecs import BOM_UTF8
from dataclasses import dataclass
from itertools import count
from pathlib import Path


class Unusable(Exception):
    """A file that cannot be read or must not be written; the sentence says why."""


@dataclass(frozen=True)
class Found:
    """A file as it was found; `content` is None where there is none."""

    file: Path
    content: bytes | None

    @property
    def text(self) -> str:
        """Its text, with the line breaks of Unix; raises Unusable."""
        try:
            text = (self.content or b"").decode("utf-8-sig")
        except UnicodeDecodeError as exc:
            raise Unusable(f"{self.file} is not UTF-8: nothing was changed.") from exc
        return text.replace("\r\n", "\n") if self._is_from_windows else text

    def encoded(self, text: str) -> bytes:
        """`text` as this file has its own."""
        text = text.replace("\n", "\r\n") if self._is_from_windows else text
        return (BOM_UTF8 if (self.content or b"").startswith(BOM_UTF8) else b"") + text.encode()

    @property
    def _is_from_windows(self) -> bool:
        content = self.content or b""
        return 0 < content.count(b"\n") == content.count(b"\r\n")


def read(file: Path) -> Found:
    """The file as it is; raises Unusable where there is one that cannot be read."""
    try:
        if file.is_fifo():
            raise Unusable(f"{file} is a pipe: nothing was changed.")
        return Found(file, file.read_bytes())
    except FileNotFoundError:
        return Found(file, None)
    except OSError as exc:
        raise Unusable(f"Cannot read {file}: {exc.strerror}.") from exc


def check_writable(found: Found) -> None:
    """Raise Unusable for a file that was made read-only: replacing it would take no heed."""
    if found.content is None:
        return
    if not (found.file.stat().st_mode & 0o222 and os.access(found.file, os.W_OK)):
        raise Unusable(f"{found.file} is read-only: nothing was changed.")


def write(found: Found, text: str) -> Path | None:
    """Replace what was found by `text`, and return the copy of what was there, if anything was.

    A link stays one: what it leads to is replaced. Raises Unusable, also where the file is no
    longer as it was found, since its host may write it too.
    """
    if read(found.file) != found:
        raise Unusable(f"{found.file} was changed meanwhile: nothing was written, try again.")
    target = found.file.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        backup = None if found.content is None else _copy(target)
        _replace(target, found.encoded(text))
    except OSError as exc:
        raise Unusable(f"Cannot write {found.file}: {exc.strerror}.") from exc
    return backup


def _copy(file: Path) -> Path:
    """A copy under a name that nothing has, as readable as the file and no more."""
    names = (file.with_name(f"{file.name}.bak{number or ''}") for number in count())
    copy = next(name for name in names if not os.path.lexists(name))
    shutil.copy2(file, copy)
    return copy


def _replace(file: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as new:
            new.write(content)
            new.flush()
            os.fsync(new.fileno())
        if file.exists():
            shutil.copymode(file, name)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink()
        raise
