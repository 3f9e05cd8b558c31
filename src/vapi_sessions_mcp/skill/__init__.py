"""The Agent Skill in this package, and its files."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

MAIN = "SKILL.md"


# The oldest time that a zip can hold.
EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """A skill: its name, when to use it, and its files by path, SKILL.md first."""

    name: str
    description: str
    files: dict[str, bytes]

    def archive(self) -> bytes:
        """The skill's folder as a zip."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for path, content in self.files.items():
                entry = zipfile.ZipInfo(f"{self.name}/{path}", EPOCH)
                # As on Unix, readable by all, wherever it is made.
                entry.create_system, entry.external_attr = 3, 0o644 << 16
                archive.writestr(entry, content)
        return buffer.getvalue()


def load_skill() -> Skill:
    """The skill as it was packaged."""
    folder = resources.files("vapi_sessions_mcp") / "skill" / "vapi-sessions"
    files = dict(sorted(_files(folder, ""), key=lambda item: (item[0] != MAIN, item[0])))
    front = files[MAIN].decode().split("---\n")[1]
    fields = dict(line.split(": ", 1) for line in front.splitlines())
    return Skill(name=fields["name"], description=fields["description"], files=files)


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for item in folder.iterdir():
        path = f"{prefix}{item.name}"
        if item.is_dir():
            yield from _files(item, f"{path}/")
        else:
            yield path, item.read_bytes()
