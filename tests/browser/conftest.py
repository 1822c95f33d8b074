"""Chromium for the tests of this folder, and report folders made of hand-made values
(``tests/report/samples.py``)."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

import pytest

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
def samples():
    """The module ``tests/report/samples.py`` (test folders are no packages)."""
    name = "wanbatch_report_samples"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            name, Path(__file__).parents[1] / "report" / "samples.py"
        )
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="module")
def chromium():
    """One browser for all tests."""
    if CHROMIUM is None:
        pytest.skip(
            "no Chromium found: install Debian's package chromium, or set CHROMIUM to the"
            " browser's path"
        )
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """Opens a report from disk and waits for its cards; fails the test if the page
    complains or asks the network for anything."""
    contexts, complaints, expected = [], [], []

    def open_report(folder: Path, fragment: str = "", **options):
        options.setdefault("viewport", {"width": 1280, "height": 900})
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on(
            "console",
            lambda message: (
                complaints.append(f"console: {message.text}")
                if message.type in ("error", "warning")
                else None
            ),
        )
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on(
            "request",
            lambda request: (
                complaints.append(f"network: {request.url}")
                if not request.url.startswith("file:")
                else None
            ),
        )
        page.goto(f"{(folder / 'report.html').as_uri()}{fragment}")
        if options.get("java_script_enabled", True):
            page.wait_for_selector("html[data-ready]")
        return page

    open_report.complaints = complaints
    open_report.expected = expected  # parts of complaints that a test provokes
    yield open_report
    for context in contexts:
        context.close()
    assert [text for text in complaints if not any(part in text for part in expected)] == []
