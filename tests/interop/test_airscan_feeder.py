"""sane-airscan empties the virtual scanner's feeder through the bridge."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.comparison import assert_same_page
from tests.interop.daemon import Daemon
from tests.interop.scanimage import Scanimage, bed_mm, virtual_scanner

pytestmark = pytest.mark.interop

STACK = 10
"""Pages in the feeder of SANE's test backend whenever it is opened."""

OUT_OF_DOCUMENTS = "scanimage: sane_start: Document feeder out of documents"


@pytest.mark.parametrize("mode", ["Color", "Gray"])
@pytest.mark.conformance(199, 200)
def test_a_stack_is_scanned_to_its_end(bridge_daemon: Daemon, client: Scanimage, tmp_path: Path, mode: str) -> None:
    """Every page of the stack arrives once and whole, then the client hears that the feeder is empty."""
    whole = ("-l", "0", "-t", "0", "-x", bed_mm(), "-y", bed_mm())
    options = ("--mode", mode, "--resolution", "75")
    alone, originals = virtual_scanner(tmp_path).batch("--source=Automatic Document Feeder", *options, *whole)
    ended, pages = client.batch("--source=ADF", *options)
    assert len(originals) == len(pages) == STACK
    for page, original in zip(pages, originals, strict=True):
        assert_same_page(page, original)
    assert OUT_OF_DOCUMENTS in ended.messages.splitlines()
    assert f"Batch terminated, {STACK} pages scanned" in ended.messages
    assert ended.status == alone.status
    scanner = bridge_daemon.wait_for(lambda scanner: not scanner["active_jobs"])
    job = scanner["history"][-1]
    assert (job["state"], job["scans_completed"]) == ("Completed", STACK)
    assert scanner["worker"]["restarts"] == 0
