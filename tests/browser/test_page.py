"""The status page in a real browser: what it shows, that it follows changes, and that everybody can use it."""

from __future__ import annotations

import http.client
import itertools
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from bridge.soap import namespaces as ns
from tests.browser.chromium import Browser
from tests.browser.conftest import front
from tests.chaos.fixtures import Chaos, chaos, chaos_library  # noqa: F401
from tests.chaos.order import Fault, Order
from tests.clients import scan_action, windows
from tests.interop.daemon import HANG_S, Daemon, running
from tests.interop.push_scan import PC, WaitingPc


def test_an_idle_scanner(browser: Browser, daemon: Daemon) -> None:
    """The page says that the scanner is ready, loads nothing from anywhere else, and the console has no complaint."""
    browser.driver.get(front(daemon))

    assert browser.texts(".badge") == ["Ready"]
    assert "1 scanner on the network" in browser.find("#summary").text
    assert "None yet" in browser.find("#clients").text
    assert "None since the start" in browser.find("#problem-list").text
    assert browser.complaints() == []
    browser.picture("idle")


def test_nothing_comes_from_elsewhere(browser: Browser, daemon: Daemon) -> None:
    """All that the page asks for is the bridge's own, the stream of events among it."""
    asked: set[str] = set()

    def following() -> bool:
        asked.update(browser.requested())
        return any(url.endswith("/events") for url in asked)

    browser.driver.get(front(daemon))
    browser.wait(following)
    assert {url for url in asked if not url.startswith((front(daemon), "about:", "data:"))} == set()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("phone", [False, True])
def test_everything_can_be_read(browser: Browser, daemon: Daemon, scheme: str, phone: bool) -> None:
    """Every text has a contrast of 4.5 at least, and nothing is wider than the window, with all parts opened."""
    browser.scheme(scheme)
    if phone:
        browser.phone()
    browser.driver.get(front(daemon))

    checked, poor = browser.contrast()
    assert checked > 100
    assert poor == []
    assert browser.beyond_the_window() <= 0
    if phone:
        browser.driver.get(front(daemon))
        browser.picture(f"phone-{scheme}")
    elif scheme == "dark":
        browser.driver.get(front(daemon))
        browser.picture("idle-dark")


def test_every_control_has_a_name_and_its_place(browser: Browser, daemon: Daemon) -> None:
    """Whoever does not see the page hears what each control is for, and headings form a tree; Tab reaches them all."""
    browser.driver.get(front(daemon))

    controls = browser.all("a, button, select, summary")
    assert len(controls) > 8
    assert [one.get_attribute("outerHTML") for one in controls if not one.accessible_name] == []
    levels = [int(one.tag_name[1]) for one in browser.all("h1, h2, h3, h4")]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    browser.click("body")
    reached = []
    for _ in controls:
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)
        reached.append(browser.driver.switch_to.active_element.id)
    assert {one.id for one in controls if one.is_displayed()} <= set(reached)


def test_a_computer_that_registers_appears_and_can_be_told(browser: Browser, tmp_path: Path) -> None:
    """The page follows without being loaded again; the chosen destination, and no other, gets the push event."""
    with running(Daemon(tmp_path)) as daemon, WaitingPc(daemon.url) as pc:
        browser.driver.get(front(daemon))
        assert "No computer is registered yet" in browser.find("main").text
        pc.subscribe()
        browser.wait(lambda: browser.all("select[name=destination]"))
        browser.picture("registered")

        (choice,) = [one for one in browser.all("select[name=destination] option") if f"E-mail to {PC}" in one.text]
        choice.click()
        browser.click("form[action='/do/scan-to'] button")

        browser.wait(lambda: browser.texts(".notice.good") == ["The computer was told; it starts the scan."])
        context, identifier = pc.press()
        assert context == "ScanToEmail"
        pc.fetch(context, identifier)
        browser.wait(lambda: [text for text in browser.texts("table.jobs .job") if text.startswith("done")])
        assert "fetched an image" in " ".join(browser.texts(".client"))
        pc.unsubscribe()


def windows_asks(daemon: Daemon, path: str, message: bytes) -> None:
    """A request of a PC at 127.0.0.2, in the words of Windows."""
    port = daemon.status()["http_port"]
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=HANG_S, source_address=("127.0.0.2", 0))
    try:
        line.request("POST", path, message, {"Content-Type": "application/soap+xml", "User-Agent": "WSDAPI"})
        answer = line.getresponse()
        assert answer.status == 200
        answer.read()
    finally:
        line.close()


def test_the_stage_at_which_windows_stops(browser: Browser, tmp_path: Path) -> None:
    """The page follows a Windows PC from stage to stage, and says what it means when it goes no further."""
    with running(Daemon(tmp_path)) as daemon:
        browser.driver.get(front(daemon))
        assert "None yet" in browser.find("#clients").text
        uuid = daemon.scanner()["uuid"]
        windows_asks(daemon, f"/{uuid}", windows(ns.TRANSFER_GET, to=f"urn:uuid:{uuid}"))
        browser.wait(lambda: "Windows PC 127.0.0.2" in browser.find("#clients").text)
        assert browser.texts(".stages .reached") == ["reads the description"]
        assert "installed no driver" in browser.find(".client").text
        body = (
            "<{scan}:GetScannerElementsRequest><{scan}:RequestedElements><{scan}:Name>{scan}:ScannerStatus</{scan}:Name>"
            "</{scan}:RequestedElements></{scan}:GetScannerElementsRequest>"
        )
        windows_asks(daemon, f"/{uuid}/scan", windows(scan_action("GetScannerElements"), body))
        browser.wait(lambda: "its driver opened the scanner" in browser.find(".client").text)
        assert browser.texts(".stages .reached") == ["reads the description", "opens the scanner"]
        assert browser.contrast()[1] == []
        browser.picture("windows")


def test_a_jam_is_told_with_its_remedy(browser: Browser, tmp_path: Path, chaos: Chaos) -> None:  # noqa: F811
    """A scanner that is stopped says why and what to do, on the viewer of the scan and on the page."""
    chaos.order(Order(faults=[Fault("start", "status", 6)]))
    settings = {"scanner": {"virtual": "never", "sane_config_dir": chaos.config}}
    with running(Daemon(tmp_path, settings)) as daemon:
        browser.driver.get(front(daemon))
        browser.click("button[value=yes]")
        browser.wait(lambda: "jammed" in browser.find("#progress-text").text)

        browser.driver.get(front(daemon))
        assert "Stopped" in browser.find(".badge").text
        assert "Paper is jammed: take it out, then scan again." in browser.find("main").text
        assert any("jammed" in text for text in browser.texts(".problems li"))
        assert browser.contrast()[1] == []
        browser.picture("error")
        browser.phone()
        assert browser.driver.execute_script("return document.documentElement.scrollWidth - window.innerWidth") <= 0
        browser.picture("phone-error")
        browser.click(".jobs button")
        browser.wait(lambda: browser.texts(".notice.good") == ["The scan is being cancelled."])
        daemon.wait_for(lambda scanner: not scanner["active_jobs"])


def test_a_bridge_that_has_gone_is_told(browser: Browser, tmp_path: Path) -> None:
    """Whoever leaves the page open learns that what it shows is old."""
    with running(Daemon(tmp_path)) as daemon:
        browser.driver.get(front(daemon))
        assert not browser.find("#lost").is_displayed()
    browser.wait(lambda: browser.find("#lost").is_displayed())
