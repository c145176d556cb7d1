"""Pages into files, played: what is told when, what reaches the file, and how it can end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from bridge.imaging.encoder import ImagingError, Page, Rows, StorageError
from bridge.imaging.geometry import Placement
from bridge.imaging.pixels import Frame
from bridge.scanner.failure import ScanFailure
from bridge.scanner.imagefile import ImageFile
from bridge.scanner.model import ColorMode, Format, InputSource, Region, Resolution, ScanRequest
from bridge.scanner.options import Delivery
from bridge.scanner.pages import MAX_LINES, PROGRESS_INTERVAL_S
from bridge.scanner.protocol import ImageStarted, PageScanned, Progress, Status
from tests.unit.scanner.played_scanner import JAM, Chunk, PlayedScanner, gray


class PlainEncoder:
    """Writes rows as they are, with marks where a file or page begins and ends."""

    def __init__(self, name: Format, page: Page) -> None:
        self.page = page

    def begin(self) -> bytes:
        return b"<"

    def rows(self, data: Rows) -> bytes:
        assert len(data) % self.page.row_bytes == 0
        return bytes(data)

    def next_page(self) -> Iterable[bytes]:
        return [b"|"]

    def end(self) -> Iterable[bytes]:
        return [b">"]


class Story:
    """An ImageFile with everything that it says in one list, bytes among the events."""

    def __init__(
        self, scanner: PlayedScanner, width: int = 4, height: int = 3, encoder: Any = PlainEncoder, **words: Any
    ) -> None:
        wishes = {"format": Format.JFIF, "source": InputSource.ADF, "color": ColorMode.GRAYSCALE_8, **words}
        request = ScanRequest(
            resolution=Resolution(300, 300), region=Region(0, 0, 1, 1), width=width, height=height, **wishes
        )
        self.events: list[Any] = []
        self.now = 0.0
        self.file = ImageFile(
            scanner,
            request,
            Delivery(Placement(width, height)),
            write=lambda data: self.events.append(bytes(data)),
            tell=self.events.append,
            clock=lambda: self.now,
            make_encoder=encoder,
        )

    def scan(self) -> tuple[int, list[Any]]:
        """Scan one file; its size, and what happened, without Progress."""
        self.events.clear()
        size = self.file.scan()
        return size, [event for event in self.events if not isinstance(event, Progress)]

    @property
    def bytes(self) -> bytes:
        return b"".join(event for event in self.events if isinstance(event, bytes))


def test_a_page_is_told_and_written_in_order() -> None:
    """ImageStarted comes before the first byte of the file and PageScanned when the last line was read."""
    story = Story(PlayedScanner((gray(), [b"aaaabbbbcccc"])))
    assert story.scan() == (14, [ImageStarted(), b"<", b"aaaabbbbcccc", PageScanned(3), b">"])


def test_the_last_rows_follow_the_end_of_the_page() -> None:
    """Rows that did not fill the buffer are written after the end of the frame was seen."""
    story = Story(PlayedScanner((gray(), [b"aaaab", b"bbbcc", b"cc"]), room=8))
    size, events = story.scan()
    assert events == [ImageStarted(), b"<", b"aaaabbbb", PageScanned(3), b"cccc", b">"]
    assert size == 14


def test_reads_without_data_are_waited_out() -> None:
    """A read of length 0 neither starts nor ends the image."""
    story = Story(PlayedScanner((gray(), [b"", b"", b"aaaa", b"", b"bbbbcccc", b""])))
    assert story.scan()[0] == 14
    assert story.bytes == b"<aaaabbbbcccc>"


def test_rows_in_odd_pieces_are_put_together() -> None:
    """It does not matter how a driver cuts its rows, nor that they carry padding."""
    data = b"aaaa##bbbb##cccc##"
    for length in range(1, len(data) + 1):
        chunks = [data[start : start + length] for start in range(0, len(data), length)]
        story = Story(PlayedScanner((gray(padding=2), chunks), room=13))
        story.scan()
        assert story.bytes == b"<aaaabbbbcccc>"


def test_a_row_longer_than_the_buffer_makes_it_longer() -> None:
    """A row always fits into the buffer, however long."""
    story = Story(PlayedScanner((gray(100), [b"x" * 300]), room=12), width=100)
    story.scan()
    assert story.bytes == b"<" + b"x" * 300 + b">"


@pytest.mark.conformance(195)
@pytest.mark.parametrize(
    ("data", "written", "lines"),
    [
        (b"aaaa", b"aaaa" + b"\xff" * 8, 1),
        (b"aaaabbbbccccddddeeee", b"aaaabbbbcccc", 5),
        (b"aaaabbbbcc", b"aaaabbbb" + b"\xff" * 4, 2),
    ],
)
def test_the_promise_is_kept_whatever_comes(data: bytes, written: bytes, lines: int) -> None:
    """A short page is padded with white, a long one cut but read to its end, a broken last row dropped."""
    story = Story(PlayedScanner((gray(), [data])))
    assert PageScanned(lines) in story.scan()[1]
    assert story.bytes == b"<" + written + b">"


@pytest.mark.parametrize("chunks", [[], [b""], [b"aaa"]])
def test_a_page_without_a_whole_line_fails(chunks: list[bytes]) -> None:
    """A scanner that ends its page without a line has not scanned; no white page is made up."""
    with pytest.raises(ScanFailure) as caught:
        Story(PlayedScanner((gray(), chunks))).scan()
    assert caught.value.status is Status.END_OF_FILE


def test_a_failure_before_the_first_data_is_told_before_the_image() -> None:
    """A jam before any data leaves room for a fault: ImageStarted was not told."""
    story = Story(PlayedScanner((gray(), [b"", JAM])))
    with pytest.raises(ScanFailure, match="jammed"):
        story.scan()
    assert story.events == []


def test_a_failure_in_mid_page_comes_after_the_image_began() -> None:
    """A jam after some rows ends the file as a failure."""
    story = Story(PlayedScanner((gray(), [b"aaaabbbbccccdddd", JAM]), room=4))
    with pytest.raises(ScanFailure, match="jammed"):
        story.scan()
    assert story.events[0] == ImageStarted()
    assert PageScanned(4) not in story.events


@pytest.mark.conformance(200)
def test_each_file_of_a_feeder_is_one_page_until_it_is_empty() -> None:
    """A single-page format takes one start for each file; the empty feeder is the failure that ends the series."""
    scanner = PlayedScanner((gray(), [b"a" * 12]), (gray(), [b"b" * 12]))
    story = Story(scanner)
    assert story.scan()[0] == 14
    assert story.bytes == b"<aaaaaaaaaaaa>"
    assert scanner.starts == 1
    assert story.scan()[0] == 14
    assert story.bytes == b"<bbbbbbbbbbbb>"
    with pytest.raises(ScanFailure) as caught:
        story.scan()
    assert caught.value.status is Status.NO_DOCUMENTS
    assert story.events == []


@pytest.mark.conformance(202)
@pytest.mark.parametrize(("images", "pages"), [(0, 3), (1, 1), (2, 2), (3, 3), (9, 3)])
def test_a_multi_page_file_holds_up_to_the_asked_images(images: int, pages: int) -> None:
    """All pages that the feeder has go into one file, up to the number that was asked for; 0 is all."""
    scanner = PlayedScanner(*[(gray(), [letter * 12]) for letter in (b"a", b"b", b"c")])
    story = Story(scanner, format=Format.PDF_A, images=images)
    events = story.scan()[1]
    assert story.bytes == b"<" + b"|".join([b"a" * 12, b"b" * 12, b"c" * 12][:pages]) + b">"
    assert events.count(ImageStarted()) == 1
    assert events.count(PageScanned(3)) == pages
    assert scanner.starts == min(pages + (images == 0 or images > 3), 4)


@pytest.mark.conformance(203)
def test_a_multi_page_file_from_the_glass_holds_one_page() -> None:
    """The glass is scanned once, whatever number of images was asked for."""
    scanner = PlayedScanner((gray(), [b"a" * 12]), (gray(), [b"b" * 12]))
    story = Story(scanner, format=Format.PDF_A, images=0, source=InputSource.PLATEN)
    story.scan()
    assert story.bytes == b"<aaaaaaaaaaaa>"
    assert scanner.starts == 1


@pytest.mark.parametrize(
    ("third", "written"),
    [
        ([JAM], b""),
        ([(gray(), [JAM])], b""),
        ([(gray(), [b"", JAM])], b""),
        ([(gray(), [b"ccccc", JAM])], b"|cccc" + b"\xff" * 8),
        ([(gray(), [b"cccccccccccccc", JAM])], b"|" + b"c" * 12),
    ],
    ids=["between pages", "before the first data", "after nothing", "in mid-page", "behind the promise"],
)
def test_a_jam_in_a_stack_leaves_the_pages_so_far(third: list[Any], written: bytes) -> None:
    """A multi-page file ends well with its whole pages, and says what ended it; a page under way is filled up."""
    scanner = PlayedScanner((gray(), [b"a" * 12]), (gray(), [b"b" * 12]), *third)
    story = Story(scanner, format=Format.PDF_A, images=0)
    events = story.scan()[1]
    assert story.bytes == b"<aaaaaaaaaaaa|bbbbbbbbbbbb" + written + b">"
    assert events.count(PageScanned(3)) == 2
    assert story.file.trouble is JAM


@pytest.mark.parametrize(("chunks", "written"), [([], b""), ([b"cc"], b"|" + b"\xff" * 12)])
def test_a_later_page_that_ends_at_once_leaves_the_pages_so_far(chunks: list[Chunk], written: bytes) -> None:
    """A page without a whole line is none, and those before it are a file all the same."""
    story = Story(PlayedScanner((gray(), [b"a" * 12]), (gray(), chunks)), format=Format.PDF_A, images=0)
    story.scan()
    assert story.bytes == b"<aaaaaaaaaaaa" + written + b">"
    assert story.file.trouble is not None
    assert story.file.trouble.status is Status.END_OF_FILE


def test_a_jam_in_the_first_page_is_a_failure() -> None:
    """Without one whole page there is no file."""
    story = Story(PlayedScanner((gray(), [b"aaaab", JAM])), format=Format.PDF_A, images=0)
    with pytest.raises(ScanFailure, match="jammed"):
        story.scan()


def test_a_cancelled_stack_is_no_file() -> None:
    """A cancel ends a multi-page file as cancelled, however many pages it has."""
    cancelled = ScanFailure(Status.CANCELLED, "The scan was cancelled.")
    for ending in ([cancelled], [(gray(), [b"cccc", cancelled])]):
        story = Story(PlayedScanner((gray(), [b"a" * 12]), *ending), format=Format.PDF_A, images=0)
        with pytest.raises(ScanFailure, match="cancelled"):
            story.scan()
        assert not story.bytes.endswith(b">")


def test_the_trouble_of_one_file_is_not_that_of_the_next() -> None:
    """After a file that was cut short the next one begins anew."""
    scanner = PlayedScanner((gray(), [b"a" * 12]), JAM, (gray(), [b"b" * 12]))
    story = Story(scanner, format=Format.PDF_A, images=0)
    story.scan()
    assert story.file.trouble is JAM
    story.scan()
    assert story.bytes == b"<bbbbbbbbbbbb>"
    assert story.file.trouble is None


def test_progress_is_told_now_and_then() -> None:
    """Progress says how many lines were read, at most once in PROGRESS_INTERVAL_S."""
    step = 0.0625
    assert 3 * step < PROGRESS_INTERVAL_S <= 4 * step

    class Slow(PlayedScanner):
        def read(self, start: int, length: int) -> int | None:
            story.now += step
            return super().read(start, length)

    story = Story(Slow((gray(), [b"x" * 4] * 40)), height=40)
    story.file.scan()
    told = [event.lines for event in story.events if isinstance(event, Progress)]
    assert told == list(range(4, 41, 4))


def test_what_cannot_be_encoded_or_read_is_unsupported() -> None:
    """A frame or format that is not supported fails with that status and its reason."""
    with pytest.raises(ScanFailure, match="unknown kind") as caught:
        Story(PlayedScanner((Frame("infrared", False, 4, 3, 8, 4), [b"a" * 12]))).scan()
    assert caught.value.status is Status.UNSUPPORTED

    def refuse(name: Format, page: Page) -> PlainEncoder:
        raise ImagingError("no such format")

    scanner = PlayedScanner((gray(), [b"a" * 12]))
    story = Story(scanner)
    story.file._make_encoder = refuse
    with pytest.raises(ScanFailure, match="no such format"):
        story.scan()
    assert scanner.starts == 0


def test_a_page_that_never_ends_is_ended() -> None:
    """After MAX_LINES lines the scanner is believed to be broken."""

    class Endless(PlayedScanner):
        def read(self, start: int, length: int) -> int | None:
            return length

    story = Story(Endless((gray(1), []), room=65536), width=1)
    with pytest.raises(ScanFailure, match=str(MAX_LINES)) as caught:
        story.scan()
    assert caught.value.status is Status.IO_ERROR


def test_a_full_disk_is_no_fault_of_the_scanner() -> None:
    """What cannot be kept until its page is whole fails as a full disk; what cannot be made as unsupported."""
    for raised, status in ((StorageError, Status.STORAGE_FULL), (ImagingError, Status.UNSUPPORTED)):

        class Failing(PlainEncoder):
            def rows(self, data: Rows, raised: type[ImagingError] = raised) -> bytes:
                raise raised("No space left on device.")

        story = Story(PlayedScanner((gray(), [b"aaaabbbbcccc"])), encoder=Failing)
        with pytest.raises(ScanFailure, match="No space") as caught:
            story.scan()
        assert caught.value.status is status
