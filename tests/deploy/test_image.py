"""The container file keeps its promises, which an image would show only once it is built."""

import re

from support.deployed import (
    DEPLOY,
    DOCKERFILE,
    ROOT,
    copied,
    image_environment,
    instructions,
    read_yaml,
)

COMPOSE = read_yaml("compose.yaml")


def test_nothing_in_the_image_runs_as_root() -> None:
    # Whoever breaks out of the process must not be root of the container.
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.findall(r"(?m)^USER (\d+):(\d+)$", last) == [("10001", "10001")]
    assert "sudo" not in DOCKERFILE


def test_every_base_is_one_release_and_the_same_for_all_stages() -> None:
    # A tag that moves makes another image of the same commit; bytecode fits one Python only.
    bases = {base.partition(" ")[0] for base in instructions("FROM")}
    assert len(bases) == 1
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", bases.pop())
    for service in COMPOSE["services"].values():
        if "build" not in service:
            assert re.search(r":v?\d+\.\d+\.\d+(-\w+)?$", service["image"])


def test_no_secret_is_built_into_the_image() -> None:
    # Whoever can pull an image can read every layer of it.
    assert instructions("ARG") == []
    assert not {"VAPI_API_KEY", "VAPI_MCP_TOKENS"} & image_environment().keys()
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    kept = {line[1:] for line in ignored if line.startswith("!")}
    first = next(line for line in ignored if not line.startswith("#"))
    assert first == "*"
    assert kept == copied()
    assert all((ROOT / name).exists() for name in kept)


def test_compose_runs_three_replicas_that_can_do_nothing_but_serve() -> None:
    # One that could write could be changed, and one of three may end without anybody noticing.
    services = COMPOSE["services"]
    assert sum("build" in service for service in services.values()) == 3
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_replicas_are_where_nginx_looks_for_them() -> None:
    # It would answer 502 for a third of the calls, and forward nothing to the port it has not.
    nginx = (DEPLOY / "nginx.conf").read_text("utf-8")
    addresses = {
        f"{service['networks']['replicas']['ipv4_address']}:{port}"
        for service in COMPOSE["services"].values()
        if "build" in service
        for port in instructions("EXPOSE")
    }
    assert set(re.findall(r"server (\S+:\d+) ", nginx)) == addresses
    [listens] = re.findall(r"listen (\d+);", nginx)
    assert COMPOSE["services"]["nginx"]["ports"] == [f"127.0.0.1:{listens}:{listens}"]


def test_compose_leaves_calls_their_time_and_secrets_in_files() -> None:
    # Killed in its grace, a server would lose calls; a variable is in every `docker inspect`.
    for service in COMPOSE["services"].values():
        if "build" in service:
            given = service["environment"]
            assert int(service["stop_grace_period"].removesuffix("s")) > int(
                given["VAPI_MCP_GRACE"]
            )
            files = {name: given[name] for name in given if name.endswith("_FILE")}
            assert files.keys() == {"VAPI_API_KEY_FILE", "VAPI_MCP_TOKENS_FILE"}
            assert {f"/run/secrets/{name}" for name in service["secrets"]} == {*files.values()}
            assert not {"VAPI_API_KEY", "VAPI_MCP_TOKENS"} & given.keys()
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert "deploy/secrets/" in ignored
