"""Each quirk on a scanner that has it, through the real libsane and a real worker: with the quirk it scans as others.

Every test shows first that without the quirk something is wrong.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from twisted.internet.defer import Deferred

from bridge.scanner.model import ColorMode, Format, InputSource, Region, Size
from bridge.scanner.protocol import (
    Cancel,
    Close,
    Describe,
    Described,
    Failed,
    ImageDone,
    ImageStarted,
    Open,
    Opened,
    Ready,
    StartImage,
    Status,
)
from bridge.scanner.quirks import NO_QUIRKS, Offset, OptionValue, Quirks, SourceQuirk
from tests.chaos import picture
from tests.chaos.fixtures import DEVICE, Chaos
from tests.chaos.order import STATUSES, WEDGED_FILE, Fault, Order, write_order
from tests.chaos.picture import GLASS, back, front, which_page
from tests.chaos.queue_bench import QueueBench, until
from tests.real_reactor import run
from tests.unit.imaging.files import read_pnm
from tests.unit.imaging.files import run as run_program
from tests.unit.scanner.direct import request_for
from tests.unit.scanner.scan_process import ScanProcess
from tests.unit.scanner.test_worker import MEMORY_LIMIT_MIB
from tests.unit.scanner.worker_process import WorkerUnderTest, decoded, request

ADF, DUPLEX = InputSource.ADF, InputSource.ADF_DUPLEX
DPI = 75


@pytest.fixture(scope="module")
def scans(chaos_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScanProcess]:
    """A process that scans on it, with what `Open` carries."""
    with ScanProcess(tmp_path_factory.mktemp("scans"), DEVICE, str(chaos_folder)) as process:
        yield process


Scan = Callable[..., Image.Image]


@pytest.fixture
def scan(scans: ScanProcess, chaos_folder: Path) -> Scan:
    """Scans the region in gray, with the order in force, and shows what came."""

    def go(order: Order, region: Region, quirks: Quirks = NO_QUIRKS, **words: object) -> Image.Image:
        write_order(chaos_folder, order)
        asked = replace(request_for(Format.PNG, ColorMode.GRAYSCALE_8, DPI, region), **words)  # type: ignore[arg-type]
        (page,) = read_pnm(run_program("pngtopnm", input=scans.scan(asked, quirks)))
        assert (page.width, page.height) == (asked.width, asked.height)
        return Image.frombytes("L", (page.width, page.height), page.data)

    return go


REGION = Region(1000, 2000, 1600, 1200)


def expected(page: int, region: Region = REGION) -> Image.Image:
    """What a scan of `region` shows."""
    left, top, width, height = (side * DPI // 1000 for side in (region.x, region.y, region.width, region.height))
    return picture.gray(page, width, height, left, top)


# -- sources -------------------------------------------------------------------------------------

NAMED = Order(source_names={0: "Plate", 1: "Tray", 2: "Tray with two"})
SOURCES = Quirks(
    platen=SourceQuirk((OptionValue("source", "Plate"),)),
    adf=SourceQuirk((OptionValue("source", "Tray"),)),
    adf_duplex=SourceQuirk((OptionValue("source", "Tray with two"),)),
)


def described(chaos: Chaos, quirks: Quirks) -> tuple[InputSource, ...]:
    """The sources of the scanner as a worker describes it."""
    with WorkerUnderTest(chaos.config) as worker:
        worker.expect(Ready)
        worker.send(Describe(DEVICE, "", quirks))
        sources: tuple[InputSource, ...] = worker.expect(Described).capabilities.sources
        return sources


def test_sources_of_unknown_names(chaos: Chaos) -> None:
    """A driver that calls its sources as nobody else does has them all once their names are known."""
    chaos.order(NAMED)
    assert described(chaos, NO_QUIRKS) == (InputSource.PLATEN,)
    assert described(chaos, SOURCES) == (InputSource.PLATEN, ADF, DUPLEX)


@pytest.mark.parametrize(("source", "page"), [(InputSource.PLATEN, GLASS), (ADF, front(1)), (DUPLEX, front(1))])
def test_a_scan_from_a_source_of_unknown_name(scan: Scan, source: InputSource, page: int) -> None:
    """What the quirk says of a source is what is set."""
    assert scan(NAMED, REGION, SOURCES, source=source).tobytes() == expected(page).tobytes()


def test_a_source_that_is_not_there(chaos: Chaos) -> None:
    """A driver that names a feeder which the scanner does not have is not believed."""
    gone = SourceQuirk(there=False)
    assert described(chaos, NO_QUIRKS) == (InputSource.PLATEN, ADF, DUPLEX)
    assert described(chaos, Quirks(adf=gone, adf_duplex=gone)) == (InputSource.PLATEN,)


# -- where the picture lies ----------------------------------------------------------------------

SHIFT = (254 / 75 * 2, 254 / 75)
"""Twenty pixels to the right and ten down, in millimetres."""


@pytest.mark.parametrize(("source", "page"), [(InputSource.PLATEN, GLASS), (ADF, front(1))])
def test_a_picture_beside_its_place(scan: Scan, source: InputSource, page: int) -> None:
    """An offset of the source brings the picture back to where it belongs; that of the other one does nothing."""
    order = Order(shift=SHIFT)
    offset, other = Offset(*SHIFT), Offset(-30.0, 30.0)
    quirks = Quirks(platen_offset_mm=offset, feeder_offset_mm=other)
    if source.is_feeder:
        quirks = Quirks(platen_offset_mm=other, feeder_offset_mm=offset)
    assert scan(order, REGION, source=source).tobytes() != expected(page).tobytes()
    assert scan(order, REGION, quirks, source=source).tobytes() == expected(page).tobytes()


# -- how light it is -----------------------------------------------------------------------------


def differences(image: Image.Image, other: Image.Image) -> int:
    """The greatest difference of two levels."""
    return max(abs(one - two) for one, two in zip(image.tobytes(), other.tobytes(), strict=True))


def test_white_paper_that_comes_gray(scan: Scan) -> None:
    """The level that is known for white becomes white, and the rest follows."""
    order = Order(paper=200)
    assert differences(scan(order, REGION), expected(GLASS)) > 30
    assert differences(scan(order, REGION, Quirks(white_level=200)), expected(GLASS)) <= 1


def test_a_picture_that_comes_too_dark(scan: Scan) -> None:
    """A known gamma undoes the device's, to the few levels that it has lost in the dark."""
    order = Order(gamma=1.5)
    assert differences(scan(order, REGION), expected(GLASS)) > 35
    assert differences(scan(order, REGION, Quirks(gamma=1.5)), expected(GLASS)) <= 4


@pytest.mark.parametrize("brightness", [-200, 0, 200])
def test_black_and_white_can_be_lightened(scans: ScanProcess, chaos_folder: Path, brightness: int) -> None:
    """The driver has lineart and no brightness: its grays are lightened or darkened, and halved then."""
    write_order(chaos_folder, Order())
    asked = replace(request_for(Format.PNG, ColorMode.BLACK_AND_WHITE_1, DPI, REGION), brightness=brightness)
    (page,) = read_pnm(run_program("pngtopnm", input=scans.scan(asked)))
    seen = Image.frombytes("1", (page.width, page.height), page.data)
    half = 128 - 255 * brightness / 1000
    right = expected(GLASS).point(lambda level: 255 * (level >= half)).convert("1")
    assert seen.tobytes() == right.tobytes()


# -- back sides ----------------------------------------------------------------------------------

BED = Size(8504, 11692)
"""The chaos scanner's bed, and a sheet as large, in 1/1000 inch; 638 x 877 pixels of it."""


def duplex_pages(
    scans: ScanProcess, chaos_folder: Path, order: Order, quirks: Quirks, region: Region, color: ColorMode
) -> list[bytes]:
    """All pages of a stack of both sides in one file, decoded."""
    write_order(chaos_folder, order)
    asked = replace(
        request_for(Format.TIFF_MULTI_UNCOMPRESSED, color, DPI, region), source=DUPLEX, images=0, media=BED
    )
    file = io.BytesIO(scans.scan(asked, quirks))
    pages = []
    with Image.open(file) as image:
        for number in range(image.n_frames):
            image.seek(number)
            pages.append(image.convert("L").tobytes())
    return pages


@pytest.mark.parametrize("region", [Region(0, 0, 2000, 2400), REGION, Region(6000, 9000, 2000, 2000)], ids=str)
@pytest.mark.parametrize("color", [ColorMode.GRAYSCALE_8, ColorMode.BLACK_AND_WHITE_1])
def test_backs_that_come_upside_down(scans: ScanProcess, chaos_folder: Path, region: Region, color: ColorMode) -> None:
    """Backs are upright, and show the part of the sheet that was asked for, wherever on it that lies."""
    order = Order(sheets=2, backs=["turned"])
    wanted = [expected(page, region) for page in (front(1), back(1), front(2), back(2))]
    if color.depth == 1:
        wanted = [page.point(lambda level: 255 * (level >= 128)) for page in wanted]
    found = duplex_pages(scans, chaos_folder, order, NO_QUIRKS, region, color)
    assert [page == right.tobytes() for page, right in zip(found, wanted, strict=True)] == [True, False, True, False]
    found = duplex_pages(scans, chaos_folder, order, Quirks(backs_turned=True), region, color)
    assert [page == right.tobytes() for page, right in zip(found, wanted, strict=True)] == [True] * 4


def test_backs_upside_down_in_a_coarse_window(scans: ScanProcess, chaos_folder: Path) -> None:
    """Where the window takes whole steps of 7 mm alone, backs are from their place all the same, to a pixel."""
    order = Order(sheets=1, backs=["turned"], grid=7.0)
    fronts, backs = duplex_pages(scans, chaos_folder, order, Quirks(backs_turned=True), REGION, ColorMode.GRAYSCALE_8)
    size, places = expected(GLASS).size, [(right, down) for right in (-1, 0, 1) for down in (-1, 0, 1)]
    for page, side in ((fronts, front(1)), (backs, back(1))):
        near = [picture.gray(side, *size, 75 + right, 150 + down).tobytes() for right, down in places]
        assert page in near, side


@pytest.mark.parametrize("backs", [["last"], ["turned", "last"]], ids=" and ".join)
def test_backs_that_come_after_all_fronts(scans: ScanProcess, chaos_folder: Path, backs: list[str]) -> None:
    """Sheets of three come as front, back, front, back, front, back, all upright."""
    order = Order(sheets=3, backs=backs)
    wanted = [expected(page).tobytes() for page in range(front(1), back(3) + 1)]
    quirks = Quirks(backs_last=True, backs_turned="turned" in backs)
    assert duplex_pages(scans, chaos_folder, order, NO_QUIRKS, REGION, ColorMode.GRAYSCALE_8) != wanted
    assert duplex_pages(scans, chaos_folder, order, quirks, REGION, ColorMode.GRAYSCALE_8) == wanted


def test_single_files_of_backs_that_come_upside_down(chaos: Chaos) -> None:
    """One file for each side: the batch goes on from front to back to front, and ends with the stack."""
    chaos.order(Order(sheets=2, backs=["turned"]))
    sheet = request(DPI, region=Region(0, 0, BED.width, BED.height), source=DUPLEX)
    seen = []
    with WorkerUnderTest(chaos.config) as worker:
        worker.expect(Ready)
        worker.send(Open(DEVICE, replace(sheet, media=BED), Quirks(backs_turned=True)))
        worker.expect(Opened)
        for _ in range(4):
            seen.append(which_page(decoded(worker.scan()[1])))
        worker.send(StartImage())
        assert worker.expect(Failed).status is Status.NO_DOCUMENTS
    assert seen == [front(1), back(1), front(2), back(2)]


def test_a_sheet_that_is_shorter_than_the_window(chaos: Chaos) -> None:
    """When a sheet ends early its back begins at the top of the page, and what is missing is white below."""
    chaos.order(Order(sheets=1, backs=["turned"], faults=[Fault("read", "status", 5, page=2, line=600)]))
    sheet = request(DPI, region=Region(0, 0, BED.width, BED.height), source=DUPLEX, name=Format.PNG)
    with WorkerUnderTest(chaos.config) as worker:
        worker.expect(Ready)
        worker.send(Open(DEVICE, replace(sheet, media=BED), Quirks(backs_turned=True)))
        worker.expect(Opened)
        worker.scan()
        page = decoded(worker.scan()[1])
    assert page.crop((0, 0, 600, 600)).getextrema() != ((255, 255),) * 3
    assert page.crop((0, 602, *page.size)).getextrema() == ((255, 255),) * 3
    assert which_page(_continued(page.crop((0, 0, page.width, 600)), 877 - 600)) == back(1)


def _continued(part: Image.Image, missing: int) -> Image.Image:
    """`part` with rows above it that are those of back(1): the whole page if the part is its lower end."""
    whole = picture.color(back(1), part.width, part.height + missing)
    whole.paste(part.convert("RGB"), (0, missing))
    return whole


# -- a feeder that lies --------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["JAMMED", "IO_ERROR", "INVAL"])
def test_a_feeder_that_does_not_say_that_it_is_empty(chaos: Chaos, status: str) -> None:
    """A stack ends well though the driver says something else than that it is empty, in every kind of file."""
    words = {"JAMMED": "jammed", "IO_ERROR": "io-error", "INVAL": "invalid"}
    order = Order(sheets=2, empty=STATUSES.index(status))

    async def story(quirks: Quirks) -> list[str]:
        chaos.order(order)
        bench = QueueBench(chaos.config, quirks=quirks)
        job = bench.order(ADF, images=0)
        for sheet in (1, 2):
            assert which_page(decoded(await bench.fetch(job))) == front(sheet)
        told = []
        try:
            await bench.fetch(job)
        except Exception as error:
            told.append(type(error).__name__)
        await bench.settled(job)
        told += [job.status.state.value, job.status.reasons[0].value]
        await bench.stop()
        return told

    outcomes = [run(story(quirks)) for quirks in (NO_QUIRKS, Quirks(empty_means=(words[status],)))]
    assert outcomes[0] != outcomes[1]
    assert outcomes[1] == ["NoImagesAvailable", "Completed", "None"]


# -- a scanner that survives no cancel -----------------------------------------------------------


@pytest.mark.parametrize("quirks", [NO_QUIRKS, Quirks(survives_cancel=False)], ids=["unknown", "known"])
def test_a_scanner_that_survives_no_cancel(chaos: Chaos, quirks: Quirks) -> None:
    """After a cancel in mid-page the next job scans, because the page was read to its end first."""
    slow = Fault("read", "slow", 1, line=1)
    chaos.order(Order(fragile=True, faults=[slow]))
    with WorkerUnderTest(chaos.config) as worker:
        worker.expect(Ready)
        worker.send(Open(DEVICE, request(DPI), quirks))
        worker.expect(Opened)
        worker.read_image()
        worker.send(StartImage())
        worker.expect(ImageStarted)
        worker.send(Cancel())
        assert worker.until(Failed)[-1].status is Status.CANCELLED
        worker.send(Close())
        assert worker.end() == 0
    chaos.order(Order(fragile=True))
    with WorkerUnderTest(chaos.config) as worker:
        worker.open(request(DPI), DEVICE)
        worker.read_image()
        worker.send(StartImage())
        outcome = worker.until(ImageDone, Failed)[-1]
    assert isinstance(outcome, ImageDone) is not quirks.survives_cancel
    assert (chaos.folder / WEDGED_FILE).exists() is quirks.survives_cancel


def test_a_cancelled_batch_leaves_such_a_scanner_usable(chaos: Chaos) -> None:
    """Through queue and supervisor: a client cancels in mid-page, and the next one gets its page."""

    async def story() -> None:
        chaos.order(Order(fragile=True, faults=[Fault("read", "slow", 1, line=1)]))
        bench = QueueBench(chaos.config, quirks=Quirks(survives_cancel=False))
        job = bench.order(ADF, images=0)
        fetching = Deferred.fromCoroutine(bench.fetch(job))
        fetching.addErrback(lambda _failure: None)
        await until(lambda: job.status.reasons[0].value.startswith("JobScanning") and "start" in chaos.calls)
        bench.queue.cancel(job.id, None)
        bench.clock.advance(20)
        await bench.settled(job)
        assert bench.scanner.restarts == 0
        chaos.order(Order(fragile=True))
        following = bench.order(ADF)
        assert which_page(decoded(await bench.fetch(following))) == front(1)
        await bench.stop()

    run(story())


# -- memory --------------------------------------------------------------------------------------


@pytest.mark.parametrize("backs", [["turned"], ["turned", "last"]], ids=" and ".join)
def test_pages_that_wait_do_not_wait_in_memory(chaos: Chaos, backs: list[str]) -> None:
    """A stack of eight sides in colour, 26 MB each, leaves the worker as small as any other scan."""
    chaos.order(Order(sheets=4, backs=backs))
    sheet = request(300, region=Region(0, 0, BED.width, BED.height), source=DUPLEX, name=Format.JFIF, quality=85)
    with WorkerUnderTest(chaos.config) as worker:
        worker.expect(Ready)
        quirks = Quirks(backs_turned=True, backs_last="last" in backs)
        worker.send(Open(DEVICE, replace(sheet, media=BED), quirks))
        worker.expect(Opened)
        for _ in range(8):
            worker.scan()
        assert worker.memory_peak() <= MEMORY_LIMIT_MIB
