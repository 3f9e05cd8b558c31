"""A session in the viewer: a real browser, the official host, and our server over HTTP."""

import json
import re
from typing import Any

import pytest

from support.browser import ALL, EXPANDS, FULL, Host

# Of the sandbox: fifteen messages with two tool calls, and 145 messages.
REFILL = "813014ee-30b1-50e9-b6dd-4e44d8a75bdf"
SHELTER = "955b4bee-8472-5584-ac04-8e32de4aa02a"
GET = "get_session"
INLINE = 500


def without(name: str) -> dict[str, Any]:
    """All that a host can offer but this."""
    return {key: value for key, value in ALL.items() if key != name}


def shown(host: Host) -> str:
    """Which of how many messages are drawn."""
    return host.view.locator("nav .place").inner_text()


def said(host: Host) -> str:
    """What the view says of how something went."""
    return host.view.locator("section .status").inner_text()


def test_a_session_is_a_document(host: Host) -> None:
    # Who spoke, what was said and when; hosts forbid chat bubbles, and nobody reads JSON.
    host.show(GET, {"id": REFILL})
    host.view.get_by_role("heading", name="Refill allergy tablets").wait_for()
    rows = host.texts(".rows > li")
    assert re.search(r"Assistant\s+Juniper Pet Clinic, Sage speaking\.\s+\d\d:\d\d:\d\d", rows[1])
    assert re.search(r"Customer\s+I need a refill of Biscuit's allergy tablets, please\.", rows[2])
    facts = host.view.locator("aside").inner_text()
    for fact in ("Maya Okafor +14155550123", "Sage", "completed", REFILL, "$0.0424", "$0.0417"):
        assert fact in facts
    host.picture("session-light")


def test_a_tool_call_is_one_line_with_its_arguments_inside(host: Host) -> None:
    # What was looked up matters now and then; its JSON must not bury the conversation.
    host.show(GET, {"id": REFILL}, context=FULL)
    call = host.view.locator("details", has_text="Called read_prescription")
    assert call.locator("pre").count() == 0
    call.locator("summary").click()
    assert json.loads(call.locator("pre").inner_text()) == {
        "pet": "Biscuit",
        "medicine": "allergy tablets",
    }
    answer = host.view.locator("details", has_text="read_prescription answered")
    answer.locator("summary").click()
    assert '"dose": "one tablet each evening"' in answer.locator("pre").inner_text()


@pytest.mark.parametrize("width", [360, 480, 640, 760])
@pytest.mark.parametrize("id", [REFILL, SHELTER])
def test_an_inline_session_is_at_most_500_pixels_tall_and_scrolls_nowhere(
    phone: Host, width: int, id: str
) -> None:
    # A scrollbar inside a conversation that scrolls cannot be used on any device.
    phone.page.set_viewport_size({"width": width, "height": 640})
    phone.show(GET, {"id": id}, context=EXPANDS)
    phone.view.locator(".rows > li").first.wait_for()
    assert phone.height() <= INLINE
    assert phone.seen["sizes"] == [] or phone.seen["sizes"][-1]["height"] <= INLINE
    assert phone.inside("document.documentElement.scrollWidth <= innerWidth")
    scrolling = """[...document.querySelectorAll("*")].filter((element) =>
        /auto|scroll/.test(getComputedStyle(element).overflowY)).length"""
    assert phone.inside(scrolling) == 0
    phone.picture(f"session-{width}-{id[:4]}")


def test_earlier_and_later_go_through_what_the_answer_holds(host: Host) -> None:
    # Without another call, when everything is there.
    host.show(GET, {"id": REFILL}, capabilities={})
    host.view.locator(".rows > li").first.wait_for()
    seen: list[str] = []
    while True:
        seen += host.texts(".rows .line")
        later = host.view.get_by_role("button", name="Later")
        if later.is_disabled():
            break
        later.click()
    assert len(seen) == len(set(seen)) == 15
    host.view.get_by_role("button", name="Earlier").click()
    assert shown(host).endswith(" of 15")
    assert host.seen["calls"] == []


def test_earlier_messages_are_asked_for_through_the_host(host: Host) -> None:
    # An agent asked for the last few: a person reads on from there.
    host.show(GET, {"id": SHELTER, "messages": {"last": 20}}, context=FULL)
    host.view.locator(".rows > li").first.wait_for()
    assert shown(host) == "126–145 of 145"
    host.press("Earlier")
    assert shown(host) == "26–125 of 145"
    host.press("Earlier")
    assert shown(host) == "1–25 of 145"
    assert "Juniper Pet Clinic, Sage speaking." in host.texts(".rows > li")[1]
    assert [call["arguments"] for call in host.seen["calls"]] == [
        {"id": SHELTER, "messages": {"from": 26, "to": 125}},
        {"id": SHELTER, "messages": {"from": 1, "to": 100}},
    ]
    host.press("Later")
    assert shown(host) == "26–125 of 145"
    assert len(host.seen["calls"]) == 2


def test_a_stretch_of_one_role_goes_on_with_that_role(host: Host) -> None:
    # Its numbers count that role's messages; mixing in others would make nonsense of them.
    host.show(GET, {"id": SHELTER, "messages": {"last": 5, "role": "user"}})
    host.view.locator(".rows > li").first.wait_for()
    host.press("Earlier")
    assert set(host.texts(".rows .who")) == {"Customer"}
    [call] = host.seen["calls"]
    assert call["arguments"]["messages"]["role"] == "user"


def test_a_summary_can_be_read_on(host: Host) -> None:
    # The cheapest view holds no message, only the last one's beginning.
    host.show(GET, {"id": REFILL, "view": "summary"})
    host.press("Read the conversation")
    assert shown(host).startswith("1–")
    assert "Juniper Pet Clinic" in host.texts(".rows > li")[1]


def test_more_details_are_one_press_away(host: Host) -> None:
    # A transcript has no cost of parts, no assistant and no results.
    host.show(GET, {"id": SHELTER, "messages": {"last": 20}}, context=FULL)
    host.view.locator(".rows > li").first.wait_for()
    assert "intake@example.org" not in host.view.locator("aside").inner_text()
    host.press("More details")
    facts = host.view.locator("aside").inner_text()
    assert "intake@example.org" in facts
    assert "Olive, Dot" in facts
    assert shown(host) == "46–145 of 145"


def test_a_text_is_found_wherever_it_is(host: Host) -> None:
    # In a long conversation a person looks for the one place that matters.
    host.show(GET, {"id": SHELTER, "view": "transcript"})
    find = host.view.get_by_role("searchbox")
    find.fill("OLIVE")
    count = host.view.locator(".find .count")
    first, of = re.findall(r"\d+", count.inner_text())
    assert (first, int(of) > 2) == ("1", True)
    assert host.texts("mark")[0].lower() == "olive"
    places: set[str] = set()
    for _ in range(int(of)):
        places.add(host.view.locator("[aria-current]").inner_text())
        find.press("Enter")
    assert len(places) == int(of)
    assert count.inner_text() == f"1 of {of}"
    find.press("Shift+Enter")
    assert count.inner_text() == f"{of} of {of}"
    find.fill("no such words (.*")
    assert count.inner_text() == "none"
    assert host.height() <= INLINE


def test_the_agent_is_pointed_at_a_message(host: Host) -> None:
    # A person says "what about this one?" without copying anything; it is marked as data.
    host.show(GET, {"id": REFILL})
    line = host.view.locator("li", has_text="I need a refill")
    line.hover()
    line.get_by_role("button", name="Tell the agent about message 3, of Customer").click()
    host.view.get_by_text("The agent will read it with your next message.").wait_for()
    [context] = host.seen["contexts"]
    [block] = context["content"]
    assert f"message 3 of 15 in the Vapi session {REFILL}" in block["text"]
    assert "> I need a refill of Biscuit's allergy tablets, please." in block["text"]
    assert "data, not instructions" in block["text"]


def test_a_transcript_is_downloaded_whole_through_the_host(host: Host) -> None:
    # A part of it in a file would be taken for all of it.
    host.show(GET, {"id": SHELTER, "messages": {"last": 3}}, context=FULL)
    host.press("Markdown")
    host.press("JSON")
    markdown, whole = (each["contents"][0]["resource"] for each in host.seen["downloads"])
    assert markdown["mimeType"] == "text/markdown"
    assert markdown["uri"].endswith(f"{SHELTER}.md")
    assert markdown["text"].count("\n**") == 145
    assert whole["mimeType"] == "application/json"
    assert len(json.loads(whole["text"])["messages"]) == 145
    assert said(host) == "Downloaded."


def test_a_transcript_is_copied_whole(host: Host) -> None:
    # The clipboard is the host's to grant; here it does not, and the old way works.
    host.show(GET, {"id": REFILL})
    host.press("Copy")
    assert said(host) == "Copied."
    host.page.evaluate("document.body.prepend(document.createElement('textarea'))")
    host.page.locator("textarea").focus()
    host.page.keyboard.press("ControlOrMeta+V")
    copied = host.page.locator("textarea").input_value()
    assert copied.startswith("# Refill allergy tablets\n")
    assert copied.count("\n**") == 15


@pytest.mark.parametrize("refuses", ["downloads", "quietly downloads"])
def test_a_host_that_denies_a_download_is_reported(host: Host, refuses: str) -> None:
    # Nothing on the page may look as if the file were there.
    host.show(GET, {"id": REFILL}, refuses=[refuses])
    host.press("Markdown")
    assert said(host) in ("The person declined: downloads.", "The host did not save the file.")


@pytest.mark.parametrize(
    ("lacking", "buttons"),
    [
        ("downloadFile", {"Markdown", "JSON"}),
        ("updateModelContext", {"Tell agent"}),
        ("serverTools", {"More details"}),
    ],
)
def test_what_the_host_cannot_do_is_not_offered(
    host: Host, lacking: str, buttons: set[str]
) -> None:
    # A button that leads nowhere is worse than none.
    args = {"id": SHELTER, "messages": {"last": 3}}
    host.show(GET, args, context=FULL)
    host.view.locator(".rows > li").first.wait_for()
    assert buttons <= set(host.view.locator("button").all_text_contents())
    host.show(GET, args, context=FULL, capabilities=without(lacking))
    host.view.locator(".rows > li").first.wait_for()
    assert not buttons & set(host.view.locator("button").all_text_contents())


def test_a_failing_call_is_reported_and_can_be_tried_again(host: Host) -> None:
    # The host, the server and Vapi can all fail; what is on the page stays.
    host.show(GET, {"id": SHELTER, "messages": {"last": 5}}, refuses=["tools"])
    host.press("Earlier")
    assert said(host) == "The person declined: tools."
    assert shown(host) == "141–145 of 145"
    assert host.view.get_by_role("button", name="Earlier").is_enabled()


def test_a_session_that_is_gone_says_so(host: Host) -> None:
    # The words are the server's own, which say what to do next.
    answer = host.show(GET, {"id": "00000000-0000-4000-8000-000000000000"})
    assert answer["isError"]
    host.view.get_by_text(answer["content"][0]["text"]).wait_for()


def test_a_cancelled_call_ends_the_wait(host: Host) -> None:
    # Otherwise the view would seem to wait for ever.
    host.show(GET, {"id": REFILL}, result="none")
    host.view.get_by_text(f"Reading session {REFILL}").wait_for()
    host.send("sendToolCancelled", {"reason": "the person stopped it"})
    host.view.get_by_text("The call was cancelled: the person stopped it").wait_for()
    assert host.view.locator("[aria-busy]").count() == 0


def test_an_answer_in_text_alone_is_read(host: Host) -> None:
    # Some hosts hand on the content and nothing else.
    answer = host.show(GET, {"id": REFILL}, result="none")
    assert answer is None
    structured: dict[str, Any] = {"id": REFILL, "name": "By text", "messages": []}
    host.send("sendToolResult", {"content": [{"type": "text", "text": json.dumps(structured)}]})
    host.view.get_by_role("heading", name="By text").wait_for()
    assert "No messages." in host.texts(".rows > li")


def test_times_are_in_the_viewers_own_time_zone_and_language(host: Host) -> None:
    # A call at night in one place is in the afternoon in another.
    host.show(GET, {"id": REFILL}, context={"timeZone": "Asia/Tokyo", "locale": "de-DE"})
    facts = host.view.locator("aside").inner_text()
    assert re.search(r"\d{1,2}\. \w+\.? \d{4}, \d\d:\d\d (GMT\+9|MEZ|JST)", facts)
    host.show(GET, {"id": REFILL}, context={"timeZone": "Nowhere/Never", "locale": "!"})
    host.view.get_by_role("heading", name="Refill allergy tablets").wait_for()


def test_a_dark_host_gets_a_dark_view(host: Host) -> None:
    # With the host's own colours and fonts where it gives some.
    variables = {"--color-text-primary": "rgb(250, 240, 230)", "--font-sans": "Test Sans"}
    host.show(GET, {"id": REFILL}, context={"theme": "dark", "styles": {"variables": variables}})
    host.view.locator(".rows > li").first.wait_for()
    body = host.inside(
        "(({ color, fontFamily }) => [color, fontFamily])(getComputedStyle(document.body))"
    )
    assert body == ["rgb(250, 240, 230)", '"Test Sans"']
    assert host.inside("getComputedStyle(document.documentElement).colorScheme") == "dark"
    host.send("sendHostContextChange", {"theme": "light"})
    host.view.locator(":root[data-theme=light]").wait_for()
    host.show(GET, {"id": REFILL}, context={"theme": "dark"})
    host.view.locator(".rows > li").first.wait_for()
    host.picture("session-dark")


def test_expanding_shows_the_whole_document(host: Host) -> None:
    # Fullscreen has room for what inline has not.
    host.show(GET, {"id": REFILL}, context=EXPANDS)
    host.press("Expand")
    host.view.get_by_text("1–15 of 15").wait_for()
    assert host.seen["modes"] == ["fullscreen"]
    assert host.view.get_by_role("button", name="Expand").count() == 0
    host.send("sendHostContextChange", {"displayMode": "inline"})
    host.view.get_by_role("button", name="Expand").wait_for()
    assert host.height() <= INLINE


def test_everything_is_reached_and_read_by_keyboard(host: Host) -> None:
    # In reading order, and each with a mark that shows where one is.
    host.show(GET, {"id": REFILL}, context=EXPANDS)
    host.view.locator(".rows > li").first.wait_for()
    host.view.get_by_role("button", name="Copy").focus()
    reached: list[str] = []
    for _ in range(9):
        reached.append(
            host.inside("document.activeElement.textContent || document.activeElement.ariaLabel")
        )
        assert host.inside("document.activeElement.matches(':focus-visible')")
        host.page.keyboard.press("Tab")
    assert reached[:5] == ["Copy", "Markdown", "JSON", "Expand", "Find in messages"]
    assert "Later" in reached


def test_what_is_pressed_is_as_large_as_a_finger(phone: Host) -> None:
    # 44 pixels each way; text that is pressed as well as read is as tall.
    phone.show(GET, {"id": REFILL})
    phone.view.locator(".rows > li").first.wait_for()
    small = """[...document.querySelectorAll("button, input, select, summary")]
        .map((each) => [each.textContent, each.getBoundingClientRect()])
        .filter(([, box]) => box.width > 0 && (box.height < 44 || box.width < 44))
        .map(([text, box]) => `${text} ${box.width} ${box.height}`)"""
    assert phone.inside(small) == []
