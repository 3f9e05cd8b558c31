"""The alerts, judged by Prometheus' own promtool: valid, and each rings for what it is about."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from support.deployed import DEPLOY, read_yaml
from support.metered import Metered
from support.recorded import record_everything

RULES = [rule for group in read_yaml("prometheus/alerts.yml")["groups"] for rule in group["rules"]]


def promtool(*arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """What Prometheus' own judge says."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not here: Debian's package prometheus has it")
    return subprocess.run(
        [found, *arguments], input=given, capture_output=True, text=True, timeout=60, check=False
    )


def test_promtool_takes_configuration_and_alerts() -> None:
    # It checks each expression, and each template in what an alert says.
    judged = promtool("check", "config", DEPLOY / "prometheus" / "prometheus.yml")
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert f"{len(RULES)} rules found" in judged.stdout


def test_promtool_has_nothing_to_say_about_the_metrics() -> None:
    # It knows how names, units and types have to go together.
    metered = Metered()
    record_everything(metered.telemetry)
    judged = promtool("check", "metrics", given=metered.text())
    assert (judged.returncode, judged.stdout + judged.stderr) == (0, "")


VAPI = 'http_client_request_duration_seconds_count{job="vapi-sessions",'
CASES = {
    "VapiSessionsDown": [('up{job="vapi-sessions",instance="a"}', "0x20")],
    "VapiSessionsFault": [
        (
            'vapi_sessions_call_duration_seconds_count{job="vapi-sessions",error_type="Broken"}',
            "0+1x20",
        )
    ],
    "VapiKeyRefused": [(f'{VAPI}http_response_status_code="401",error_type="401"}}', "0+60x20")],
    "VapiFailing": [
        (f'{VAPI}http_response_status_code="503",error_type="503"}}', "0+2x20"),
        (f'{VAPI}error_type="ConnectionLost"}}', "0+2x20"),
        (f'{VAPI}http_response_status_code="200"}}', "0+8x20"),
    ],
    "VapiRateLimited": [(f'{VAPI}http_response_status_code="429",error_type="429"}}', "0+60x20")],
    "VapiSessionsQueueing": [
        ('vapi_sessions_calls_queued{job="vapi-sessions",instance="a"}', "3x20")
    ],
    "VapiSessionsFull": [
        ('vapi_sessions_refusals_total{job="vapi-sessions",error_type="503"}', "0+1x20")
    ],
    "VapiSessionsStrangers": [
        ('vapi_sessions_refusals_total{job="vapi-sessions",error_type="401"}', "0+120x20")
    ],
    "VapiSessionsMemory": [
        ('process_resident_memory_bytes{job="vapi-sessions",instance="a"}', "900000000x20")
    ],
    "VapiSessionsFiles": [
        ('process_open_fds{job="vapi-sessions",instance="a"}', "900x20"),
        ('process_max_fds{job="vapi-sessions",instance="a"}', "1024x20"),
    ],
    "VapiSessionsSlow": [
        (
            'vapi_sessions_call_duration_seconds_bucket{job="vapi-sessions",tool="a",le="10"}',
            "0x20",
        ),
        (
            'vapi_sessions_call_duration_seconds_bucket{job="vapi-sessions",tool="a",le="30"}',
            "0+60x20",
        ),
        (
            'vapi_sessions_call_duration_seconds_bucket{job="vapi-sessions",tool="a",le="+Inf"}',
            "0+60x20",
        ),
    ],
}
WELL = [
    ('up{job="vapi-sessions",instance="a"}', "1x20"),
    (f'{VAPI}http_response_status_code="200"}}', "0+60x20"),
    (f'{VAPI}http_response_status_code="404",error_type="404"}}', "0+60x20"),
    ('vapi_sessions_calls_queued{job="vapi-sessions",instance="a"}', "0x20"),
    ('vapi_sessions_refusals_total{job="vapi-sessions",error_type="401"}', "0+6x20"),
    ('process_resident_memory_bytes{job="vapi-sessions",instance="a"}', "90000000x20"),
]


def rung(tmp_path: Path, series: list[tuple[str, str]]) -> set[str]:
    """The alerts that ring 15 minutes into these series, of which there is a value a minute."""
    found: set[str] = set()
    for alert in CASES:
        test = {
            "rule_files": [str(DEPLOY / "prometheus" / "alerts.yml")],
            "tests": [
                {
                    "interval": "1m",
                    "input_series": [{"series": name, "values": values} for name, values in series],
                    # None is expected: the one that rings is what fails.
                    "alert_rule_test": [{"eval_time": "15m", "alertname": alert}],
                }
            ],
        }
        file = tmp_path / f"{alert}.json"
        file.write_text(json.dumps(test), encoding="utf-8")
        judged = promtool("test", "rules", file)
        if judged.returncode:
            assert f"alertname: {alert}," in judged.stdout + judged.stderr
            found.add(alert)
    return found


@pytest.mark.parametrize("alert", CASES)
def test_each_alert_rings_for_what_it_is_about_and_for_nothing_else(
    tmp_path: Path, alert: str
) -> None:
    # One that never rings is worse than none, and so is one that rings for everything.
    assert rung(tmp_path, CASES[alert]) == {alert}


def test_no_alert_rings_while_all_is_well(tmp_path: Path) -> None:
    # Callers make mistakes all day.
    assert {rule["alert"] for rule in RULES} == CASES.keys()
    assert rung(tmp_path, WELL) == set()
