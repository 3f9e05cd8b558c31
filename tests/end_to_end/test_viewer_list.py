"""A list of sessions in the viewer: a real browser, the official host, and our server over HTTP."""

import csv
import io
import re

import pytest

from support.browser import ALL, EXPANDS, FULL, Host

LIST = "list_sessions"
INLINE = 500


def column(host: Host, name: str) -> list[str]:
    """What the rows that are drawn say in a column."""
    return host.texts(f"tbody .in-{name}")


def title(host: Host) -> str:
    """What the list says it is."""
    return host.view.locator("h1").inner_text()


def test_a_list_is_a_table_with_its_days_above(host: Host) -> None:
    # When, who, how long and how dear: what a person scans for.
    host.show(LIST, {}, context=FULL)
    host.view.locator("tbody tr").nth(59).wait_for()
    assert title(host) == "60 sessions"
    [row] = [row for row in host.texts("tbody tr") if "Refill allergy tablets" in row]
    assert re.search(r"Maya Okafor\s\+14155550123\s+completed\s+15\s+\$0\.0424", row)
    strips = host.view.locator("figure svg")
    sessions, cost = (strips.nth(at).get_attribute("aria-label") or "" for at in (0, 1))
    # In words, for whoever sees no bars or no colours.
    assert re.fullmatch(r"Sessions, .+ – .+, up to \d+ a day", sessions)
    assert re.fullmatch(r"Cost, .+ – .+, up to \$[\d.]+ a day", cost)
    assert strips.first.locator("rect").count() >= 31
    host.picture("list-full")


@pytest.mark.parametrize("width", [360, 480, 760])
def test_an_inline_list_is_at_most_500_pixels_tall_and_scrolls_nowhere(
    phone: Host, width: int
) -> None:
    # What does not fit is on the next page, not behind a scrollbar.
    phone.page.set_viewport_size({"width": width, "height": 640})
    phone.show(LIST, {}, context=EXPANDS)
    phone.view.locator("tbody tr").first.wait_for()
    assert phone.height() <= INLINE
    assert phone.inside("document.documentElement.scrollWidth <= innerWidth")
    assert len(column(phone, "name")) >= 3
    phone.picture(f"list-{width}")


def test_next_and_previous_go_through_the_rows_that_are_here(host: Host) -> None:
    # Each once, and without a call.
    host.show(LIST, {"limit": 12})
    host.view.locator("tbody tr").first.wait_for()
    seen = column(host, "name")
    first = list(seen)
    while host.view.get_by_role("button", name="Next").count():
        host.press("Next")
        seen += column(host, "name")
    assert len(seen) == 12
    while host.view.get_by_role("button", name="Previous").is_enabled():
        host.press("Previous")
    assert column(host, "name") == first
    assert host.seen["calls"] == []


def test_the_next_page_is_asked_for_through_the_host(host: Host) -> None:
    # With the same filters; what is here stays, so that sorting goes over all of it.
    host.show(LIST, {"limit": 20, "sortOrder": "ASC"}, context=FULL)
    host.view.locator("tbody tr").first.wait_for()
    assert title(host) == "20 of 60 sessions"
    host.press("Load more")
    host.press("Load more")
    assert title(host) == "60 sessions"
    assert len(column(host, "name")) == 60
    assert host.view.get_by_role("button", name="Load more").count() == 0
    assert [call["arguments"] for call in host.seen["calls"]] == [
        {"limit": 20, "sortOrder": "ASC", "page": 2},
        {"limit": 20, "sortOrder": "ASC", "page": 3},
    ]


def test_a_scan_goes_on_where_it_stopped(host: Host) -> None:
    # What Vapi cannot filter by is looked for in steps, and the answer says how to go on.
    host.show(LIST, {"contains": "Biscuit", "maxScan": 20}, context=FULL)
    host.view.locator("tbody tr").first.wait_for()
    before = len(column(host, "name"))
    host.press("Load more")
    assert len(column(host, "name")) > before
    [call] = host.seen["calls"]
    assert call["arguments"]["contains"] == "Biscuit"


def test_a_page_that_was_cut_goes_on_without_a_gap(host: Host) -> None:
    # Whole sessions are long: fewer come than were asked for.
    args = {"limit": 60}
    answer = host.page.evaluate(
        "(args) => host.client.callTool({ name: 'list_sessions', arguments: args })", args
    )
    cut = answer["structuredContent"]
    cut["results"] = cut["results"][:25]
    host.show(LIST, args, context=FULL, result=answer)
    host.view.locator("tbody tr").first.wait_for()
    while host.view.get_by_role("button", name="Load more").count():
        host.press("Load more")
    assert len(column(host, "name")) == 60


def test_columns_sort_both_ways(host: Host) -> None:
    # The dearest first; once more, the cheapest.
    host.show(LIST, {}, context=FULL)
    host.view.locator("tbody tr").first.wait_for()

    def costs() -> list[float]:
        return [float(cost.removeprefix("$")) for cost in column(host, "cost")]

    head = host.view.get_by_role("columnheader", name="Cost")
    host.press("Cost")
    assert costs() == sorted(costs(), reverse=True)
    assert head.get_attribute("aria-sort") == "descending"
    host.view.get_by_role("button", name="Cost").press("Enter")
    assert costs() == sorted(costs())
    assert head.get_attribute("aria-sort") == "ascending"
    host.view.get_by_role("button", name="Session").click()
    names = column(host, "name")
    assert names[0].lower() < names[20].lower()


def test_rows_are_filtered_by_text_and_status(host: Host) -> None:
    # A number, a name or a word of the last line is enough.
    host.show(LIST, {}, context=FULL)
    host.view.locator("tbody tr").first.wait_for()
    host.view.get_by_role("searchbox").fill("maya")
    rows = host.texts("tbody tr")
    assert 0 < len(rows) < 60
    assert all("maya" in row.lower() for row in rows)
    host.view.get_by_role("combobox").select_option("active")
    assert set(column(host, "status")) == {"active"}
    host.view.get_by_role("searchbox").fill("nobody at all")
    assert host.texts("tbody tr") == ["No row matches the filter."]


def test_what_is_filtered_is_downloaded_as_csv(host: Host) -> None:
    # With every column, for a spreadsheet.
    host.show(LIST, {}, context=FULL)
    host.view.get_by_role("searchbox").fill("Okafor")
    count = len(column(host, "name"))
    host.press("CSV")
    [download] = host.seen["downloads"]
    resource = download["contents"][0]["resource"]
    assert (resource["mimeType"], resource["uri"][-4:]) == ("text/csv", ".csv")
    rows = list(csv.DictReader(io.StringIO(resource["text"])))
    assert len(rows) == count
    assert {row["customer"] for row in rows} == {"Maya Okafor +14155550123"}


def test_a_row_opens_its_session_over_the_whole_screen(host: Host) -> None:
    # And the list is there again afterwards, as it was.
    host.show(LIST, {}, context=EXPANDS)
    host.view.get_by_role("searchbox").fill("Refill allergy")
    host.press("Refill allergy tablets")
    host.view.get_by_role("heading", name="Refill allergy tablets").wait_for()
    assert host.seen["modes"] == ["fullscreen"]
    assert host.view.locator("nav .place").inner_text() == "1–15 of 15"
    host.view.locator("button:focus", has_text="All sessions").wait_for()
    host.press("All sessions")
    assert column(host, "name") == ["Refill allergy tablets"]
    # Where one was, for whoever goes on with the keyboard.
    host.view.locator("button:focus", has_text="Refill allergy tablets").wait_for()
    host.press("Refill allergy tablets")
    host.view.get_by_role("heading", name="Refill allergy tablets").wait_for()
    host.send("sendHostContextChange", {"displayMode": "inline"})
    host.view.locator("tbody tr").wait_for()
    assert host.height() <= INLINE


def test_without_fullscreen_a_row_asks_the_agent(host: Host) -> None:
    # Inline, another document is the conversation's next turn.
    host.show(LIST, {"limit": 3})
    host.view.locator("tbody .open").first.click()
    host.view.locator("article:not([aria-busy])").wait_for()
    [message] = host.seen["messages"]
    [block] = message["content"]
    assert message["role"] == "user"
    assert re.fullmatch(r"Show me the Vapi session [0-9a-f-]{36}\.", block["text"])


def test_a_host_that_refuses_fullscreen_has_the_agent_asked(host: Host) -> None:
    # It may offer a mode and still say no.
    host.show(LIST, {"limit": 3}, context=EXPANDS, refuses=["modes"])
    host.view.locator("tbody .open").first.click()
    host.view.locator("article:not([aria-busy])").wait_for()
    assert len(host.seen["messages"]) == 1


def test_where_nothing_can_be_opened_nothing_looks_as_if(host: Host) -> None:
    # Rows are text then.
    able = {key: value for key, value in ALL.items() if key != "message"}
    host.show(LIST, {"limit": 3}, capabilities=able)
    host.view.locator("tbody tr").first.wait_for()
    assert host.view.locator("tbody button").count() == 0


def test_a_failing_next_page_is_reported(host: Host) -> None:
    # The rows that are here stay, and the button with them.
    host.show(LIST, {"limit": 5}, context=FULL, refuses=["tools"])
    host.view.locator("tbody tr").first.wait_for()
    host.press("Load more")
    assert host.texts("p.status") == ["The person declined: tools."]
    assert len(column(host, "name")) == 5
    assert host.view.get_by_role("button", name="Load more").is_enabled()


def test_an_empty_list_says_so(host: Host) -> None:
    # A blank frame looks broken.
    host.show(LIST, {"name": "Nobody of that name"})
    host.view.get_by_text("No session matches.").wait_for()
    assert title(host) == "0 sessions"
    assert host.view.locator("figure").count() == 0


def test_whole_sessions_are_listed_like_summaries(host: Host) -> None:
    # A list of view full has Vapi's own fields.
    host.show(LIST, {"limit": 5, "view": "full"}, context=FULL)
    full = host.texts("tbody tr")
    host.show(LIST, {"limit": 5}, context=FULL)
    assert full == host.texts("tbody tr")
    assert len(full) == 5
