"""Test scans in a real browser: preview, download, progress, cancel; with and without scripts."""

from __future__ import annotations

import pytest
from PIL import Image
from selenium.webdriver.support.select import Select

from tests.browser.chromium import Browser
from tests.browser.conftest import front
from tests.interop.daemon import Daemon

WATCHER = """
window.shares = [];
document.addEventListener("DOMContentLoaded", () => {
  const text = document.getElementById("progress-text");
  const share = () => document.getElementById("progress").value;
  if (text) new MutationObserver(() => window.shares.push(share())).observe(text, { childList: true });
});
"""
"""Notes the progress whenever its text changes."""


def test_a_preview_with_progress(browser: Browser, slow_daemon: Daemon) -> None:
    """While the scanner works the viewer tells the share that is done; then the picture is there, and can be saved."""
    browser.driver.get(front(slow_daemon))
    Select(browser.find("select[name=color]")).select_by_visible_text("gray")
    watching = browser.command("Page.addScriptToEvaluateOnNewDocument", source=WATCHER)
    browser.click("button[value=yes]")
    slow_daemon.wait_for(lambda scanner: scanner["state"] == "Processing")
    browser.picture("viewer-scanning")

    browser.wait(lambda: "Done" in browser.find("#progress-text").text)
    browser.command("Page.removeScriptToEvaluateOnNewDocument", identifier=watching["identifier"])
    shares = browser.driver.execute_script("return window.shares")
    assert shares == sorted(shares)
    assert any(0 < share < 1 for share in shares)
    width, height = browser.driver.execute_script(
        "const one = document.getElementById('picture'); return [one.naturalWidth, one.naturalHeight]"
    )
    assert width > 400
    assert height > 400
    browser.picture("viewer-done")
    browser.click("#download")
    with Image.open(browser.download()) as image:
        image.load()
        assert (image.format, image.size) == ("JPEG", (width, height))


def test_the_page_while_a_scan_runs(browser: Browser, slow_daemon: Daemon) -> None:
    """The page shows the job without being loaded again, and cancels it."""
    browser.driver.get(front(slow_daemon))
    home = browser.driver.current_window_handle
    Select(browser.find("select[name=resolution]")).select_by_value("600")
    browser.click("button[value=no]")
    slow_daemon.wait_for(lambda scanner: scanner["state"] == "Processing")
    browser.find("#progress")
    viewer = browser.driver.current_url
    browser.driver.switch_to.new_window("tab")
    browser.driver.get(front(slow_daemon))
    assert "Scanning" in browser.find(".badge").text
    browser.picture("scanning")
    browser.click(".jobs button")
    browser.wait(lambda: browser.texts(".notice.good") == ["The scan is being cancelled."])
    browser.wait(lambda: "Ready" in " ".join(browser.texts(".badge")))
    assert any("cancelled here" in text for text in browser.texts("table.jobs .job"))
    browser.driver.close()
    browser.driver.switch_to.window(home)
    assert browser.driver.current_url == viewer
    browser.wait(lambda: "broke off" in browser.find("#progress-text").text)


@pytest.mark.parametrize(("choice", "kind"), [("JPEG", b"\xff\xd8"), ("PNG", b"\x89PNG"), ("PDF", b"%PDF-")])
def test_a_download(browser: Browser, daemon: Daemon, choice: str, kind: bytes) -> None:
    """The file has the chosen format, colour and resolution."""
    browser.driver.get(front(daemon))
    Select(browser.find("select[name=format]")).select_by_visible_text(choice)
    Select(browser.find("select[name=color]")).select_by_visible_text("gray")
    Select(browser.find("select[name=resolution]")).select_by_value("100")
    browser.click("button[value=no]")
    browser.wait(lambda: "Done" in browser.find("#progress-text").text)
    if choice != "PDF":
        browser.click("#download")
    path = browser.download()
    assert path.read_bytes().startswith(kind)
    if choice != "PDF":
        with Image.open(path) as image:
            assert image.mode == "L"
            assert round(image.info["dpi"][0]) == 100


def test_without_scripts(browser: Browser, daemon: Daemon) -> None:
    """A browser that runs no scripts shows the state, a preview, and saves a scan."""
    browser.scripts(False)
    browser.driver.get(front(daemon))
    assert "Ready" in browser.find(".badge").text
    browser.click("button[value=yes]")
    browser.find("noscript img")
    browser.wait(
        lambda: browser.find("noscript img").get_property("complete")
        and browser.find("noscript img").get_property("naturalHeight")
    )
    browser.driver.get(front(daemon))
    Select(browser.find("select[name=resolution]")).select_by_value("75")
    browser.click("button[value=no]")
    browser.click("noscript a")
    with Image.open(browser.download()) as image:
        image.load()
        assert image.format == "JPEG"
