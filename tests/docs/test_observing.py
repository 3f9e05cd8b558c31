"""The page about metrics and traces has every metric, as it is exported."""

import os
import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from support.metered import Metered
from support.recorded import record_everything
from vapi_sessions_mcp.telemetry.exports import FLUSH_SECONDS
from vapi_sessions_mcp.telemetry.metrics import METRICS

PAGE = Path(__file__).parents[2] / "docs" / "observing.md"
MARKS = re.compile(r"(?<=<!-- metrics -->\n).*?(?=<!-- /metrics -->)", re.DOTALL)


def exported() -> dict[str, set[str]]:
    """The labels of each family that Prometheus reads, by its name."""
    metered = Metered()
    record_everything(metered.telemetry)
    return {
        family.name: {label for sample in family.samples for label in sample.labels} - {"le"}
        for family in text_string_to_metric_families(metered.text())
        if not family.name.endswith("_created")
    }


def table() -> str:
    """The table of all metrics, by both of their names."""
    rows = ["| OpenTelemetry, and Prometheus | what it counts | attributes |", "|---|---|---|"]
    there = exported()
    for metric in METRICS:
        [family] = [name for name in there if name.startswith(metric.name.replace(".", "_"))]
        shown = f"{family}_total" if metric.kind == "counter" else family
        labels = ", ".join(f"`{label}`" for label in metric.attributes)
        rows.append(f"| `{metric.name}` {metric.kind}<br>`{shown}` | {metric.what} | {labels} |")
    return "\n".join(rows) + "\n"


def test_the_table_has_every_metric() -> None:
    # Whoever writes an alert looks for names here; UPDATE_SNAPSHOTS=1 writes it anew.
    page = PAGE.read_text(encoding="utf-8")
    made = MARKS.sub(lambda _: table(), page)
    if os.environ.get("UPDATE_SNAPSHOTS"):
        PAGE.write_text(made, encoding="utf-8")
        page = made
    assert page == made, "run the tests with UPDATE_SNAPSHOTS=1 to write it anew"


def test_a_metric_has_the_labels_that_it_is_declared_with() -> None:
    # A label more, such as an id, would be in no table and in every bill.
    there = exported()
    assert len(there) == len(METRICS)
    for metric in METRICS:
        [labels] = [
            labels
            for name, labels in there.items()
            if name.startswith(metric.name.replace(".", "_"))
        ]
        assert labels == {name.replace(".", "_") for name in metric.attributes}, metric.name


def test_the_page_says_how_long_the_end_can_take() -> None:
    # Whoever sets a grace period adds it.
    assert f"it has {FLUSH_SECONDS:g} s for the last spans" in PAGE.read_text(encoding="utf-8")
