"""A real Chromium without a screen, and what the tests of the page look at in it."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.interop.daemon import HANG_S, REPOSITORY

T = TypeVar("T")

SCREENSHOTS = REPOSITORY / "build" / "screenshots"
"""Where the tests leave what they saw."""

_LOOK_S = 0.05

# The page must not need anybody else, and the browser must not call its maker.
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-default-apps", "--disable-features=OptimizationHints,MediaRouter", "--window-size=1100,900"),
    "--host-resolver-rules=MAP evil.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)

OPEN = "document.querySelectorAll('details').forEach((one) => { one.open = true; });"
"""Opens all parts; in the same script as what looks at them, because the page may be replaced between two scripts."""

CONTRAST = """
const number = (text) => text.match(/[0-9.]+/g).map(Number);
const linear = (part) => (part /= 255) <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
const light = (rgb) => 0.2126 * linear(rgb[0]) + 0.7152 * linear(rgb[1]) + 0.0722 * linear(rgb[2]);
// Now and then Chromium says that a page is loaded before its style counts.
if (number(getComputedStyle(document.body).backgroundColor).length > 3) return null;
const poor = [];
let checked = 0;
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || !element.checkVisibility()) continue;
  const ink = number(getComputedStyle(element).color);
  let back = null;
  for (let at = element; at; at = at.parentElement) {
    const parts = number(getComputedStyle(at).backgroundColor);
    if (parts.length === 3 || parts[3] === 1) { back = parts; break; }
    if (parts[3] > 0) throw new Error("a half transparent background cannot be computed");
  }
  const [a, b] = [light(ink), light(back || [255, 255, 255])].sort((one, other) => other - one);
  const ratio = (a + 0.05) / (b + 0.05);
  checked += 1;
  if (ratio < 4.5) poor.push([walker.currentNode.textContent.trim().slice(0, 40), Math.round(ratio * 100) / 100]);
}
return [checked, poor];
"""
"""WCAG 2's contrast ratio of every text that is shown, on the background behind it; those below 4.5 are poor."""


class Browser:
    """One Chromium; files that it downloads come into `downloads`."""

    def __init__(self, downloads: Path) -> None:
        self.downloads = downloads
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in (*_FLAGS, f"--user-data-dir={downloads.parent / 'profile'}"):
            options.add_argument(flag)
        options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        self.command("Page.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))

    def quit(self) -> None:
        """End it."""
        self.driver.quit()

    def command(self, name: str, **parameters: Any) -> Any:
        """A command of the DevTools protocol."""
        return self.driver.execute_cdp_cmd(name, parameters)

    def reset(self) -> None:
        """A desktop's window, light, with scripts, and no file or message from before."""
        self.command("Emulation.clearDeviceMetricsOverride")
        self.scheme("light")
        self.scripts(True)
        self.driver.get("about:blank")
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        for path in self.downloads.iterdir():
            path.unlink()

    def scheme(self, name: str) -> None:
        """light or dark."""
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def scripts(self, enabled: bool) -> None:
        """Whether pages may run scripts."""
        self.command("Emulation.setScriptExecutionDisabled", value=not enabled)

    def phone(self) -> None:
        """A phone's window."""
        self.command("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=2, mobile=True)

    def find(self, css: str) -> WebElement:
        """The first element that fits, as soon as there is one: a click may lead to another page."""
        return self.wait(lambda: self.all(css))[0]

    def click(self, css: str) -> None:
        """Click the first element that fits; the page may replace it in this very moment, then its successor."""

        def clicked() -> bool:
            self.find(css).click()
            return True

        self.wait(clicked)

    def all(self, css: str) -> list[WebElement]:
        """All elements that fit."""
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def texts(self, css: str) -> list[str]:
        """What a person reads in them; asked for in one go, because the page may replace them meanwhile."""
        found: list[str] = self.driver.execute_script(
            "return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText)", css
        )
        return found

    def wait(self, condition: Callable[[], T]) -> T:
        """What `condition` gives as soon as it is true; an element that the page has just replaced is none."""
        hang = time.monotonic() + HANG_S
        while True:
            try:
                if found := condition():
                    return found
            except StaleElementReferenceException:
                pass
            assert time.monotonic() < hang, f"this did not come; the page says:\n{self.texts('body')}"
            time.sleep(_LOOK_S)

    def picture(self, name: str) -> Path:
        """A picture of the whole page."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        path.write_bytes(base64.b64decode(self.wait(self._captured)))
        return path

    def _captured(self) -> str | None:
        """A picture in base64; None when the page was just being loaded anew, as Chromium sees it."""
        try:
            taken = self.command("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        except TimeoutException:
            return None
        return str(taken["data"])

    def contrast(self) -> tuple[int, list[tuple[str, float]]]:
        """How many texts were looked at with all parts opened, and those whose contrast is poor."""
        checked, poor = self.wait(lambda: self.driver.execute_script(OPEN + CONTRAST))
        return checked, poor

    def beyond_the_window(self) -> int:
        """How many pixels the page with all parts opened is wider than the window."""
        wider: int = self.driver.execute_script(OPEN + "return document.documentElement.scrollWidth - innerWidth")
        return wider

    def requested(self) -> set[str]:
        """The addresses that were asked for since the last call."""
        found = set()
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                found.add(str(message["params"]["request"]["url"]))
        return found

    def complaints(self) -> list[str]:
        """Errors and warnings on the console since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def download(self) -> Path:
        """The one file, when it is complete."""

        def complete() -> list[Path]:
            files = list(self.downloads.iterdir())
            return [] if any(path.suffix == ".crdownload" or path.name.startswith(".") for path in files) else files

        (path,) = self.wait(complete)
        return path
