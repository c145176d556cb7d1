"""From the press of the button to the page on the PC, against the whole daemon."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from tests.interop.daemon import Daemon, running
from tests.interop.push_scan import DESTINATIONS, PC, WaitingPc

pytestmark = pytest.mark.interop


@pytest.mark.conformance(269, 273, 274, 276, 277, 280, 181)
def test_a_press_brings_its_page_to_the_pc(tmp_path: Path) -> None:
    """The chosen destination alone is told, its job gives the announced image, and the identifier is used up."""
    with running(Daemon(tmp_path)) as daemon, WaitingPc(daemon.url) as pc:
        pc.subscribe()
        assert list(pc.tokens) == list(DESTINATIONS.values())
        assert len(set(pc.tokens.values())) == len(DESTINATIONS)
        told = daemon.command("button", "--destination", f"Scan for E-mail to {PC}")
        assert f"Scan for E-mail to {PC}" in told
        assert "127.0.0.1" in told
        context, identifier = pc.press()
        assert context == "ScanToEmail"
        page = pc.fetch(context, identifier)
        with Image.open(io.BytesIO(page.data)) as image:
            image.load()
            assert (image.format, image.size) == ("JPEG", page.pixels)
        states = [pc.next_event("ScannerStatusSummaryEvent") for _ in range(2)]
        assert [event.findtext(".//{*}ScannerState") for event in states] == ["Processing", "Idle"]
        assert pc.refused(identifier, pc.tokens[context]) == "ClientErrorInvalidScanIdentifier"
        pc.unsubscribe()
        assert pc.no_more_events()
        assert daemon.status()["subscriptions"] == []
        (job,) = daemon.scanner()["history"]
        assert (job["state"], job["scans_completed"]) == ("Completed", 1)
