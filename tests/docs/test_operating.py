"""The page for whoever runs it: its names are real, and its figures follow from one another."""

import os
import re
from math import ceil
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from vapi_sessions_mcp.cli.main import command
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.telemetry.metrics import METRICS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "operating.md"
RATES = (10, 1_000, 100_000)
# As the page says: so much of a core is used, and Vapi takes so long.
USED, SECONDS = 0.5, 0.3


def alerts() -> list[Any]:
    reader: Any = YAML(typ="safe")
    [group] = reader.load(ROOT / "deploy/prometheus/alerts.yml")["groups"]
    return group["rules"]


def alert_table() -> str:
    """Each alert, and what it asks for."""
    rows = ["| Alert | What to do |", "|---|---|"]
    for rule in alerts():
        action = " ".join(rule["annotations"]["action"].split())
        rows.append(f"| `{rule['alert']}` | {action} |")
    return "\n".join(rows) + "\n"


def processor(page: str) -> dict[str, float]:
    """Milliseconds of each call."""
    return {name: float(ms) for name, ms in re.findall(r"\| (`.+) \| ([\d.]+) ms \|", page)}


def capacity_table(page: str) -> str:
    """How many of each call fill a core, from what each costs."""
    rows = ["| A call | processor | a second, for a core |", "|---|---:|---:|"]
    for name, ms in processor(page).items():
        count = 1000 / ms
        rows.append(f"| {name} | {ms:g} ms | {round(count, -1 if count >= 100 else 0):.0f} |")
    return "\n".join(rows) + "\n"


def replica_table(page: str) -> str:
    """How many processes the processor and the turns to Vapi make necessary."""
    ms = next(iter(processor(page).values()))
    rows = [
        "| Calls a second | for the processor | for turns | processes |",
        "|---:|---:|---:|---:|",
    ]
    for rate in RATES:
        cores = ceil(rate * ms / 1000 / USED)
        turns = ceil(rate * SECONDS / Settings().max_upstream)
        rows.append(f"| {rate:,} | {cores:,} | {turns:,} | {max(cores, turns):,} |")
    return "\n".join(rows) + "\n"


def test_the_tables_follow_from_the_alerts_and_the_measurements() -> None:
    # A capacity that somebody forgot to work out anew is a wrong order of machines.
    page = PAGE.read_text(encoding="utf-8")
    made = page
    for mark, table in (
        ("alerts", alert_table()),
        ("capacity", capacity_table(page)),
        ("replicas", replica_table(page)),
    ):
        between = re.compile(rf"(?<=<!-- {mark} -->\n).*?(?=<!-- /{mark} -->)", re.DOTALL)
        assert between.search(made)
        made = between.sub(lambda _, table=table: table, made)
    if os.environ.get("UPDATE_SNAPSHOTS"):
        PAGE.write_text(made, encoding="utf-8")
        page = made
    assert page == made, "run the tests with UPDATE_SNAPSHOTS=1 to write it anew"


def test_what_a_call_costs_is_what_was_measured() -> None:
    # The other page says how.
    measured = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    costs = processor(PAGE.read_text(encoding="utf-8"))
    assert len(costs) >= 3
    for ms in costs.values():
        assert f"{ms:g} ms" in measured or f"{ms:.1f} ms" in measured, ms


def test_each_option_metric_and_alert_that_it_names_is_there() -> None:
    # At night nobody should look for a name that is none.
    page = PAGE.read_text(encoding="utf-8")
    options = {word for each in command.params for word in each.opts}
    named = set(re.findall(r"`(--[a-z-]+)", page))
    assert len(named) > 15
    assert named <= options
    families = {
        f"vapi_sessions_{metric.name.split('.', 1)[1].replace('.', '_')}" for metric in METRICS
    }
    metrics = {
        re.sub(r"(_total|_bucket|_count)$", "", name)
        for name in re.findall(r"`(vapi_sessions_\w+)", page)
    }
    assert metrics
    assert metrics <= families
    assert set(re.findall(r"`(Vapi[A-Z]\w+)`", page)) == {rule["alert"] for rule in alerts()}
