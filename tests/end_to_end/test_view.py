"""`view`: sessions in a person's own browser, from a real process."""

import json
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Page

from support.browser import PICTURES
from support.command import Run, refused
from support.processes import COMMAND, PATIENCE, environment, url_in

REFILL = "813014ee-30b1-50e9-b6dd-4e44d8a75bdf"


class Viewing:
    """The command, and the address that it says."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process, self.url = process, url

    def ended(self) -> tuple[int, str]:
        """How it ended, and what it said since."""
        _, said = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, said


@contextmanager
def viewing(*arguments: str, options: tuple[str, ...] = (), **env: str) -> Generator[Viewing]:
    """`view` on the sandbox with these arguments; stopped when it outlives the block."""
    command = [*COMMAND, "--sandbox", *options, "view", *arguments]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=environment(**env)
    ) as process:
        try:
            assert process.stderr
            yield Viewing(process, url_in(next(line for line in process.stderr if " at " in line)))
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE)


@pytest.fixture
def page(browser: Browser) -> Generator[Page]:
    """A tab of a person's own, in which nothing may go wrong."""
    page = browser.new_page(viewport={"width": 1100, "height": 720})
    page.set_default_timeout(PATIENCE * 1000)
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    page.close()
    assert wrong == []


def test_sessions_are_looked_at_in_a_browser(page: Page) -> None:
    # The quickest look at the product: one command, no key, no host.
    with viewing("--no-browser") as running:
        page.goto(running.url)
        view = page.frame_locator("iframe")
        view.get_by_role("heading", name="60 sessions").wait_for()
        page.screenshot(path=PICTURES / "view-list.png")
        view.get_by_role("button", name="Refill allergy tablets").click()
        view.get_by_role("heading", name="Refill allergy tablets").wait_for()
        assert view.locator(".rows > li").count() == 15
        page.screenshot(path=PICTURES / "view-session.png")
        with page.expect_download() as download:
            view.get_by_role("button", name="JSON").click()
        assert json.loads(Path(download.value.path()).read_text("utf-8"))["id"] == REFILL
        view.get_by_role("button", name="All sessions").click()
        view.get_by_role("heading", name="60 sessions").wait_for()
        assert view.get_by_role("button", name="Tell").count() == 0
        page.reload()
        view.get_by_role("heading", name="60 sessions").wait_for()
        page.close(run_before_unload=True)
        assert running.ended() == (0, "")


def test_one_session_is_looked_at_by_its_id(page: Page) -> None:
    # What somebody was sent an id of.
    with viewing(REFILL, "--no-browser") as running:
        page.emulate_media(color_scheme="dark")
        page.goto(running.url)
        view = page.frame_locator("iframe")
        view.get_by_role("heading", name="Refill allergy tablets").wait_for()
        view.locator(":root[data-theme=dark]").wait_for()
        page.emulate_media(color_scheme="light")
        view.locator(":root[data-theme=light]").wait_for()
        running.process.send_signal(signal.SIGINT)
        assert running.ended() == (0, "")


@pytest.mark.measured
def test_what_it_shows_first_is_what_was_asked_for() -> None:
    # Without a look into a browser: the page asks for the session, or for the latest.
    for arguments, expected in (((REFILL,), {"id": REFILL}), ((), {})):
        with viewing("--no-browser", *arguments) as running, httpx2.Client() as http:
            where = running.url.rpartition("/")[0] + http.get(running.url).headers["Location"]
            assert http.get(f"{where}first").json()["arguments"] == expected


@pytest.mark.measured
def test_what_is_no_id_is_refused(run: Run) -> None:
    # It would be part of an address.
    ended = run("--sandbox", "view", "../x")
    assert refused(ended) == "Invalid value for ID: is not the id of a session."


@pytest.mark.measured
def test_the_page_reads_and_does_nothing_else() -> None:
    # Whoever gets hold of the address for a moment must not be able to delete.
    with viewing("--no-browser", options=("--tool-names", "short")) as running:
        get, delete = "get_session", "delete_session"
        with httpx2.Client(follow_redirects=True) as http:
            where = http.get(running.url).url

            def call(name: str) -> dict[str, Any]:
                asked = {"name": name, "arguments": {"id": REFILL}}
                return http.post(where.join("call"), json=asked).json()

            assert call(get)["structuredContent"]["id"] == REFILL
            for forbidden in (delete, "vapi-sessioncontrollerremove", "update_session", ""):
                refused = call(forbidden)
                assert refused["isError"], forbidden
                assert "structuredContent" not in refused
            assert call(get)["structuredContent"]["id"] == REFILL


@pytest.mark.measured
def test_the_address_is_opened_in_the_persons_browser(tmp_path: Path) -> None:
    # Python's own way of finding it, which BROWSER overrides.
    opener = tmp_path / "opener"
    opener.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n', encoding="utf-8")
    opener.chmod(0o755)
    with viewing(BROWSER=f"{opener} %s") as running:
        with httpx2.Client() as http:
            # Whoever checks a link does not open it.
            assert http.head(running.url).status_code == 200
            assert http.get(running.url).status_code == 303
        running.process.send_signal(signal.SIGTERM)
        assert running.ended() == (0, "")
        assert (tmp_path / "opened").read_text("utf-8").strip() == running.url


@pytest.mark.measured
def test_without_a_browser_the_person_is_told() -> None:
    # On a server there is none; the address is still good.
    with viewing(BROWSER="/nowhere/browser %s", PATH="/nowhere", DISPLAY="") as running:
        assert running.process.stderr
        said = running.process.stderr.readline()
        assert said == (
            "vapi-sessions-mcp: no browser could be opened: open that address yourself.\n"
        )
