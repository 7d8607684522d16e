"""One demo stack and one Chromium for all browser tests; tabs that report every error they saw."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser import pages
from tests.browser.stack import Demo, demo
from tests.system import chromium_arguments, chromium_path

OpenTab = Callable[..., Page]
expect.set_options(timeout=15_000)


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with demo(tmp_path_factory.mktemp("stack") / "data") as running:
        yield running


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=chromium_arguments())
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def session_of(stack: Demo, chromium: Browser) -> Callable[[str], Any]:
    """Name of a person → cookies of a browser in which they are signed in by a one-time link."""
    kept: dict[str, Any] = {}

    def session(name: str) -> Any:
        if name not in kept:
            link = stack.link if name == "admin" else stack.manage("sign_in_link", name)
            context = pages.signed_in(chromium, link)
            kept[name] = context.storage_state()
            context.close()
        return kept[name]

    return session


@pytest.fixture
def tab_of(chromium: Browser, session_of: Callable[[str], Any], stack: Demo) -> Iterator[OpenTab]:
    """`tab_of("ada", timezone_id=…)`: a tab of a context of its own. Errors and policy violations fail the test."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_tab(name: str = "ada", **options: Any) -> Page:
        given = {"viewport": pages.DESKTOP, "timezone_id": "UTC", "base_url": stack.address, **options}
        context = chromium.new_context(storage_state=session_of(name), **given)
        contexts.append(context)
        tab = context.new_page()
        tab.on("pageerror", lambda error: problems.append(str(error)))
        tab.on("console", lambda line: problems.append(line.text) if line.type in {"error", "warning"} else None)
        return tab

    yield open_tab
    for context in contexts:
        context.close()
    # What the browser itself says of a line that a test has cut.
    expected = ("Failed to load resource", "WebSocket connection to", "htmx:sendError", "htmx:afterRequest")
    refused = [text for text in problems if not text.startswith(expected)]
    assert refused == []


@pytest.fixture
def ada(tab_of: OpenTab) -> Page:
    return tab_of("ada")


@pytest.fixture(scope="package")
def outage(stack: Demo, chromium: Browser, session_of: Callable[[str], Any]) -> int:
    """The number of the recorded outage."""
    context = chromium.new_context(storage_state=session_of("ada"))
    number = pages.outage_number(context.new_page(), stack.address)
    context.close()
    return number


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    return tmp_path
