"""Failures that the matrix cannot hold: a process that SIGKILL does not end, a full disk, two scanners, feeders.

Everything is real but the scanner, which is the chaos backend, and the client, which is ours.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bridge.scanner.configuration import config_directory
from bridge.scanner.process import LEAVE_AFTER_S
from bridge.settings import Scanner
from bridge.system import asking
from tests.chaos.attached_client import NO_IMAGE, WHOLE, AttachedClient, Fetching, Refused
from tests.chaos.debugger import Debugger
from tests.chaos.fixtures import Chaos
from tests.chaos.order import Fault, Order, Sensor, calls_by_process
from tests.chaos.picture import front, which_page
from tests.interop.daemon import HANG_S, REPOSITORY, Daemon, here, running
from tests.soak.processes import zombies_of

EMPTY = "ClientErrorNoImagesAvailable"
DRIVEN = "tests.chaos.driven_bridge"


def on_chaos(directory: Path, chaos: Chaos, *, buttons: bool = False, **options: Any) -> Daemon:
    """A daemon with the chaos scanner."""
    scanner = {"virtual": "never", "sane_config_dir": chaos.config, "buttons": buttons, "button_poll_hz": 20}
    return Daemon(directory, {"scanner": scanner}, **options)


def push(daemon: Daemon, seconds: float) -> None:
    """So much later, at once, and whatever was due is done."""
    asking.ask(daemon.socket, {"command": "push", "seconds": seconds})
    daemon.status()


def page_of(fetching: Fetching) -> int:
    """Which page of the scanner it is; it must be whole."""
    assert fetching.outcome() == WHOLE
    with Image.open(io.BytesIO(fetching.file)) as image:
        image.load()
        return which_page(image, range(30))


def test_a_process_that_sigkill_does_not_end(tmp_path: Path, chaos: Chaos) -> None:
    """It is left behind and named in the log; the scanner is busy as long as it holds it, and well afterwards."""
    chaos.order(Order(faults=[Fault("start", "hang")]))
    with running(on_chaos(tmp_path, chaos, program=DRIVEN)) as daemon:
        client = AttachedClient(daemon.url)
        job = client.order()
        fetching = client.fetch(job)
        daemon.wait_for(lambda _scanner: "hang" in chaos.calls)
        worker = daemon.scanner()["worker"]["pid"]
        left = f"process {worker} does not end, even by SIGKILL, and is left behind"
        daemon.expected.append(left)
        with Debugger(worker) as debugger:
            push(daemon, Scanner().start_timeout_s)
            assert fetching.outcome() == NO_IMAGE
            assert client.job(job) == "Terminating, ScannerStopped"
            assert left not in daemon.log
            push(daemon, LEAVE_AFTER_S)
            daemon.wait_for(lambda scanner: scanner["worker"]["pid"] not in (None, worker))
            assert left in daemon.log
            assert client.job(job) == "Aborted, ScannerStopped"
            chaos.order(Order())
            busy = client.order()
            assert client.fetch(busy).outcome() == "ServerErrorTemporaryError"
            assert client.scanner() == "Stopped, AttentionRequired"
            debugger.release()
        daemon.wait_for(lambda _scanner: not zombies_of(daemon.pid) and not Path(f"/proc/{worker}").exists())
        # The job that met the busy device is not over: its client may come again.
        assert page_of(client.fetch(busy)) == front(1)
        daemon.wait_for(lambda scanner: not scanner["active_jobs"])
        assert client.job(busy) == "Completed"
        daemon.wait_for(lambda scanner: scanner["state"] == "Idle")


def test_a_full_disk(tmp_path: Path, chaos: Chaos) -> None:
    """A file that has to wait until its page is whole fails as what it is, and formats that need no disk go on."""

    def on_a_small_disk(*command: str, **options: Any) -> subprocess.Popen[str]:
        return here("prlimit", "--fsize=1500000", *command, **options)

    with running(on_chaos(tmp_path, chaos, launch=on_a_small_disk)) as daemon:
        client = AttachedClient(daemon.url)
        job = client.order(source="Platen", format_="dib")
        assert client.fetch(job).outcome() == NO_IMAGE
        daemon.wait_for(lambda scanner: not scanner["active_jobs"])
        assert client.job(job) == "Aborted, ScannerStopped"
        assert client.scanner() == "Stopped, InternalStorageFull"
        assert client.conditions() == "InternalStorageFull (MediaPath, Critical)"
        assert "the disk of the bridge's computer is full" in daemon.log
        assert client.fetch(client.order()).outcome() == WHOLE
        daemon.wait_for(lambda scanner: scanner["state"] == "Idle")
        assert client.conditions() == ""


def test_the_command_line_tells_why(tmp_path: Path, chaos: Chaos) -> None:
    """When a driver crashes in mid-page, `scanbridge scan` tells the job's end, not only that the connection ended."""
    chaos.order(Order(faults=[Fault("read", "hold", line=600)]))
    with running(on_chaos(tmp_path, chaos)) as daemon:
        words = ["--url", daemon.url, "-o", str(tmp_path / "page.tif"), "--format", "tiff-single-uncompressed"]
        command = [sys.executable, "-m", "bridge", "--config", str(daemon.config), "scan", *words]
        scan = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        daemon.wait_for(
            lambda scanner: any("JobScanningAndTransferring" in job["reasons"] for job in scanner["active_jobs"])
        )
        chaos.order(Order(faults=[Fault("read", "signal", 11, line=600)]))
        _, told = scan.communicate(timeout=HANG_S)
        assert scan.returncode == 1
        assert "the scanner failed in the middle of the image (job " in told
        assert "ScannerStopped)" in told
        assert not (tmp_path / "page.tif").exists()


# -- several scanners ----------------------------------------------------------------------------


@contextmanager
def two_scanners(directory: Path, chaos: Chaos) -> Iterator[tuple[Daemon, AttachedClient, AttachedClient]]:
    """A daemon with the chaos scanner and SANE's own for tests, and a client of each."""
    shutil.copy(Path(config_directory("virtual")) / "test.conf", chaos.folder)
    (chaos.folder / "dll.d").mkdir()
    (chaos.folder / "dll.d" / "second").write_text("test\n", "ascii")
    daemon = on_chaos(directory, chaos)
    daemon.start(scanners=2)
    try:
        names = {scanner["name"].partition(" ")[0]: scanner for scanner in daemon.status()["scanners"]}
        failing, well = names.pop("Chaos"), names.popitem()[1]
        yield daemon, AttachedClient(failing["urls"]["service"]), AttachedClient(well["urls"]["service"])
    finally:
        daemon.stop()


def test_one_scanner_that_fails_does_not_delay_another(tmp_path: Path, chaos: Chaos) -> None:
    """While one driver hangs under a job and others wait, and after it has crashed again and again, the other scans."""
    with two_scanners(tmp_path, chaos) as (daemon, failing, well):

        def scanners() -> tuple[dict[str, Any], dict[str, Any]]:
            first, second = daemon.status()["scanners"]
            return (first, second) if first["name"].startswith("Chaos") else (second, first)

        chaos.order(Order(faults=[Fault("start", "hang")]))
        hanging, waiting = failing.order(), failing.order()
        answers = [failing.fetch(hanging), failing.fetch(waiting)]
        while "hang" not in chaos.calls:
            scanners()
        for _ in range(2):
            assert well.fetch(well.order(source="Platen")).outcome() == WHOLE
        sick, other = scanners()
        assert [job["state"] for job in sick["active_jobs"]] == ["Processing", "Pending"]
        assert [job["state"] for job in other["history"]] == ["Completed", "Completed"]
        assert sick["worker"]["pid"] != other["worker"]["pid"]
        assert sick["urls"]["device"] != other["urls"]["device"]
        assert not any(answer.over for answer in answers)
        for job in (waiting, hanging):
            failing.cancel(job)
        for answer in answers:
            answer.outcome()
        for _ in range(3):
            chaos.order(Order(faults=[Fault("start", "signal", 11)]))
            assert failing.fetch(failing.order()).outcome() == "ServerErrorTemporaryError"
            assert well.fetch(well.order(source="Platen")).outcome() == WHOLE
        assert failing.scanner() == "Stopped, AttentionRequired"
        sick, other = scanners()
        assert (sick["worker"]["restarts"] >= 3, other["worker"]["restarts"]) == (True, 0)
        assert well.scanner() in ("Idle", "Processing")
        chaos.order(Order())
        assert page_of(failing.fetch(failing.order())) == front(1)


# -- feeders -------------------------------------------------------------------------------------


@pytest.mark.conformance(183)
def test_a_batch_of_ten_pages(tmp_path: Path, chaos: Chaos) -> None:
    """The device is opened once for ten sheets, each is its own image, and the feeder's end completes the job."""
    chaos.order(Order(sheets=10))
    with running(on_chaos(tmp_path, chaos)) as daemon:
        client = AttachedClient(daemon.url)
        before = len(calls_by_process(chaos.folder))
        job = client.order(images=0)
        assert [page_of(client.fetch(job)) for _ in range(10)] == [front(sheet) for sheet in range(1, 11)]
        assert client.fetch(job).outcome() == EMPTY
        daemon.wait_for(lambda scanner: not scanner["active_jobs"] and scanner["state"] == "Idle")
        assert client.job(job) == "Completed"
        made = calls_by_process(chaos.folder)[before:]
        assert len({pid for pid, _ in made}) == 1
        assert [call for _, call in made] == ["open", *["start"] * 11, "cancel", "close"]


def test_a_cancelled_batch_leaves_the_device_usable(tmp_path: Path, chaos: Chaos) -> None:
    """Cancelled between pages and in mid-page, the sheet goes out, and the next job begins a stack of its own."""
    with running(on_chaos(tmp_path, chaos)) as daemon:
        client = AttachedClient(daemon.url)
        for in_mid_page in (False, True):
            chaos.order(Order(sheets=10, faults=[Fault("read", "hold", page=3, line=300)] if in_mid_page else []))
            job = client.order(images=0)
            assert [page_of(client.fetch(job)) for _ in range(2)] == [front(1), front(2)]
            if in_mid_page:
                fetching = client.fetch(job)
                fetching.until_begun()
            client.cancel(job)
            daemon.wait_for(lambda scanner: not scanner["active_jobs"] and scanner["state"] == "Idle")
            assert client.job(job) == "Canceled"
            chaos.order(Order(sheets=10))
            assert page_of(client.fetch(client.order())) == front(1)
        assert daemon.scanner()["worker"]["restarts"] == 0


@pytest.mark.conformance(183, 246)
def test_a_feeder_that_can_tell(tmp_path: Path, chaos: Chaos) -> None:
    """While the sensor is watched, an empty feeder is a condition of the scanner and a fault of CreateScanJob."""

    def paper(loaded: bool) -> Order:
        return Order(sensors=[Sensor("scan", [False]), Sensor("page-loaded", [loaded])])

    chaos.order(paper(True))
    with running(on_chaos(tmp_path, chaos, buttons=True)) as daemon:
        client = AttachedClient(daemon.url)
        daemon.wait_for(lambda scanner: scanner["buttons"]["state"] == "watching")
        assert client.conditions() == ""
        # A sensor that has never told of paper may be none, and is not believed.
        chaos.order(paper(False))
        daemon.wait_for(lambda _scanner: client.conditions() != "")
        assert client.conditions() == "InputTrayEmpty (ADF, Informational)"
        assert client.scanner() == "Idle"
        with pytest.raises(Refused, match=EMPTY):
            client.order()
        assert client.fetch(client.order(source="Platen")).outcome() == WHOLE
        assert client.conditions() == "InputTrayEmpty (ADF, Informational)"
        chaos.order(paper(True))
        daemon.wait_for(lambda _scanner: client.conditions() == "")
        assert page_of(client.fetch(client.order())) == front(1)


def test_a_feeder_that_cannot_tell(tmp_path: Path, chaos: Chaos) -> None:
    """Without a sensor the order is taken, and the first RetrieveImage tells that there is no paper."""
    chaos.order(Order(sheets=0))
    with running(on_chaos(tmp_path, chaos)) as daemon:
        client = AttachedClient(daemon.url)
        assert client.conditions() == ""
        job = client.order()
        assert client.fetch(job).outcome() == EMPTY
        daemon.wait_for(lambda scanner: not scanner["active_jobs"])
        assert client.job(job) == "Aborted, JobCompletedWithErrors"
        assert client.conditions() == "InputTrayEmpty (ADF, Informational)"
        assert client.scanner() == "Idle"
