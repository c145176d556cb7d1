"""Colour in three passes becomes one page of colour, whatever the order and the depth."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import count

import pytest

from bridge.imaging.encoder import ImagingError
from bridge.imaging.pixels import Frame
from bridge.scanner.failure import ScanFailure
from bridge.scanner.pages import PROGRESS_INTERVAL_S, Pace
from bridge.scanner.passes import PLANES, ThreePasses
from bridge.scanner.protocol import Event, Progress, Status
from tests.unit.scanner.played_scanner import JAM, PlayedScanner, gray, whole_page


def plane(kind: str, width: int = 2, depth: int = 8, padding: int = 0) -> Frame:
    return Frame(kind, kind == "blue", width, 3, depth, width * depth // 8 + padding)


def passes(scanner: PlayedScanner, limit: int = 1000, told: list[Event] | None = None) -> ThreePasses:
    times = count(1)
    heard = [] if told is None else told
    return ThreePasses(scanner, limit, Pace(heard.append, lambda: 2 * next(times) * PROGRESS_INTERVAL_S))


@pytest.mark.parametrize("order", [("red", "green", "blue"), ("blue", "red", "green"), ("green", "blue", "red")])
@pytest.mark.parametrize("padding", [0, 3])
def test_each_colour_finds_its_place(order: tuple[str, ...], padding: int) -> None:
    """The passes may come in any order and padded; the page is red, green, blue for each pixel, without padding."""
    data = {"red": b"abcdef", "green": b"ghijkl", "blue": b"mnopqr"}
    gap = b"#" * padding
    chunks = {name: [rows[at : at + 2] + gap for at in (0, 2, 4)] for name, rows in data.items()}
    scanner = PlayedScanner(*((plane(name, padding=padding), chunks[name]) for name in order), room=7)
    frame, rows = whole_page(passes(scanner))
    assert replace(frame, last=True) == Frame("color", True, 2, 3, 8, 6)
    assert rows == b"agmbhnciodjpekqflr"


def test_samples_of_sixteen_bits_stay_whole() -> None:
    """A sample of 16 bits keeps its two bytes together."""

    def words(*values: int) -> bytes:
        return b"".join(value.to_bytes(2, sys.byteorder) for value in values)

    pages = [(plane(name, 1, 16), [words(at, at + 256, at + 512)]) for at, name in enumerate(PLANES)]
    frame, rows = whole_page(passes(PlayedScanner(*pages)))
    assert (frame.kind, frame.depth, frame.stride) == ("color", 16, 6)
    assert rows == words(0, 1, 2, 256, 257, 258, 512, 513, 514)


def test_the_last_pass_goes_out_while_it_is_scanned() -> None:
    """What the third pass has delivered can be read before it ends."""
    first = [(plane(name), [b"ab" * 3]) for name in ("red", "green")]
    source = passes(PlayedScanner(*first, (plane("blue"), [b"cd", b"ef", JAM]), room=2))
    source.start()
    buffer = source.buffer(6)
    assert source.read(0, 6) == 6
    assert bytes(buffer[:6]) == b"aacbbd"
    assert source.read(0, 6) == 6
    with pytest.raises(ScanFailure, match="jammed"):
        source.read(0, 6)


def test_progress_is_told_while_nobody_gets_anything() -> None:
    """The daemon hears of every pass, so that it does not believe the scanner dead."""
    told: list[Event] = []
    pages = [(plane(name), [b"ab", b"cd", b"ef"]) for name in PLANES]
    passes(PlayedScanner(*pages, room=2), told=told).start()
    assert told == [Progress(1), Progress(2), Progress(3)] * 2


def test_other_pages_pass_through() -> None:
    """A page in one pass is the device's own, before and after one in three."""
    page = (gray(2), [b"xy"])
    source = passes(PlayedScanner(page, *((plane(name), [b"ab" * 3]) for name in PLANES), page))
    assert whole_page(source) == (gray(2), b"xy")
    assert whole_page(source)[0].kind == "color"
    assert whole_page(source) == (gray(2), b"xy")


def test_a_pass_that_is_too_short_is_white_at_its_end() -> None:
    """The third pass decides how long the page is."""
    data = {"red": b"ab", "green": b"cdef", "blue": b"ghijkl"}
    scanner = PlayedScanner(*((plane(name), [data[name]]) for name in PLANES))
    assert whole_page(passes(scanner))[1] == b"acgbdh" + b"\xffei\xfffj" + b"\xff\xffk\xff\xffl"


@pytest.mark.parametrize(
    "pages",
    [
        [plane("red"), plane("red")],
        [plane("red"), plane("green"), plane("green")],
        [plane("red"), gray(2)],
        [plane("red"), plane("green", 3)],
        [plane("red"), plane("green", 2, 16)],
    ],
)
def test_passes_that_do_not_fit(pages: list[Frame]) -> None:
    """The same colour twice, no colour, another width or depth: a failure of the device, and no page of nonsense."""
    scanner = PlayedScanner(*((page, [bytes(page.stride * 3)]) for page in pages))
    with pytest.raises(ScanFailure, match="do not fit") as caught:
        passes(scanner).start()
    assert caught.value.status is Status.IO_ERROR


def test_a_failure_between_passes_is_the_page_s() -> None:
    """A jam before the second pass fails the start."""
    with pytest.raises(ScanFailure, match="jammed"):
        passes(PlayedScanner((plane("red"), [b"abcdef"]), JAM)).start()


def test_what_cannot_be_kept_or_read_is_refused() -> None:
    """Two passes that are longer than the spool, and passes of single bits, are not supported."""
    pages = [(plane(name), [b"ab" * 3]) for name in PLANES]
    assert whole_page(passes(PlayedScanner(*pages), limit=12))[0].kind == "color"
    with pytest.raises(ImagingError, match="11 bytes"):
        passes(PlayedScanner(*pages), limit=11).start()
    with pytest.raises(ImagingError, match="1 bits"):
        passes(PlayedScanner((Frame("red", False, 8, 1, 1, 1), [b"a"]))).start()
