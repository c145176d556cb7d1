"""Makes docs/push-scan.md: what goes over the wire from a press of the button to the page on the PC.

    python3 -m tests.tools.push_scan_demo

Nothing in that page is written down by hand: the daemon runs as a process with log.wire on loopback, a PC of our own
(`tests/interop/push_scan.py`) subscribes as Windows does, `scanbridge button` presses, and the log that the daemon
wrote meanwhile is the page. Only its look is changed: messages are indented, and the declarations of
prefixes, the same in each message, are left out.
"""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lxml import etree
from PIL import Image

from tests.interop.daemon import Daemon, running
from tests.interop.push_scan import PC, Page, WaitingPc

PAGE = Path(__file__).parents[2] / "docs" / "push-scan.md"
DESTINATION = f"Scan to {PC}"
SETTINGS = {"log": {"wire": True}, "scanner": {"name": "Attic scanner", "virtual": "always"}}

LINE = re.compile(r"[-0-9]{10} [:0-9]{8} (.*)")
DECLARATION = re.compile(r' xmlns:[a-z]+="[^"]*"')

INTRODUCTION = """\
# A scan that begins at the scanner

Somebody presses the button, and the page arrives on the PC that was chosen. This is the log of one such scan, written
by a run of the daemon with `log.wire = true`:

    python3 -m tests.tools.push_scan_demo

The scanner is SANE's virtual one, and the button is `scanbridge button --destination "Scan to ATTIC"`. The PC is our
own (`tests/interop/push_scan.py`): it says what Windows 10 was seen to say, in the same order, with the same five
destinations and the same ticket, but it is no Windows. For the eyes, messages are indented and the declarations of
their prefixes are left out; in the log each message is one line. The client stands on the left of an arrow, whoever
began.
"""


def run(directory: Path) -> tuple[str, Page]:
    """The daemon's log of a scan that begins with a press, and what the PC has got."""
    with running(Daemon(directory, SETTINGS)) as daemon:
        daemon.wait_for(lambda _scanner: "<wsd:Hello>" in daemon.log)
        with WaitingPc(daemon.url) as pc:
            pc.subscribe()
            daemon.command("button", "--destination", DESTINATION)
            page = pc.fetch(*pc.press())
            daemon.wait_for(lambda scanner: scanner["state"] == "Idle")
            for _ in range(2):
                pc.next_event("ScannerStatusSummaryEvent")
            pc.unsubscribe()
        return daemon.log, page


def told(log: str) -> Iterator[str]:
    """The lines of the log between the first Subscribe and the last answer, as Markdown."""
    lines = [found[1] for found in map(LINE.fullmatch, log.splitlines()) if found]
    first = next(number for number, line in enumerate(lines) if "<wse:Subscribe>" in line)
    last = max(number for number, line in enumerate(lines) if "UnsubscribeResponse" in line)
    for line in lines[first : last + 1]:
        what, _, message = line.partition("\\n")
        yield f"\n**`{what}`**"
        if message:
            envelope, _, rest = message.rpartition("</soap:Envelope>")
            yield f"\n```xml\n{indented(envelope + '</soap:Envelope>')}\n```"
            if rest.strip("\\n"):
                yield f"\n{rest.removeprefix(chr(92) + 'n')}"


def indented(message: str) -> str:
    """A message of the log, an element a line."""
    text = message.replace("\\n", "\n")
    root = etree.fromstring(text.encode(), etree.XMLParser(remove_blank_text=True))
    etree.indent(root)
    return DECLARATION.sub("", etree.tostring(root, encoding="unicode")).strip()


def markdown(log: str, page: Page) -> str:
    """The whole page."""
    with Image.open(io.BytesIO(page.data)) as image:
        image.load()
        resolution = float(image.info["dpi"][0])
        got = f"{image.format}, {len(page.data)} bytes, {image.width} x {image.height} pixels at {resolution:g} dpi"
        announced = "as announced" if image.size == page.pixels else f"but {page.pixels} were announced"
    end = f"\n## What arrived\n\n{got}, {announced}; an independent decoder reads it to its end.\n"
    return INTRODUCTION + "\n".join(told(log)) + "\n" + end


def main() -> None:
    """Run, and write the page."""
    with tempfile.TemporaryDirectory() as directory:
        log, page = run(Path(directory))
    PAGE.write_text(markdown(log, page), encoding="utf-8")
    print(f"{PAGE}: {len(page.data)} bytes of image arrived")


if __name__ == "__main__":
    main()
