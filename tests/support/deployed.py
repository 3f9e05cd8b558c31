"""What `deploy/` has, read as the programs read it that it is for."""

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
NGINX = DEPLOY / "nginx.conf"
# It has no types.
KUBERNETES: Any = import_module("kubernetes_validate")
# Comments are nobody's instructions, and a line may go on in the next.
DOCKERFILE = re.sub(
    r"\\\n\s*", " ", re.sub(r"(?m)^\s*#.*\n", "", (DEPLOY / "Dockerfile").read_text("utf-8"))
)


def read_yaml(path: str) -> Any:
    """A document of `deploy/`, with its aliases resolved."""
    return YAML(typ="safe").load(DEPLOY / path)  # pyright: ignore[reportUnknownMemberType] - partly typed


def instructions(name: str) -> list[str]:
    """What the Dockerfile gives to each instruction of this name."""
    return re.findall(rf"(?m)^{name} +(.+)$", DOCKERFILE)


def copied() -> set[str]:
    """What goes into the build from the repository."""
    given = [each for each in instructions("COPY") if not each.startswith("--from")]
    return {source.removeprefix("./") for each in given for source in each.split()[:-1]}


def health_command() -> list[str]:
    """The command of the image's health check."""
    [check] = instructions("HEALTHCHECK")
    return json.loads(check.partition(" CMD ")[2])


def image_environment() -> dict[str, str]:
    """The settings of ours that the image has."""
    return dict(re.findall(r"(VAPI_\w+)=(\S+)", " ".join(instructions("ENV"))))
