"""What another web site cannot do through the browser of a person on our network: a real browser, two real servers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.browser.chromium import Browser
from tests.browser.conftest import front
from tests.interop.daemon import Daemon


class Site:
    """A web site at `http://evil.example:PORT/`, whose page is `html`."""

    def __init__(self) -> None:
        self.html = ""
        self.heard: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.heard.append(self.path)
                body = f"<!DOCTYPE html><html><body>{site.html}</body></html>".encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://evil.example:{self.server.server_address[1]}/"


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever, daemon=True)
    thread.start()
    yield site
    site.server.shutdown()
    site.server.server_close()
    thread.join()


def test_a_form_of_another_site_scans_nothing(browser: Browser, daemon: Daemon, site: Site) -> None:
    """A page elsewhere that posts a test scan is refused, and no job comes of it."""
    fields = {"scanner": daemon.scanner()["uuid"], "source": "Platen", "color": "RGB24", "preview": "yes", "token": "x"}
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields.items())
    form = f'<form method="post" action="{front(daemon)}do/test-scan">{inputs}</form>'
    site.html = f"{form}<script>document.forms[0].submit()</script>"
    before = daemon.scanner()
    browser.driver.get(site.url)
    browser.wait(lambda: browser.driver.current_url.endswith("/do/test-scan"))
    assert browser.find("body").text == "pages of other servers may not use this service"
    after = daemon.scanner()
    assert (after["active_jobs"], after["history"]) == (before["active_jobs"], before["history"])


def test_the_page_is_in_nobodys_frame(browser: Browser, daemon: Daemon, site: Site) -> None:
    """Nobody can lay our buttons under their own (clickjacking)."""
    site.html = f'<iframe id="ours" src="{front(daemon)}"></iframe>'
    browser.driver.get(site.url)
    browser.driver.switch_to.frame("ours")
    assert "Scanbridge" not in browser.find("body").text
    browser.driver.switch_to.default_content()
    browser.wait(lambda: any("frame" in message.lower() for message in browser.complaints()))


def test_a_name_that_leads_here_suddenly_shows_nothing(browser: Browser, daemon: Daemon) -> None:
    """A site's own name with our address behind it (DNS rebinding) gets no page, and so no token."""
    browser.driver.get(front(daemon).replace("127.0.0.1", "evil.example"))
    assert "this service is not known by that name" in browser.find("body").text
    assert browser.all("form") == []


def test_another_site_reads_nothing(browser: Browser, daemon: Daemon, site: Site) -> None:
    """Neither the status nor the events can be read from elsewhere, and no picture of ours be shown there."""
    site.html = """<p id="told"></p><img id="icon"><script>
      const told = [];
      const done = (what) => { told.push(what); document.getElementById("told").textContent = told.sort().join(" "); };
      fetch("BASEstatus.json").then(() => done("json-read"), () => done("json-refused"));
      const events = new EventSource("BASEevents");
      events.addEventListener("status", () => done("events-read"));
      events.onerror = () => { events.close(); done("events-refused"); };
      const icon = document.getElementById("icon");
      icon.onload = () => done("icon-shown");
      icon.onerror = () => done("icon-refused");
      icon.src = "BASEicon.svg";
    </script>""".replace("BASE", front(daemon))
    browser.driver.get(site.url)
    browser.wait(lambda: len(browser.find("#told").text.split()) >= 3)
    assert browser.find("#told").text.split() == ["events-refused", "icon-refused", "json-refused"]
