"""What calls cost, as ratios to the leanest server of the same SDK in the same run.

The servers take turns, round by round, and each figure is the median of its rounds'
ratios: what else runs on this machine falls on all of them. Linux only.

Run with: python benchmarks/speed.py [ROUNDS] [WORD], where WORD is part of a figure's name.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from statistics import median
from typing import NamedTuple, TypeAlias

from servers import FLOOR, KINDS, Http, Json, Server, Stdio, upstream


class Cost(NamedTuple):
    """What so many calls took, each."""

    cpu: float
    wall: float


GET: tuple[str, Json] = ("get_session", {"id": "kb-2"})
Measure: TypeAlias = Callable[[str, int], None]


def measured(server: Server, calls: Callable[[], object], count: int) -> Cost:
    """The cost of each of the `count` calls that `calls` makes."""
    cpu, wall = server.cpu(), time.perf_counter()
    calls()
    return Cost((server.cpu() - cpu) / count, (time.perf_counter() - wall) / count)


def show(name: str, costs: dict[str, list[Cost]]) -> None:
    """One line for each server: milliseconds, and the ratio to the floor."""
    for kind, found in costs.items():
        pairs = [*zip(found, costs[FLOOR.name], strict=True)]
        cpu = median(ours.cpu / its.cpu for ours, its in pairs)
        wall = median(ours.wall / its.wall for ours, its in pairs)
        ms = median(cost.cpu for cost in found) * 1000, median(cost.wall for cost in found) * 1000
        print(
            f"{name:28} {kind:13} {ms[0]:8.2f} ms CPU {ms[1]:8.2f} ms wall"
            f"  × floor: CPU {cpu:5.2f} wall {wall:5.2f}",
            flush=True,
        )


def compared(
    name: str, rounds: int, servers: dict[str, Server], calls: Callable[[Server], int]
) -> None:
    """Let the servers take turns; `calls` makes calls to one and returns how many."""
    costs: dict[str, list[Cost]] = {kind: [] for kind in servers}
    for number in range(rounds + 1):
        for kind, server in servers.items():
            counted = [0]
            cost = measured(server, lambda: counted.append(calls(server)), 1)  # noqa: B023
            if number:  # the first round warms up
                costs[kind].append(Cost(*(each / counted[-1] for each in cost)))
    show(name, costs)


def over_stdio(name: str, tool: str, count: int, ours: Json, floors: Json | None = None) -> Measure:
    """A figure of calls one after the other; the floor may need other arguments."""

    def measure(vapi: str, rounds: int) -> None:
        def calls(server: Server) -> int:
            assert isinstance(server, Stdio)
            for _ in range(count):
                server.call(tool, floors if floors and server.kind is FLOOR else ours)
            return count

        with ExitStack() as stack:
            servers = {kind.name: stack.enter_context(Stdio(kind, vapi)) for kind in KINDS}
            compared(name, rounds, {**servers}, calls)

    return measure


def over_http(name: str, connections: int, count: int) -> Measure:
    """A figure of gets over so many connections at once."""

    def measure(vapi: str, rounds: int) -> None:
        def calls(server: Server) -> int:
            assert isinstance(server, Http)
            asyncio.run(server.calls(*GET, connections=connections, count=count))
            return count

        with ExitStack() as stack:
            servers = {kind.name: stack.enter_context(Http(kind, vapi)) for kind in KINDS}
            compared(name, rounds, {**servers}, calls)

    return measure


def large(vapi: str, rounds: int) -> None:
    """Sessions of megabytes: milliseconds a MB, and how many times the body the peak is."""
    for megabytes in (1, 4, 17):
        for view in ("summary", ""):
            for kind in KINDS:
                with Stdio(kind, vapi) as server:
                    asked: Json = {"id": f"kb-{megabytes * 1024}"}
                    if view and kind is not FLOOR:
                        asked["view"] = view
                    server.call(*GET)
                    idle = server.memory()
                    costs = [
                        measured(server, lambda: server.call("get_session", asked), 1)  # noqa: B023
                        for _ in range(max(3, rounds // 2))
                    ]
                    peak = (server.memory("VmHWM") - idle) / megabytes
                cpu, wall = (median(part) * 1000 / megabytes for part in zip(*costs, strict=True))
                print(
                    f"{f'get {megabytes} MB {view}':28} {kind.name:13} {cpu:8.2f} ms CPU"
                    f" {wall:8.2f} ms wall a MB  peak {peak:4.1f} × the body",
                    flush=True,
                )


def starts(vapi: str, rounds: int) -> None:
    """From the process's start to the lists, and to the first call; memory after each."""
    found: dict[str, list[tuple[float, float, float, float]]] = {}
    for number in range(rounds + 1):
        for kind in KINDS:
            with Stdio(kind, vapi) as server:
                server.ask("tools/list", {})
                listed, idle = time.perf_counter() - server.begun, server.memory()
            with Stdio(kind, vapi) as server:
                server.call(*GET)
                called, used = time.perf_counter() - server.begun, server.memory()
            if number:
                found.setdefault(kind.name, []).append((listed, called, idle, used))
    for kind, each in found.items():
        listed, called, idle, used = (median(part) for part in zip(*each, strict=True))
        pairs = [*zip(each, found[FLOOR.name], strict=True)]
        ratios = (median(ours[at] / its[at] for ours, its in pairs) for at in (0, 1))
        print(
            f"{'start':28} {kind:13} lists {listed * 1000:5.0f} ms, {idle:4.0f} MB;"
            f" first call {called * 1000:5.0f} ms, {used:4.0f} MB"
            "  × floor: lists {:.2f}, first call {:.2f}".format(*ratios),
            flush=True,
        )


SUMMARIES: Json = {"view": "summary"}
FIGURES: dict[str, Measure] = {
    "get over stdio": over_stdio("get over stdio", *GET[:1], 100, GET[1]),
    "get over http": over_http("get over HTTP, 16 at once", 16, 400),
    "list of 100": over_stdio("list of 100, stdio", "list_sessions", 8, {"limit": 100}),
    "page of 1000": over_stdio(
        "page of 1000 summaries", "list_sessions", 1, {"limit": 1000, **SUMMARIES}, {"limit": 1000}
    ),
    **{
        f"growth {count}": over_http(f"get over HTTP, {count} at once", count, max(400, 12 * count))
        for count in (1, 16, 64, 256, 1_000)
    },
    **{
        f"size {kilobytes}": over_stdio(
            f"get of {kilobytes} KB, stdio",
            "get_session",
            max(2, 200 // kilobytes),
            {"id": f"kb-{kilobytes}", "view": "summary"},
            {"id": f"kb-{kilobytes}"},
        )
        for kilobytes in (1, 16, 256, 1_024, 4_096)
    },
    "large sessions": large,
    "start": starts,
}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    word = sys.argv[2] if len(sys.argv) > 2 else ""
    with upstream() as vapi:
        for name, measure in FIGURES.items():
            if word in name:
                measure(vapi, rounds)


if __name__ == "__main__":
    main()
