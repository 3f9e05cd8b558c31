"""The viewer and its hosts: both official versions, every message, and what hosts ask for."""

from collections.abc import Generator
from typing import Any

import pytest
from playwright.sync_api import Browser

from support.browser import ALL, EXPANDS, FULL, HOST, VERSIONS, Host, bundled, hosted

GET = "get_session"
REFILL = "813014ee-30b1-50e9-b6dd-4e44d8a75bdf"


@pytest.fixture(scope="module", params=VERSIONS)
def version(
    request: pytest.FixtureRequest, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The official host of ext-apps 2 and of ext-apps 1, the latter with the SDK of its time."""
    return bundled(str(request.param), tmp_path_factory.mktemp("host"))


@pytest.fixture(scope="module")
def each_page(browser: Browser, version: str, viewer_server: str) -> Generator[Host]:
    """A page with each of the official hosts."""
    with hosted(browser, version, viewer_server) as host:
        yield host


@pytest.fixture
def each(each_page: Host) -> Host:
    """Each of the official hosts, which has seen nothing yet."""
    return each_page.fresh(760, 720)


def test_the_official_host_takes_every_message_of_the_viewer(each: Host) -> None:
    # It checks each against the specification's schema, and answers with an error otherwise.
    each.show(GET, {"id": REFILL, "messages": {"last": 3}}, context=EXPANDS)
    each.view.locator(".rows > li").first.wait_for()
    each.press("Earlier")
    each.press("Markdown")
    each.press("Copy")
    each.view.locator("li").first.hover()
    each.view.locator(".tell").first.click()
    each.view.get_by_text("The agent will read it").wait_for()
    each.press("Expand")
    seen = each.seen
    assert len(seen["calls"]) >= 1
    assert [len(seen[name]) for name in ("downloads", "contexts", "modes")] == [1, 1, 1]
    assert seen["sizes"]
    assert all(size["width"] == 760 and size["height"] <= 500 for size in seen["sizes"][:-1])


def test_the_official_host_knows_what_the_viewer_is(each: Host) -> None:
    # It lists what the view can do, and by that offers fullscreen or does not.
    each.show(GET, {"id": REFILL})
    version = each.page.evaluate("host.bridge.getAppVersion()")
    able = each.page.evaluate("host.bridge.getAppCapabilities()")
    assert version == {"name": "vapi-sessions-viewer", "version": "1"}
    assert able == {"availableDisplayModes": ["inline", "fullscreen"]}
    resource = each.page.evaluate("host.resource")
    assert resource["mimeType"] == "text/html;profile=mcp-app"


def test_arguments_that_are_still_being_written_are_shown(each: Host) -> None:
    # They come in pieces that need not make sense yet.
    each.show(GET, None, result="none")
    partial: list[dict[str, Any]] = [{}, {"id": 7}, {"id": "8130"}, {"id": REFILL, "messages": []}]
    for arguments in partial:
        each.send("sendToolInputPartial", {"arguments": arguments})
    each.view.get_by_text(f"Reading session {REFILL}…").wait_for()
    assert each.view.locator("[aria-busy]").count() == 1


def test_the_viewer_answers_pings_and_its_end(each: Host) -> None:
    # A host waits for the answer before it takes the frame away.
    each.show(GET, {"id": REFILL})
    each.view.locator(".rows > li").first.wait_for()
    assert each.page.evaluate("host.bridge.teardownResource({})") == {}
    assert each.view.locator("article").count() == 0
    refused = """host.bridge.request({ method: "tools/list" }, { parse: (value) => value })
        .then(() => "", (error) => error.message)"""
    assert each.page.evaluate(refused) != ""


def test_a_second_answer_takes_the_place_of_the_first(each: Host) -> None:
    # Hosts may call the tool again for the same frame.
    each.show(GET, {"id": REFILL})
    each.send("sendToolResult", {"content": [], "structuredContent": {"id": "s", "name": "Second"}})
    each.view.get_by_role("heading", name="Second").wait_for()


def test_a_fixed_height_is_filled_and_a_smaller_maximum_kept(host: Host) -> None:
    # Hosts pin the frame, or give less than others do.
    for dimensions, most in (({"height": 420}, 420), ({"maxHeight": 380}, 380), ({}, 500)):
        host.show(GET, {"id": REFILL}, context={"containerDimensions": dimensions})
        host.view.locator(".rows > li").first.wait_for()
        assert host.height() <= most


def test_insets_and_reduced_motion_are_respected(host: Host) -> None:
    # A notch must not hide words, and nothing moves for whom motion makes ill.
    host.page.emulate_media(reduced_motion="reduce")
    insets = {"top": 30, "right": 0, "bottom": 40, "left": 50}
    host.show(GET, {"id": REFILL}, context={"safeAreaInsets": insets}, result="none")
    host.view.locator(".bone").first.wait_for()
    assert host.inside("document.getAnimations().length") == 0
    padding = "(({ paddingTop, paddingLeft }) => [paddingTop, paddingLeft])"
    assert host.inside(f"{padding}(getComputedStyle(document.querySelector('main')))") == [
        "42px",
        "66px",
    ]


def test_a_session_of_two_thousand_messages_is_used_like_any_other(host: Host) -> None:
    # Only what is looked at is drawn; the rest is a search away.
    messages = [
        {
            "role": "bot" if at % 2 else "user",
            "message": f"Sentence {at} of many.",
            "time": 1795104577268 + at * 1000,
        }
        for at in range(2000)
    ]
    session = {"id": "s-1", "name": "Long", "messages": messages}
    host.show(GET, {"id": "s-1"}, context=FULL, result={"structuredContent": session})
    host.view.get_by_text("1–100 of 2,000").wait_for()
    assert len(host.texts(".rows > li")) == 100
    host.view.get_by_role("searchbox").fill("Sentence 1777 ")
    host.view.locator("[aria-current]").get_by_text("Sentence 1777 of many.").wait_for()
    host.press("Earlier")
    assert host.view.locator("nav .place").inner_text() == "1,678–1,777 of 2,000"


def test_right_to_left_and_emoji_are_in_their_own_order(host: Host) -> None:
    # A sentence begins on its own side, and a number beside an Arabic name keeps its plus.
    said = ["مرحبا، أريد موعدًا لقطتي ميمي.", "שלום 123!", "Hi 👩‍👩‍👧‍👦 family 🇯🇵"]
    messages = [{"role": "user", "content": text} for text in said]
    customer = {"name": "ليلى حداد", "number": "+16175550109"}
    session = {"id": "s-1", "name": "ليلى حداد", "customer": customer, "messages": messages}
    host.show(GET, {"id": "s-1"}, context=FULL, result={"structuredContent": session})
    host.view.locator("h1").wait_for()
    directions = host.inside(
        "[...document.querySelectorAll('.said p')].map((each) => getComputedStyle(each).direction)"
    )
    assert directions == ["rtl", "rtl", "ltr"]
    assert host.texts(".said p") == said
    assert host.texts("aside bdi[dir=ltr]") == ["+16175550109"]
    host.picture("session-rtl")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("tool", "args"), [(GET, {"id": REFILL}), ("list_sessions", {})])
def test_every_text_has_enough_contrast(
    host: Host, tool: str, args: dict[str, Any], theme: str
) -> None:
    # AA: 4.5 to 1, with the colours that are ours where the host gives none.
    host.show(tool, args, context={**FULL, "theme": theme}, capabilities=ALL)
    host.view.locator("article header").wait_for()
    assert host.inside((HOST / "contrast.js").read_text("utf-8")) == []
