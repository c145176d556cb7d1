"""sane-airscan, told the bridge's URL, scans from the glass what the scanner itself delivers."""

from __future__ import annotations

import numpy as np
import pytest

from tests.interop.comparison import DifferentPage, assert_same_page
from tests.interop.conftest import Originals
from tests.interop.daemon import Daemon
from tests.interop.scanimage import NAME, Scanimage

pytestmark = pytest.mark.interop

MODES = pytest.mark.parametrize("mode", ["Color", "Gray"])


def test_the_scanner_is_listed(client: Scanimage) -> None:
    """sane-airscan shows the scanner at the URL it was told."""
    ended = client.search().end()
    assert ended.status == 0, ended
    assert f"device `airscan:w0:{NAME}' is a WSD {NAME}" in ended.printed


@MODES
@pytest.mark.parametrize("resolution", [75, 150, 300])
@pytest.mark.conformance(194, 195)
def test_a_page_is_what_the_scanner_itself_delivers(
    client: Scanimage, originals: Originals, mode: str, resolution: int
) -> None:
    """A page through the bridge has the pixels of the same page without it."""
    page = client.page("--mode", mode, "--resolution", str(resolution))
    assert_same_page(page, originals(mode, resolution))


@MODES
def test_a_flaw_in_a_real_page_would_be_noticed(client: Scanimage, originals: Originals, mode: str) -> None:
    """A page through the bridge fails the comparison once it is a line or a pixel off or its channels are swapped."""
    original = originals(mode, 75)
    page = client.page("--mode", mode, "--resolution", "75")
    flawed = [np.roll(page, shift, (0, 1)) for shift in ((1, 0), (-1, 0), (0, 1), (0, -1))]
    if mode == "Color":
        flawed += [page[:, :, order] for order in ((2, 1, 0), (1, 0, 2), (0, 2, 1))]
    for wrong in flawed:
        with pytest.raises(DifferentPage, match="the pages differ"):
            assert_same_page(wrong, original)


@MODES
def test_a_region_is_a_part_of_the_whole_bed(client: Scanimage, originals: Originals, mode: str) -> None:
    """What sane-airscan clips from the bed it fetched lies where it was asked for, to the pixel."""
    region = ("-l", "25.4", "-t", "50.8", "-x", "101.6", "-y", "76.2")
    page = client.page("--mode", mode, "--resolution", "150", *region)
    assert_same_page(page, originals(mode, 150)[300:750, 150:750])


@pytest.mark.conformance(219, 220)
def test_two_scans_in_a_row_are_two_good_jobs(
    bridge_daemon: Daemon, client: Scanimage, originals: Originals
) -> None:
    """The second scan is as good as the first, and each is a completed job of its own."""
    before = bridge_daemon.scanner()["history"]
    for _ in range(2):
        assert_same_page(client.page("--mode", "Color", "--resolution", "75"), originals("Color", 75))
    scanner = bridge_daemon.wait_for(lambda scanner: not scanner["active_jobs"])
    jobs = scanner["history"][len(before) :]
    assert [(job["state"], job["scans_completed"]) for job in jobs] == [("Completed", 1), ("Completed", 1)]
    assert jobs[0]["id"] < jobs[1]["id"]
    assert scanner["worker"]["restarts"] == 0
