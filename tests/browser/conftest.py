"""Chromium for the tests of this folder, and what opens a report in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    sync_playwright,
)

CHROMIUM = (
    os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all tests."""
    if CHROMIUM is None:
        pytest.skip(
            "no Chromium found: install Debian's package chromium, or set CHROMIUM to the"
            " browser's path"
        )
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Visit:
    """Opens reports from disk, and hears what their pages complain of and ask the
    network for."""

    def __init__(self, chromium: Browser) -> None:
        self._chromium = chromium
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []
        self.expected: list[str] = []
        """Parts of complaints that a test provokes."""

    def __call__(self, folder: Path, fragment: str = "", **options: Any) -> Page:
        options.setdefault("viewport", {"width": 1280, "height": 900})
        context = self._chromium.new_context(**options)
        self._contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", self._hear_message)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("request", self._hear_request)
        page.goto(f"{(folder / 'report.html').as_uri()}{fragment}")
        if options.get("java_script_enabled", True):
            page.wait_for_selector("html[data-ready]")
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def unexpected(self) -> list[str]:
        return [c for c in self.complaints if not any(part in c for part in self.expected)]

    def _hear_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"console: {message.text}")

    def _hear_request(self, request: Request) -> None:
        if not request.url.startswith("file:"):
            self.complaints.append(f"network: {request.url}")


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:
    """Fails the test if a page complains or asks the network for anything."""
    visit = Visit(chromium)
    yield visit
    visit.close()
    assert visit.unexpected() == []
