"""The documents of the viewer: made from ui/, self-contained, closed to markup."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "ui"
BUILT = ROOT / "src" / "vapi_sessions_mcp" / "ui"
SCRIPTS = sorted(SOURCES.glob("*.js"))
# The ways by which a text becomes markup, a program or a request.
FORBIDDEN = {
    "innerHTML, outerHTML": r"(?:inner|outer)HTML",
    "insertAdjacentHTML": r"insertAdjacentHTML",
    "document.write": r"document\s*\.\s*write",
    "setHTML": r"\bsetHTML",
    "a parser": r"DOMParser|createContextualFragment|srcdoc|XSLTProcessor",
    "eval": r"\beval\b",
    "Function": r"\bnew\s+Function\b|\bFunction\s*\(",
    "a timer of text": r"set(?:Timeout|Interval)\(\s*[\"'`]",
    "an event attribute": r"[sS]etAttribute(?:NS)?\(\s*[\"'`](?:on|style|src)",
    "a risky element": r"el\(\s*[\"'`](?:script|iframe|object|embed|a|img|link|base|form|style)\b",
    "a javascript link": r"javascript:",
    "import": r"\bimport\s*\(",
}
# What only the page of `view` needs, which is on this machine and ours.
REQUESTS = r"\bfetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|\.href\b|\bopen\(\s*[\"'`]"


def test_the_committed_documents_are_what_their_sources_make() -> None:
    # What is served is what was reviewed.
    made = runpy.run_path(str(ROOT / "scripts" / "build-ui"))["build"]()
    assert set(made) == {"viewer.html", "host.html"}
    assert {path.name: path.read_bytes() for path in BUILT.iterdir()} == {
        name: text.encode() for name, text in made.items()
    }


def test_the_documents_are_small() -> None:
    # A host fetches the viewer before it shows anything.
    assert sum(path.stat().st_size for path in BUILT.iterdir()) < 150_000


@pytest.mark.parametrize("name", ["viewer.html", "host.html"])
def test_a_document_names_no_other(name: str) -> None:
    # Nothing of it is elsewhere, where it could change or be seen to be fetched.
    text = (BUILT / name).read_text(encoding="utf-8")
    addresses = set(re.findall(r"[a-z]+://[^\s\"'`)]*", text))
    assert addresses <= {"http://www.w3.org/2000/svg", "file:///${name}"}
    assert not re.search(r"@import|url\(|<link|<img|<script[^>]*src|<iframe|<base|<form", text)


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_source_can_make_markup_of_a_text(what: str) -> None:
    # Customers' words enter the page as text nodes only.
    assert len(SCRIPTS) > 10
    hits = {path.name: re.findall(FORBIDDEN[what], path.read_text("utf-8")) for path in SCRIPTS}
    assert {name: found for name, found in hits.items() if found} == {}


def test_no_source_of_the_viewer_makes_a_request() -> None:
    # It has the host for everything.
    asking = {p.name for p in SCRIPTS if re.search(REQUESTS, p.read_text("utf-8"))}
    assert asking == {"host.js"}


def test_the_sources_are_modules_that_say_what_they_are_for() -> None:
    # A reader starts with the first line, as in the Python.
    for path in SCRIPTS:
        text = path.read_text(encoding="utf-8")
        assert re.match(r"/\*\*(?: @file |\n \* @file )\S", text), path.name
        assert len(text.splitlines()) <= 350, path.name
