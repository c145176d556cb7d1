"""A stack that jams, through the whole bridge: the pages so far, and an end that says what happened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bridge.scanner.model import ColorMode, Format, InputSource, Region
from tests.chaos import picture
from tests.chaos.fixtures import Chaos
from tests.chaos.order import STATUSES, Fault, Order
from tests.chaos.picture import back, front
from tests.interop.daemon import Daemon, running
from tests.interop.scanimage import static_client
from tests.interop.test_formats import Service, parameters
from tests.unit.imaging.independent import decodings
from tests.unit.scanner.direct import page_of, request_for

pytestmark = pytest.mark.interop

JAMMED = STATUSES.index("JAMMED")
SIDES = (front(1), back(1), front(2), back(2))


def settings(chaos: Chaos) -> dict[str, dict[str, str]]:
    return {"scanner": {"virtual": "never", "sane_config_dir": chaos.config}}


@pytest.mark.parametrize("sides", [1, 2, 3])
def test_airscan_hears_of_the_jam_after_the_pages_so_far(chaos: Chaos, tmp_path: Path, sides: int) -> None:
    """Sides before the jam arrive whole, odd or even; then the client hears that the feeder is jammed."""
    chaos.order(Order(sheets=4, bed=(203.2, 254.0), faults=[Fault("start", "status", JAMMED, page=sides + 1)]))
    with running(Daemon(tmp_path, settings(chaos))) as daemon:
        client = static_client(tmp_path, daemon.url)
        ended, pages = client.batch("--source=ADF Duplex", "--mode", "Color", "--resolution", "75")
        assert len(pages) == sides
        for page, side in zip(pages, SIDES, strict=False):
            assert np.array_equal(page, np.asarray(picture.color(side, page.shape[1], page.shape[0])))
        assert "jammed" in ended.messages.lower()
        scanner = daemon.scanner()
        jobs = [*scanner["active_jobs"], *scanner["history"]]
        assert [job["scans_completed"] for job in jobs] == [sides]


def test_one_file_has_the_pages_before_the_jam(chaos: Chaos, tmp_path: Path) -> None:
    """A PDF ends well with the sides so far; the job says that it was cut short, and the scanner why."""
    chaos.order(Order(sheets=4, faults=[Fault("start", "status", JAMMED, page=4)]))
    region = Region(0, 0, 2000, 3000)
    asked = replace(request_for(Format.PDF_A, ColorMode.BLACK_AND_WHITE_1, 75, region), source=InputSource.ADF_DUPLEX)
    with running(Daemon(tmp_path, settings(chaos))) as daemon:
        service = Service(daemon.url)
        wanted = parameters(Format.PDF_A, ColorMode.BLACK_AND_WHITE_1, 75, region, "ADFDuplex", 0)
        _, file = service.fetch(service.create(wanted))
        scanner = daemon.wait_for(lambda scanner: not scanner["active_jobs"])
        (job,) = scanner["history"]
        assert (job["state"], job["reasons"], job["scans_completed"]) == ("Completed", ["JobCompletedWithErrors"], 3)
        assert (scanner["state"], scanner["reasons"]) == ("Stopped", ["MediaJam"])
    expected = [picture.lineart(side, asked.width, asked.height) for side in SIDES[:3]]
    for decoder, pages in decodings(Format.PDF_A, page_of(asked), file):
        assert len(pages) == 3, decoder
        for page, right in zip(pages, expected, strict=True):
            unpacked = np.unpackbits(np.frombuffer(page, np.uint8).reshape(asked.height, -1), axis=1)
            assert np.array_equal(unpacked[:, : asked.width].astype(bool), np.asarray(right)), decoder
