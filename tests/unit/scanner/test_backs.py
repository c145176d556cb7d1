"""Back sides: turned upright, and brought behind their fronts."""

from __future__ import annotations

import pytest

from bridge.imaging.encoder import ImagingError
from bridge.imaging.pixels import Frame
from bridge.scanner.backs import BackSides
from bridge.scanner.failure import ScanFailure
from bridge.scanner.pages import Pace
from bridge.scanner.protocol import Status
from tests.unit.scanner.played_scanner import JAM, PlayedScanner, gray, whole_page

FRONT, BACK = b"abcd", b"efgh"


def sides(scanner: PlayedScanner, *, turn: bool = True, last: bool = False, limit: int = 1000) -> BackSides:
    return BackSides(scanner, turn=turn, last=last, limit=limit, pace=Pace(lambda event: None, lambda: 0.0))


def page(rows: bytes, padding: int = 0) -> tuple[Frame, list[bytes]]:
    """A page of two columns."""
    gap = b"#" * padding
    return gray(2, padding), [rows[at : at + 2] + gap for at in range(0, len(rows), 2)]


def read_all(source: BackSides) -> list[tuple[bytes, bool]]:
    """Every page, and whether it says that it was turned, until the feeder is empty."""
    found = []

    def read_on() -> None:
        while True:
            frame, rows = whole_page(source)
            found.append((rows, frame.turned))

    with pytest.raises(ScanFailure) as caught:
        read_on()
    assert caught.value.status is Status.NO_DOCUMENTS
    return found


def test_every_second_side_is_turned() -> None:
    """Fronts pass as they come; backs come with their last pixel first, and say so."""
    scanner = PlayedScanner(page(FRONT), page(BACK), page(b"ijkl"), page(b"mnop"))
    assert read_all(sides(scanner)) == [(FRONT, False), (b"hgfe", True), (b"ijkl", False), (b"ponm", True)]


def test_a_turned_page_tells_how_long_it_is() -> None:
    """The height is known once the page is kept, whatever the device said before; padding is gone."""
    source = sides(PlayedScanner(page(FRONT), page(b"efghij", padding=1)))
    whole_page(source)
    frame, rows = whole_page(source)
    assert (frame.lines, frame.stride) == (3, 2)
    assert rows == b"jihgfe"


def test_colours_and_deep_samples_stay_whole() -> None:
    """Pixels change places, not their samples."""
    colored = Frame("color", True, 2, 1, 8, 6)
    deep = Frame("gray", True, 2, 1, 16, 4)
    for shape, back, expected in ((colored, b"rgbRGB", b"RGBrgb"), (deep, b"aAbB", b"bBaA")):
        source = sides(PlayedScanner((shape, [bytes(shape.stride)]), (shape, [back])))
        whole_page(source)
        assert whole_page(source)[1] == expected


def test_lineart_is_turned_pixel_by_pixel() -> None:
    """Rows of single bits of any width become bytes: 0 for black, 255 for white."""
    shape = Frame("gray", True, 3, 2, 1, 1)
    source = sides(PlayedScanner((shape, [b"\0\0"]), (shape, [b"\x80\x60"])))
    whole_page(source)
    frame, rows = whole_page(source)
    assert (frame.kind, frame.depth, frame.stride) == ("gray", 8, 3)
    assert rows == b"\0\0\xff" + b"\xff\xff\0"


def test_a_page_longer_than_a_block_is_turned_whole() -> None:
    """Blocks of the spool join without a seam."""
    width, lines = 1000, 700
    back = bytes(at * 7 % 251 for at in range(width * lines))
    shape = gray(width)
    source = sides(PlayedScanner((shape, [bytes(width)]), (shape, [back]), room=64 * 1024), limit=10**6)
    whole_page(source)
    assert whole_page(source)[1] == back[::-1]


def test_after_a_failure_the_next_side_is_a_front() -> None:
    """A jam ends in the device being stopped: the sheet goes out, and counting begins anew."""
    for failing in ([JAM], [(gray(2), [b"", JAM])]):
        source = sides(PlayedScanner(page(FRONT), *failing, page(b"ijkl"), page(b"mnop")))
        whole_page(source)
        with pytest.raises(ScanFailure, match="jammed"):
            whole_page(source)
        assert read_all(source) == [(b"ijkl", False), (b"ponm", True)]


def test_a_failing_front_is_no_back() -> None:
    """A jam in the middle of a front is told, and counting begins anew."""
    source = sides(PlayedScanner((gray(2), [b"ab", JAM]), page(b"ijkl"), page(b"mnop")))
    with pytest.raises(ScanFailure, match="jammed"):
        whole_page(source)
    assert read_all(source) == [(b"ijkl", False), (b"ponm", True)]


@pytest.mark.parametrize("turn", [False, True])
def test_backs_that_come_last_find_their_fronts(turn: bool) -> None:
    """Three fronts, then three backs: front and back of each sheet follow one another."""
    scanner = PlayedScanner(*map(page, (b"1111", b"2222", b"3333", b"abcd", b"efgh", b"ijkl")))
    backs = [b"dcba", b"hgfe", b"lkji"] if turn else [b"abcd", b"efgh", b"ijkl"]
    expected = []
    for front, back in zip((b"1111", b"2222", b"3333"), backs, strict=True):
        expected += [(front, False), (back, turn)]
    assert read_all(sides(scanner, turn=turn, last=True)) == expected


@pytest.mark.parametrize(
    ("ending", "status"), [([JAM], Status.JAMMED), ([(gray(2), [b"x", JAM])], Status.JAMMED), ([], Status.NO_DOCUMENTS)]
)
def test_a_stack_that_ends_too_early_stays_as_it_came(ending: list[object], status: Status) -> None:
    """With a jam, or an odd number of sides, nobody can tell fronts from backs: all come, then the reason."""
    scanner = PlayedScanner(page(b"1111"), page(b"2222"), page(b"3333"), *ending)
    source = sides(scanner, last=True)
    assert [whole_page(source)[1] for _ in range(3)] == [b"1111", b"2222", b"3333"]
    with pytest.raises(ScanFailure) as caught:
        whole_page(source)
    assert caught.value.status is status
    with pytest.raises(ScanFailure) as caught:
        whole_page(source)
    assert caught.value.status is Status.NO_DOCUMENTS


def test_an_empty_feeder_and_a_cancel_are_told_at_once() -> None:
    """Nothing to scan is nothing to keep, and who cancels wants no pages."""
    with pytest.raises(ScanFailure) as caught:
        sides(PlayedScanner(), last=True).start()
    assert caught.value.status is Status.NO_DOCUMENTS
    cancelled = ScanFailure(Status.CANCELLED, "The scan was cancelled.")
    with pytest.raises(ScanFailure, match="cancelled"):
        sides(PlayedScanner(page(FRONT), cancelled), last=True).start()


def test_what_cannot_be_kept_is_refused() -> None:
    """A back, or a stack, that is longer than the spool is not supported."""
    source = sides(PlayedScanner(page(FRONT), page(BACK)), limit=3)
    whole_page(source)
    with pytest.raises(ImagingError, match="3 bytes"):
        source.start()
    with pytest.raises(ImagingError, match="7 bytes"):
        sides(PlayedScanner(page(FRONT), page(BACK)), last=True, limit=7).start()
