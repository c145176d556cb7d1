"""The worker as a real process on SANE's real test backend.

test -- pipes --> worker -- python-sane, sane_read --> libsane -- dll --> test backend

What it delivers is compared with `scanimage`, which shares libsane with it and nothing else.
"""

from __future__ import annotations

import fcntl
import io
import os
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from bridge.scanner.model import ColorMode, Format, InputSource, Region, Size
from bridge.scanner.protocol import (
    Cancel,
    Close,
    Closed,
    Describe,
    Described,
    Failed,
    ImageDone,
    ImageStarted,
    Open,
    Opened,
    PageScanned,
    Progress,
    Ready,
    StartImage,
    Status,
)
from tests.unit.imaging.files import read_pnm, run
from tests.unit.scanner.sane_process import HANG_GUARD_S, ROOT, environment, virtual_config
from tests.unit.scanner.worker_process import WorkerUnderTest, decoded, request, scanimage

MEMORY_LIMIT_MIB = 60
"""The most that a worker may hold, whatever it scans; the design allows 96."""

REGION = Region(1000, 2000, 3000, 4000)

ONLY_MODES = """
import bridge.scanner.options as options
every = options.modes
options.modes = lambda all: tuple(mode for mode in every(all) if (mode.channels, mode.depth) == {shape})
"""
"""Plays a scanner that has no other way to scan; the frames still come from the real backend."""


def errors(one: Image.Image, other: Image.Image) -> list[float]:
    """Mean absolute difference of each channel."""
    assert (one.size, one.mode) == (other.size, other.mode)
    return ImageStat.Stat(ImageChops.difference(one, other)).mean


def assert_same_picture(scanned: Image.Image, expected: Image.Image) -> None:
    """Within the loss of JPEG's best quality the two are one.

    A picture shifted by one pixel, or with its channels swapped, is always at least twice as far away.
    """
    loss = max(errors(scanned, expected))
    assert loss < 1.0
    wrong = [ImageChops.offset(expected, x, y) for x, y in ((1, 0), (0, 1), (-1, 0), (0, -1))]
    if expected.mode == "RGB":
        red, green, blue = expected.split()
        wrong.append(Image.merge("RGB", (blue, green, red)))
    for other in wrong:
        assert max(errors(scanned, other)) > max(1.0, 2 * loss)


def test_a_scanner_is_described() -> None:
    """Describe opens the device, reads its sources, and closes it again; the worker can then take a job."""
    with WorkerUnderTest() as worker:
        worker.expect(Ready)
        worker.send(Describe("test:0"))
        found = worker.expect(Described).capabilities
        assert found.sources == (InputSource.PLATEN, InputSource.ADF)
        assert set(found.platen.colors) == set(ColorMode)
        assert found.platen.maximum == Size(14015, 14015)
        worker.send(Open("test:0", request()))
        worker.expect(Opened)
        worker.send(Close())
        assert worker.end() == 0


@pytest.mark.conformance(194, 195)
@pytest.mark.parametrize("color", [ColorMode.RGB_24, ColorMode.GRAYSCALE_8])
@pytest.mark.parametrize("name", [Format.JFIF, Format.EXIF])
@pytest.mark.parametrize("region", [Region(0, 0, 8268, 11693), REGION], ids=["page", "region"])
def test_a_page_is_what_scanimage_delivers(color: ColorMode, name: Format, region: Region) -> None:
    """Whole pages and regions, in colour and gray, have the promised size and the same pixels."""
    asked = request(150, color, region, name=name)
    with WorkerUnderTest() as worker:
        worker.open(asked)
        events, jpeg = worker.scan()
        assert [type(event) for event in events] == [ImageStarted, PageScanned, ImageDone]
        assert events[-1] == ImageDone(len(jpeg))
        assert_same_picture(decoded(jpeg), scanimage(asked, "--depth", "8"))
        worker.send(Close())
        assert worker.end() == 0


def test_lineart_becomes_gray() -> None:
    """A device with nothing but lineart gives a gray page, black where scanimage has black, pixel for pixel."""
    asked = request(150, ColorMode.GRAYSCALE_8, REGION)
    with WorkerUnderTest(patch=ONLY_MODES.format(shape=(1, 1))) as worker:
        assert "depth=1" in worker.open(asked)
        _, jpeg = worker.scan()
    expected = scanimage(asked, "--depth", "1").convert("L")
    scanned = decoded(jpeg)
    assert sorted(set(expected.getdata())) == [0, 255]
    assert scanned.point(lambda value: 255 if value > 127 else 0).tobytes() == expected.tobytes()
    assert_same_picture(scanned, expected)


def test_colour_becomes_gray() -> None:
    """A device with nothing but colour gives a gray page with the luma of its colours."""
    asked = request(150, ColorMode.GRAYSCALE_8, REGION)
    with WorkerUnderTest(patch=ONLY_MODES.format(shape=(3, 8))) as worker:
        assert "mode=Color" in worker.open(asked)
        _, jpeg = worker.scan()
    expected = scanimage(request(150, ColorMode.RGB_24, REGION), "--depth", "8").convert("L")
    assert_same_picture(decoded(jpeg), expected)


def test_sixteen_bits_become_eight() -> None:
    """A device with nothing but 16 bits a sample gives the page that it has with 8."""
    asked = request(150, ColorMode.RGB_24, REGION)
    with WorkerUnderTest(patch=ONLY_MODES.format(shape=(3, 16))) as worker:
        assert "depth=16" in worker.open(asked)
        _, jpeg = worker.scan()
    high = scanimage(asked, "--depth", "16").tobytes()
    assert_same_picture(decoded(jpeg), Image.frombytes("RGB", (asked.width, asked.height), high))


def test_padded_rows_do_not_skew_the_page(tmp_path: Path) -> None:
    """Where rows carry more bytes than pixels the page is straight, and the lost pixels are white."""
    asked = request(150, ColorMode.RGB_24, REGION)
    with WorkerUnderTest(virtual_config(tmp_path, ppl_loss="128")) as worker:
        worker.open(asked)
        _, jpeg = worker.scan()
    scanned = decoded(jpeg)
    assert scanned.size == (450, 600)
    # One pixel more than the region was scanned, and 128 of its pixels are lost.
    kept = 451 - 128
    assert_same_picture(scanned.crop((0, 0, kept, 600)), scanimage(asked, "--depth", "8").crop((0, 0, kept, 600)))
    assert ImageStat.Stat(scanned.crop((kept + 8, 0, 450, 600))).extrema == [(255, 255)] * 3


def test_a_page_of_unknown_height_keeps_its_promise(tmp_path: Path) -> None:
    """A hand scanner tells no height and scans 11 cm across; the page has the promised size, the rest white."""
    asked = request(75, ColorMode.GRAYSCALE_8)
    with WorkerUnderTest(virtual_config(tmp_path, hand_scanner="true")) as worker:
        worker.open(asked)
        events, jpeg = worker.scan()
    scanned = decoded(jpeg)
    assert scanned.size == (asked.width, asked.height)
    (scanned_lines,) = [event.lines for event in events if isinstance(event, PageScanned)]
    assert 0 < scanned_lines < asked.height
    assert ImageStat.Stat(scanned.crop((0, scanned_lines + 8, asked.width, asked.height))).extrema == [(255, 255)]
    assert ImageStat.Stat(scanned.crop((0, 0, 300, scanned_lines))).extrema[0][0] < 10


@pytest.mark.parametrize("settings", [{"fuzzy_parameters": "true"}, {"non_blocking": "true"}, {"read_limit_size": "7"}])
def test_other_manners_of_a_backend_change_nothing(tmp_path: Path, settings: dict[str, str]) -> None:
    """Vague parameters before the start, reads that find nothing, and tiny reads lead to the same page."""
    if "read_limit_size" in settings:
        settings = {**settings, "read_limit": "true"}
    asked = request(75, ColorMode.RGB_24, Region(0, 0, 1000, 1000))
    with WorkerUnderTest(virtual_config(tmp_path, **settings)) as worker:
        worker.open(asked)
        assert_same_picture(decoded(worker.scan()[1]), scanimage(asked, "--depth", "8"))


@pytest.mark.parametrize("color", [ColorMode.RGB_24, ColorMode.RGB_48])
@pytest.mark.parametrize("order", ["RGB", "BGR", "GRB"])
def test_three_passes_are_one_page(tmp_path: Path, color: ColorMode, order: str) -> None:
    """Colour in three passes, in any order and depth, is the page that the same scanner has in one pass."""
    asked = request(75, color, REGION, name=Format.PNG)
    settings = {"three_pass": "true", "three_pass_order": order}
    files = []
    for config in (None, virtual_config(tmp_path, **settings)):
        with WorkerUnderTest(config) as worker:
            worker.open(asked)
            events, file = worker.scan()
            files.append(file)
    assert [type(event) for event in events] == [ImageStarted, PageScanned, ImageDone]
    (plain,), (merged,) = (read_pnm(run("pngtopnm", input=file)) for file in files)
    assert merged == plain
    assert (plain.width, plain.height, plain.channels, plain.depth) == (225, 300, 3, color.depth)


def test_three_passes_do_not_wait_in_memory(tmp_path: Path) -> None:
    """Two passes of A4 at 300 dpi, 9 MB each, are kept in a file; the worker stays as small as with one pass."""
    with WorkerUnderTest(virtual_config(tmp_path, three_pass="true")) as worker:
        worker.open(request(300, quality=85))
        worker.scan()
        assert worker.memory_peak() <= MEMORY_LIMIT_MIB


def test_three_passes_that_cannot_be_kept_are_refused(tmp_path: Path) -> None:
    """With too little room for two of the passes the reason is told, and the worker lives on."""
    with WorkerUnderTest(virtual_config(tmp_path, three_pass="true")) as worker:
        worker.expect(Ready)
        worker.send(Open("test:0", request(), spool_limit=100_000))
        worker.expect(Opened)
        worker.send(StartImage())
        failed = worker.until(Failed)[-1]
        assert failed.status is Status.UNSUPPORTED
        assert "100000 bytes" in failed.message
        worker.send(Close())
        assert worker.end() == 0


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("JAMMED", Status.JAMMED),
        ("COVER_OPEN", Status.COVER_OPEN),
        ("DEVICE_BUSY", Status.DEVICE_BUSY),
        ("IO_ERROR", Status.IO_ERROR),
        ("EOF", Status.END_OF_FILE),
    ],
)
def test_a_failure_before_any_data_is_told_as_it_is(tmp_path: Path, name: str, status: Status) -> None:
    """What the first read reports comes as that status, and no image has begun."""
    with WorkerUnderTest(virtual_config(tmp_path, read_status_code=f"SANE_STATUS_{name}")) as worker:
        worker.open(request())
        worker.send(StartImage())
        failed = worker.expect(Failed)
        assert failed.status is status
        assert failed.message.endswith(".")


@pytest.mark.conformance(200)
def test_a_feeder_gives_its_ten_pages_and_says_that_it_is_empty() -> None:
    """Each StartImage takes one sheet, all on the same open device, until no sheet is left."""
    asked = request(75, ColorMode.GRAYSCALE_8, Region(0, 0, 2000, 2000), InputSource.ADF)
    expected = scanimage(asked, "--depth", "8")
    with WorkerUnderTest() as worker:
        worker.open(asked)
        for _ in range(10):
            assert_same_picture(decoded(worker.scan()[1]), expected)
        worker.send(StartImage())
        assert worker.expect(Failed).status is Status.NO_DOCUMENTS
        worker.send(Close())
        assert worker.end() == 0


def test_the_glass_can_be_scanned_again() -> None:
    """A second image from the glass, on the same open device, is whole."""
    asked = request(75, ColorMode.RGB_24, REGION)
    with WorkerUnderTest() as worker:
        worker.open(asked)
        first, second = worker.scan()[1], worker.scan()[1]
        assert first == second


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_memory_is_bounded_at_the_highest_resolution() -> None:
    """A4 in colour at 1200 dpi, 418 MB of pixels, passes through a few strips of memory."""
    asked = request(1200, quality=85)
    with WorkerUnderTest() as worker:
        worker.open(asked)
        worker.scan()
        assert worker.memory_peak() < MEMORY_LIMIT_MIB
        assert Image.open(io.BytesIO(worker.image)).size == (9922, 14032)


def test_nobody_reading_holds_the_scanner_back() -> None:
    """While nobody reads the image, the worker waits with a full pipe and bounded memory; then the page is whole."""
    asked = request(600, ColorMode.RGB_24, Region(0, 0, 8268, 4000), quality=85)
    with WorkerUnderTest() as worker:
        worker.open(asked)
        worker.send(StartImage())
        worker.expect(ImageStarted)
        size = bytearray(4)

        def full() -> bool:
            fcntl.ioctl(worker.image_pipe, termios.FIONREAD, size)
            return int.from_bytes(size, sys.byteorder) >= 60000

        worker.wait_for(full)
        worker.wait_for(lambda: _sleeping(worker))
        assert worker.memory_peak() < MEMORY_LIMIT_MIB
        worker.read_image()
        events = worker.until(ImageDone)
        worker.wait_for(lambda: len(worker.image) == events[-1].bytes)
        assert decoded(bytes(worker.image)).size == (asked.width, asked.height)
        assert worker.memory_peak() < MEMORY_LIMIT_MIB


def _sleeping(worker: WorkerUnderTest) -> bool:
    """Whether every thread of the process waits for something."""
    states = [
        (task / "stat").read_text().rpartition(")")[2].split()[0]
        for task in Path(f"/proc/{worker.process.pid}/task").iterdir()
    ]
    return set(states) == {"S"}


@pytest.mark.parametrize("after", [ImageStarted, Progress])
def test_a_cancel_in_mid_page_ends_the_image_as_cancelled(tmp_path: Path, after: type) -> None:
    """After Cancel the image fails as cancelled, later images too, and the worker closes in order."""
    slow = virtual_config(tmp_path, read_delay="true", read_delay_duration="20000")
    with WorkerUnderTest(slow) as worker:
        worker.open(request(600))
        worker.read_image()
        worker.send(StartImage())
        worker.until(after)
        worker.send(Cancel())
        (*_, failed) = worker.until(Failed, ImageDone)
        assert failed.status is Status.CANCELLED
        worker.send(StartImage())
        assert worker.expect(Failed).status is Status.CANCELLED
        worker.send(Close())
        assert worker.end() == 0


ONE_FILE = """
import os
from bridge.scanner import worker
class OneFile(worker.ImageFile):
    begun = False
    def scan(self):
        if self.begun:
            os._exit(9)
        self.begun = True
        return super().scan()
worker.ImageFile = OneFile
"""


def test_nothing_of_an_image_is_begun_after_a_cancel() -> None:
    """A thread that the driver lost in the cancel may hold a lock that starting another thread needs."""
    with WorkerUnderTest(patch=ONE_FILE) as worker:
        worker.open(request(600))
        worker.read_image()
        worker.send(StartImage())
        worker.until(ImageStarted)
        worker.send(Cancel())
        worker.until(Failed, ImageDone)
        worker.send(StartImage())
        assert worker.expect(Failed).status is Status.CANCELLED
        worker.send(Close())
        assert worker.end() == 0


@pytest.mark.parametrize("_", range(5))
def test_a_cancel_right_behind_the_start_is_survived(_: int) -> None:
    """A start and a cancel at once, which dead-lock the bare backend sooner or later, end as cancelled here."""
    with WorkerUnderTest() as worker:
        worker.open(request(600))
        worker.read_image()
        worker.send(StartImage())
        worker.send(Cancel())
        (*_, failed) = worker.until(Failed, ImageDone)
        assert failed.status is Status.CANCELLED
        worker.send(Close())
        assert worker.end() == 0


def test_a_cancel_frees_a_worker_that_nobody_reads() -> None:
    """With a full image pipe a cancel is heard all the same."""
    with WorkerUnderTest() as worker:
        worker.open(request(600))
        worker.send(StartImage())
        worker.expect(ImageStarted)
        worker.wait_for(lambda: _sleeping(worker))
        worker.send(Cancel())
        assert worker.until(Failed)[-1].status is Status.CANCELLED
        worker.send(Close())
        assert worker.end() == 0


def test_a_cancel_without_a_scan_says_nothing() -> None:
    """A cancel while nothing runs is not answered; what is asked for after it is cancelled."""
    with WorkerUnderTest() as worker:
        worker.open(request())
        worker.send(Cancel())
        worker.send(Close())
        worker.expect(Closed)


def test_a_reader_that_leaves_ends_the_image() -> None:
    """When the daemon closes the image pipe in mid-page the scan is stopped."""
    with WorkerUnderTest() as worker:
        worker.open(request(600))
        worker.send(StartImage())
        worker.expect(ImageStarted)
        worker.close_image_pipe()
        assert worker.until(Failed)[-1].status is Status.CANCELLED


@pytest.mark.parametrize("data", [b"garbage\n", b'{"frame":"Ready"}\n', b"x" * 70000])
def test_garbage_is_answered_and_ends_the_worker(data: bytes) -> None:
    """A worker that cannot follow its commands says so, gives the device back and ends with a failure."""
    with WorkerUnderTest() as worker:
        worker.open(request())
        os.write(worker.commands, data)
        assert worker.expect(Failed).status is Status.PROTOCOL
        worker.expect(Closed)
        assert worker.process.wait(timeout=HANG_GUARD_S) == 1


def test_closed_commands_end_the_worker_in_mid_page() -> None:
    """The end of the command pipe stops the scan and ends the process in order."""
    with WorkerUnderTest() as worker:
        worker.open(request(600))
        worker.send(StartImage())
        worker.expect(ImageStarted)
        worker.close_commands()
        assert worker.end() == 0


@pytest.mark.parametrize("scanning", [False, True])
def test_sigterm_ends_the_worker_at_once(scanning: bool) -> None:
    """SIGTERM kills, also while the backend runs, which changes that signal's handler."""
    with WorkerUnderTest() as worker:
        worker.open(request(600))
        if scanning:
            worker.send(StartImage())
            worker.expect(ImageStarted)
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(timeout=HANG_GUARD_S) == -signal.SIGTERM


def test_ctrl_c_does_not_reach_the_worker() -> None:
    """A worker has a session of its own, so a terminal's interrupt goes to the daemon alone."""
    with WorkerUnderTest() as worker:
        worker.expect(Ready)
        assert os.getsid(worker.process.pid) == worker.process.pid
        assert os.getsid(worker.process.pid) != os.getsid(0)


PARENT = """
import os, subprocess, sys, time
worker = subprocess.Popen(
    [sys.executable, "-m", "bridge.scanner.worker"], stdin=0, pass_fds=(3, 4), stderr=subprocess.DEVNULL
)
print(worker.pid, flush=True)
time.sleep(600)
"""


def test_a_killed_parent_takes_the_worker_with_it() -> None:
    """When the daemon is killed the worker ends, although its pipes are still open elsewhere."""
    command_read, command_write = os.pipe()
    image_read, image_write = os.pipe()
    event_read, event_write = os.pipe()
    place = (
        "import fcntl, os, sys\n"
        f"image, events = (fcntl.fcntl(fd, fcntl.F_DUPFD, 20) for fd in ({image_write}, {event_write}))\n"
        "os.dup2(image, 3)\nos.dup2(events, 4)\n" + PARENT
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", place],
        stdin=command_read,
        stdout=subprocess.PIPE,
        env=environment(),
        cwd=ROOT,
        pass_fds=(image_write, event_write),
    )
    try:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert b"Ready" in os.read(event_read, 65536)
        parent.kill()
        parent.wait()
        with WorkerUnderTest() as other:
            other.wait_for(lambda: not _alive(pid))
    finally:
        parent.kill()
        parent.wait()
        assert parent.stdout is not None
        parent.stdout.close()
        for fd in (command_read, command_write, image_read, image_write, event_read, event_write):
            os.close(fd)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("device", "status"),
    [("test:99", Status.DEVICE_BUSY), ("nonsense:1", Status.DEVICE_BUSY), ("", Status.INVALID)],
)
def test_a_device_that_is_not_there_is_told(device: str, status: Status) -> None:
    """Opening what does not exist fails with a sentence, and the worker lives on.

    SANE calls such a name invalid, and so does a driver that cannot claim its device, which then is another program's.
    """
    with WorkerUnderTest() as worker:
        worker.expect(Ready)
        worker.send(Open(device, request()))
        failed = worker.expect(Failed)
        assert failed.status is status
        worker.send(Open("test:0", request()))
        worker.expect(Opened)


def test_commands_at_the_wrong_moment_are_refused() -> None:
    """A start without a device and a second job are refused, the first job unharmed."""
    with WorkerUnderTest() as worker:
        worker.expect(Ready)
        worker.send(StartImage())
        assert worker.expect(Failed).status is Status.INVALID
        worker.send(Open("test:0", request(75, ColorMode.GRAYSCALE_8, REGION)))
        worker.expect(Opened)
        worker.send(Open("test:0", request()))
        assert worker.expect(Failed).status is Status.INVALID
        worker.send(Describe("test:0"))
        assert worker.expect(Failed).status is Status.INVALID
        assert decoded(worker.scan()[1]).size == (225, 300)


def test_a_source_that_is_missing_is_refused() -> None:
    """The test backend has no duplex; asking for it fails when the job is opened."""
    with WorkerUnderTest() as worker:
        worker.expect(Ready)
        worker.send(Open("test:0", request(source=InputSource.ADF_DUPLEX)))
        assert worker.expect(Failed).status is Status.UNSUPPORTED


def test_a_page_too_large_for_the_format_is_refused() -> None:
    """A promise beyond the format's longest side fails before the scanner moves."""
    asked = request(1200, ColorMode.GRAYSCALE_8, Region(0, 0, 100, 60000))
    with WorkerUnderTest() as worker:
        worker.open(asked)
        worker.send(StartImage())
        failed = worker.expect(Failed)
        assert failed.status is Status.UNSUPPORTED
        assert "65535" in failed.message


def test_a_missing_python_sane_is_told() -> None:
    """A worker that cannot load python-sane says so and ends."""
    with WorkerUnderTest(patch="import sys; sys.modules['sane'] = None") as worker:
        failed = worker.expect(Failed)
        assert failed.status is Status.UNSUPPORTED
        assert "sane" in failed.message
        assert worker.process.wait(timeout=HANG_GUARD_S) == 2


def test_the_worker_loads_nothing_that_it_does_not_need() -> None:
    """Neither the reactor nor numpy nor Pillow is loaded by a worker that is ready."""
    code = (
        "import sys, bridge.scanner.worker, bridge.scanner.session\n"
        "print([name for name in ('twisted', 'numpy', 'PIL', 'lxml', 'asyncio') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
