"""Customers' words in the viewer: shown, and never run, followed or fetched."""

import json
import re
from typing import Any, cast

import pytest

from support.browser import EXPANDS, FULL, HOST, Host, Json

GET, LIST = "get_session", "list_sessions"
# One text of each kind that has ever made a page do what its writer wanted.
INJECTIONS = (
    "<script>hacked()</script>",
    "<img src=x onerror=hacked()>",
    "<svg onload=hacked()><animate onbegin=hacked() attributeName=x /></svg>",
    "</script><script>parent.hacked();hacked()</script>",
    "<iframe srcdoc='<script>parent.hacked()</script>'></iframe>",
    "javascript:hacked()",
    "<a href='javascript:hacked()'>https://evil.test/</a>",
    "'\"--><style>@import 'https://evil.test/x.css';*{background:url(https://evil.test/b)}</style>",
    "<link rel=stylesheet href=https://evil.test/s.css><base href=https://evil.test/>",
    "<form action=https://evil.test/><button formaction=javascript:hacked()>send</button>",
    "${hacked()} {{hacked()}} #{hacked()}",
    "https://evil.test/?q=<b>bold</b>&amp;#x27;",
    "__proto__",
    "\u202egnp.exe \u2066isolated",
    "![x](https://evil.test/p.png) [link](javascript:hacked())",
)
EVERY = " ".join(INJECTIONS)


def poisoned(value: Any) -> Any:
    """`value` with every text in it, and every name of a field that is not Vapi's, an injection."""
    if isinstance(value, dict):
        items = cast("Json", value)
        return {name: poisoned(inner) for name, inner in items.items()} | {EVERY: EVERY}
    if isinstance(value, list):
        return [poisoned(inner) for inner in cast("list[Any]", value)]
    return EVERY if isinstance(value, str) else value


MESSAGES: list[Json] = [
    {"role": "user", "content": "", "name": ""},
    {"role": "bot", "message": ""},
    {"role": "", "content": [{"type": "text", "text": ""}]},
    {"role": "assistant", "tool_calls": [{"id": "", "function": {"name": "", "arguments": ""}}]},
    {"role": "tool", "tool_call_id": "", "content": ""},
    {"role": "system", "content": "a\nb"},
]
WHOLE: Json = {
    **dict.fromkeys(("id", "name", "status", "createdAt", "updatedAt", "assistantId"), ""),
    "customer": {"name": "", "number": "", "email": ""},
    "assistant": {"name": ""},
    "squad": {"name": ""},
    "costs": [{"type": "", "model": {"model": ""}, "cost": 0.1}],
    "cost": 0.1,
    "artifact": {
        "structuredOutputs": {"a": {"name": "", "result": {"b": [""], "c": {"d": {"e": ""}}}}},
        "scorecards": {"a": {"name": "", "score": ""}},
    },
    "messages": MESSAGES,
    "note": "",
}
STRETCH: Json = {
    **dict.fromkeys(("id", "name", "status", "customer", "createdAt"), ""),
    "messageCount": 2,
    "shown": {"from": 1, "to": 2, "of": 2},
    "messages": [
        {"role": "", "name": "", "text": "", "time": ""},
        {"role": "assistant", "calls": [{"tool": "", "with": {"a": ""}}]},
    ],
}
ROW: Json = {**dict.fromkeys(("id", "name", "status", "customer", "createdAt"), ""), "cost": 1}
PAGE: Json = {"results": [{**ROW, "lastMessage": "", "messageCount": 1}], "total": 1}


def roles_kept(answer: Json) -> Json:
    """The poisoned answer with the roles as they were, without which a message is not drawn so."""
    hostile = poisoned(answer)
    for was, now in zip(answer.get("messages", []), hostile.get("messages", []), strict=True):
        now["role"] = was["role"] or now["role"]
    return hostile


def ran(host: Host) -> list[str]:
    """What a policy had to stop or a text has run, in any frame, and what was asked for."""
    stopped = [what for frame in host.page.frames for what in frame.evaluate("window.stopped")]
    return [*stopped, *host.requested]


def made_of_texts(host: Host) -> bool:
    """Whether the page has no element and no attribute that a text could have made."""
    return host.inside((HOST / "made_of_texts.js").read_text("utf-8"))


@pytest.mark.parametrize("context", [EXPANDS, FULL], ids=["inline", "fullscreen"])
@pytest.mark.parametrize("answer", [WHOLE, STRETCH], ids=["whole", "stretch"])
def test_a_session_of_injections_shows_them_and_runs_nothing(
    host: Host, answer: Json, context: Json
) -> None:
    # Whoever can call a number can write into what others look at.
    hostile = roles_kept(answer)
    structured = {"structuredContent": hostile, "content": [{"type": "text", "text": EVERY}]}
    host.show(GET, {"id": EVERY}, context=context, result=structured)
    host.view.locator("h1").wait_for()
    assert context is FULL or host.height() <= 500
    while (closed := host.view.locator("details:not([open]) > summary")).count():
        closed.first.press("Enter")
    seen = host.view.locator("main").inner_text()
    assert all(part in re.sub(r"\s+", " ", seen) for part in INJECTIONS)
    host.view.get_by_role("searchbox").fill("<script>")
    assert "<script>" in host.texts("mark")
    assert made_of_texts(host)
    assert ran(host) == []
    host.picture(f"injection-{'stretch' if answer is STRETCH else 'whole'}")


def test_a_list_of_injections_shows_them_and_runs_nothing(host: Host) -> None:
    # So do a session's name and a customer's, which everybody sees who lists sessions.
    host.show(LIST, {}, context=FULL, result={"structuredContent": poisoned(PAGE)})
    host.view.locator("tbody tr").wait_for()
    seen = re.sub(r"\s+", " ", host.view.locator("tbody").inner_text())
    assert all(part in seen for part in INJECTIONS)
    assert made_of_texts(host)
    assert ran(host) == []


@pytest.mark.parametrize("way", ["an error", "a reason", "an error without content", "no answer"])
def test_what_the_host_hands_on_is_text_too(host: Host, way: str) -> None:
    # Error messages repeat what they are about.
    content = [{"type": "text", "text": EVERY}]
    results: dict[str, Json] = {
        "an error": {"content": content, "isError": True},
        "an error without content": {"content": [], "isError": True},
        "no answer": {"content": content},
    }
    host.show(GET, {"id": EVERY}, result="none")
    if way == "a reason":
        host.send("sendToolCancelled", {"reason": EVERY})
    else:
        host.send("sendToolResult", results[way])
    host.view.locator("article:not([aria-busy])").wait_for()
    if way != "an error without content":
        assert INJECTIONS[0] in host.view.locator("main").inner_text()
    assert made_of_texts(host)
    assert ran(host) == []


def test_strange_answers_break_nothing(host: Host) -> None:
    # Vapi adds fields and kinds of values; what is not understood is shown as it is, or left out.
    strange: list[Any] = [None, 7, "text", [], {}, {"content": 7}, {"role": 5, "content": None}]
    strange += [{"role": "user", "content": {"deep": {"er": 1}}}, {"tool_calls": "x"}, [1, 2]]
    for value in strange:
        fields = ("name", "customer", "costs", "artifact", "createdAt", "cost", "squad")
        answer = {"id": "s-1", **dict.fromkeys(fields, value), "messages": [value]}
        host.show(GET, {"id": "s-1"}, context=FULL, result={"structuredContent": answer})
        host.view.locator("h1").wait_for()
        assert len(host.texts(".rows > li")) == 1, json.dumps(value)
        rows = {"results": [{**answer, "id": "s-1"}, value]}
        host.show(LIST, {}, context=FULL, result={"structuredContent": rows})
        host.view.locator("tbody tr").first.wait_for()
    assert ran(host) == []


def test_masked_values_are_shown_as_masked(host: Host) -> None:
    # Nobody should take the stars for what was said.
    session = {
        "id": "s-1",
        "customer": {"number": "***23"},
        "messages": [{"role": "user", "content": "PIN ***."}],
    }
    host.show(GET, {"id": "s-1"}, context=FULL, result={"structuredContent": session})
    host.view.locator("h1").wait_for()
    masks = host.view.locator(".mask")
    assert masks.all_inner_texts() == ["***", "***"]
    assert masks.first.get_attribute("title") == "Masked by the server"


def test_a_spreadsheet_runs_no_cell_of_a_download(host: Host) -> None:
    # Formulas in a name would run on the computer of whoever opens the file.
    names = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", '"quoted", 1\n2']
    rows = [
        {"id": f"s-{at}", "name": name, "customer": "+14155550123"} for at, name in enumerate(names)
    ]
    host.show(LIST, {}, context=FULL, result={"structuredContent": {"results": rows}})
    host.press("CSV")
    text = host.seen["downloads"][0]["contents"][0]["resource"]["text"]
    cells = [line.split(",")[1] for line in text.splitlines()[1:6]]
    assert cells == [f"'{name}" for name in names[:5]]
    assert '"""quoted"", 1\n2"' in text
    assert ",+14155550123," in text
