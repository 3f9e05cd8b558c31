"""The Agent Skill in this package: read, shown, installed and served, always the same bytes."""

from pathlib import Path

import click

from vapi_sessions_mcp.skill import MAIN, load_skill

DEFAULT_FOLDER = "~/.claude/skills"


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
@click.option(
    "--force", is_flag=True, allow_from_autoenv=False, help="Overwrite files that differ."
)
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


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
