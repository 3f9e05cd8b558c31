"""The Agent Skill in this package: read, shown, installed and served, always the same bytes."""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

MAIN = "SKILL.md"
DEFAULT_FOLDER = "~/.claude/skills"
# The oldest time that a zip can tell.
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


@click.group()
def skill() -> None:
    """The Agent Skill: what an agent should know about sessions."""


@skill.command()
@click.argument("file", default=MAIN)
def show(*, file: str) -> None:
    """Print SKILL.md, or the FILE that it refers to."""
    files = load_skill().files
    if file not in files:
        raise click.ClickException(f"No file {file!r} in the skill: there are {', '.join(files)}.")
    click.echo(files[file], nl=False)


@skill.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=DEFAULT_FOLDER)
@click.option("--force", is_flag=True, help="Overwrite files that differ.")
def install(*, folder: Path, force: bool) -> None:
    """Copy the skill to DIR/vapi-sessions, by default in ~/.claude/skills.

    Files that are there and differ are named and stay as they are, and nothing
    is copied, unless --force is given.
    """
    packaged = load_skill()
    target = folder.expanduser() / packaged.name
    try:
        there = {path: _content(target / path) for path in packaged.files}
        differ = [path for path, was in there.items() if was not in (None, packaged.files[path])]
        if differ and not force:
            raise click.ClickException(
                f"In {target} these differ from this version's: {', '.join(differ)}."
                " Nothing was copied; --force overwrites them."
            )
        missing = [path for path, was in there.items() if was != packaged.files[path]]
        for path in missing:
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_bytes(packaged.files[path])
    except OSError as exc:
        raise click.ClickException(f"Cannot write {exc.filename}: {exc.strerror}.") from exc
    done = f"copied {', '.join(missing)}" if missing else "every file was there already"
    click.echo(f"The skill is in {target}: {done}.")


def skill_routes() -> "list[Route]":
    """GET /skills, /skills/{name}, /skills/{name}/contents/{file} and /skills/{name}/download."""
    # 60 ms that the command line does without.
    from starlette.responses import Response
    from starlette.routing import Route

    pages = _pages(load_skill())

    async def page(request: "Request") -> "Response":
        path = request.path_params.get("path", "")
        if path in pages:
            content, headers = pages[path]
            return Response(content, headers=headers)
        message = f"No skill or file {path!r:.100}: GET /skills lists them."
        error = {"message": message, "error": "Not Found", "statusCode": 404}
        return Response(json.dumps(error), 404, media_type="application/json")

    return [Route("/skills", page), Route("/skills/{path:path}", page)]


def _pages(packaged: Skill) -> dict[str, tuple[bytes, dict[str, str]]]:
    """All there is below /skills: body and headers by path, so that no path can lead outside."""
    name, is_json = packaged.name, {"Content-Type": "application/json"}
    about = {"name": name, "description": packaged.description}
    download = {
        "Content-Type": "application/zip",
        "Content-Disposition": f'attachment; filename="{name}.zip"',
    }
    text = {"Content-Type": "text/markdown; charset=utf-8"}
    return {
        "": (_json([about]), is_json),
        name: (_json({**about, "files": list(packaged.files)}), is_json),
        f"{name}/download": (packaged.archive(), download),
        **{f"{name}/contents/{path}": (body, text) for path, body in packaged.files.items()},
    }


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for item in folder.iterdir():
        path = f"{prefix}{item.name}"
        if item.is_dir():
            yield from _files(item, f"{path}/")
        else:
            yield path, item.read_bytes()


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
