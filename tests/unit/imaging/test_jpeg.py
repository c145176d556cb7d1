"""JPEG out of strips: decoders must see one picture, whatever its size, subsampling and strip height."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.imaging.ahead import useful_threads
from bridge.imaging.encoder import ImagingError, Page
from bridge.imaging.exif import jfif_segment
from bridge.imaging.jpeg import (
    MAX_RESTART_INTERVAL,
    STRIP_BYTES,
    ExifEncoder,
    JfifEncoder,
    JpegEncoder,
    split,
    strip_rows_for,
    subsampling_for,
)
from bridge.imaging.strips import PillowCompressor, StripCompressor, Subsampling, TurboCompressor, load_turbo
from bridge.scanner.model import ColorMode, Resolution
from tests.unit.imaging.decoders import by_djpeg, by_pillow, difference, picture, whole

RESOLUTION = Resolution(300, 600)
COMPRESSORS = ["turbo", "pillow"]
SIZES = [(1, 1), (7, 9), (17, 33), (16, 16), (250, 129), (640, 100)]


def make(kind: str, subsampling: Subsampling, quality: int) -> StripCompressor:
    """The compressor called `kind`."""
    if kind == "pillow":
        return PillowCompressor(subsampling, quality)
    library = load_turbo()
    assert library is not None, "libturbojpeg0 is missing"
    return TurboCompressor(library, subsampling, quality)


def page_of(width: int, height: int, subsampling: Subsampling, quality: int = 85) -> Page:
    color = ColorMode.GRAYSCALE_8 if subsampling is Subsampling.GRAY else ColorMode.RGB_24
    return Page(width, height, color, RESOLUTION, quality)


def encode(encoder: JpegEncoder, data: bytes, page: Page, rows_at_once: int = 5) -> bytes:
    """The file, fed with few rows at a time."""
    parts = [encoder.begin()]
    step = rows_at_once * page.row_bytes
    parts += [encoder.rows(data[start : start + step]) for start in range(0, len(data), step)]
    parts += encoder.end()
    return b"".join(parts)


@pytest.mark.conformance(194, 195)
@pytest.mark.parametrize("kind", COMPRESSORS)
@pytest.mark.parametrize("subsampling", list(Subsampling))
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("units", [1, 3])
def test_joined_strips_decode_to_the_picture(
    kind: str, subsampling: Subsampling, size: tuple[int, int], units: int
) -> None:
    """A file of strips has the promised size and decodes, in two decoders, to what a file without strips does."""
    page = page_of(*size, subsampling)
    data = picture(*size, page.color.channels)
    strip_rows = units * subsampling.unit_height
    encoder = JpegEncoder(page, jfif_segment(page), subsampling, strip_rows, make(kind, subsampling, 85))
    jpeg = encode(encoder, data, page)

    shape, mode, pixels = by_pillow(jpeg)
    assert shape == size
    assert mode == ("L" if subsampling is Subsampling.GRAY else "RGB")
    assert by_djpeg(jpeg) == (shape, mode, pixels)

    reference = whole(*size, data, page.color, 85, {Subsampling.S422: 1, Subsampling.S420: 2}.get(subsampling, 0))
    assert by_djpeg(reference)[2] == pixels


def test_the_decoded_picture_is_the_one_that_went_in() -> None:
    """The picture comes back within JPEG's loss, which a shift by one pixel or a swap of channels far exceeds."""
    page = page_of(250, 129, Subsampling.S444)
    data = picture(250, 129, 3)
    pixels = by_pillow(encode(JfifEncoder(page), data, page))[2]
    loss = difference(pixels, data)
    swapped = bytearray(data)
    swapped[0::3], swapped[2::3] = data[2::3], data[0::3]
    for wrong in (data[750:] + data[:750], data[3:] + data[:3], bytes(swapped)):
        assert difference(pixels, wrong) > 1.5 * loss


@pytest.mark.parametrize("kind", COMPRESSORS)
@pytest.mark.parametrize("subsampling", list(Subsampling))
def test_a_page_65500_pixels_wide_decodes(kind: str, subsampling: Subsampling) -> None:
    """Near JPEG's limit of width the restart interval still fits its 16 bits and decoders agree."""
    page = page_of(65500, 40, subsampling)
    data = picture(65500, 40, page.color.channels)
    strip_rows = strip_rows_for(page, subsampling)
    jpeg = encode(
        JpegEncoder(page, jfif_segment(page), subsampling, strip_rows, make(kind, subsampling, 85)), data, page
    )
    shape, mode, pixels = by_pillow(jpeg)
    assert shape == (65500, 40)
    assert by_djpeg(jpeg) == (shape, mode, pixels)


@pytest.mark.parametrize("quality", [1, 50, 94, 95, 100])
def test_quality_reaches_the_file(quality: int) -> None:
    """The tables are those of the asked quality: the coefficients equal a whole-page encoder's."""
    page = page_of(64, 48, Subsampling.S444, quality)
    data = picture(64, 48, 3)
    jpeg = encode(JpegEncoder(page, b"", Subsampling.S444, 16), data, page)
    assert by_djpeg(jpeg)[2] == by_djpeg(whole(64, 48, data, page.color, quality, 0))[2]


def test_pillow_and_turbo_make_the_same_picture() -> None:
    """Which of the two compressors is installed changes nothing in the picture."""
    page = page_of(250, 129, Subsampling.S420)
    data = picture(250, 129, 3)
    files = [
        encode(JpegEncoder(page, b"", Subsampling.S420, 32, make(kind, Subsampling.S420, 85)), data, page)
        for kind in COMPRESSORS
    ]
    assert by_djpeg(files[0]) == by_djpeg(files[1])


@settings(deadline=None)
@given(
    width=st.integers(1, 65535),
    height=st.integers(1, 65535),
    quality=st.integers(1, 100),
    color=st.sampled_from([ColorMode.RGB_24, ColorMode.GRAYSCALE_8]),
)
def test_strips_fit_their_limits(width: int, height: int, quality: int, color: ColorMode) -> None:
    """For every page a strip is whole coding units, within the restart interval, and small or minimal."""
    page = Page(width, height, color, RESOLUTION, quality)
    subsampling = subsampling_for(page)
    rows = strip_rows_for(page, subsampling)
    assert rows > 0
    assert rows % subsampling.unit_height == 0
    units = rows // subsampling.unit_height * -(-width // subsampling.unit_width)
    assert 0 < units <= MAX_RESTART_INTERVAL
    assert rows * page.row_bytes <= STRIP_BYTES or rows == subsampling.unit_height


@pytest.mark.parametrize(("processors", "threads"), [(1, 1), (2, 1), (3, 1), (4, 2), (16, 2)])
def test_half_of_the_processors_compress(monkeypatch: pytest.MonkeyPatch, processors: int, threads: int) -> None:
    """The other half is the scanner's driver's, the daemon's and the client's."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _process: set(range(processors)))
    assert useful_threads() == threads


def test_two_threads_make_the_same_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine with more processors strips are compressed side by side, and nobody can tell from the file."""
    page = page_of(64, 640, Subsampling.S420)
    data = picture(64, 640, 3)
    files = []
    for processors in (2, 4):
        monkeypatch.setattr("os.sched_getaffinity", lambda _process, count=processors: set(range(count)))
        files.append(encode(JpegEncoder(page, b"", Subsampling.S420, 16), data, page, 16))
    assert files[0] == files[1]


@settings(deadline=None)
@given(heights=st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_how_rows_are_cut_changes_nothing(heights: list[int]) -> None:
    """The file depends on the rows alone, not on the pieces in which they come."""
    page = page_of(19, sum(heights), Subsampling.S420)
    data = picture(19, page.height, 3)
    encoder = JpegEncoder(page, b"", Subsampling.S420, 16)
    parts, start = [encoder.begin()], 0
    for height in heights:
        end = start + height * page.row_bytes
        parts.append(encoder.rows(memoryview(data)[start:end]))
        start = end
    parts += encoder.end()
    assert b"".join(parts) == encode(JpegEncoder(page, b"", Subsampling.S420, 16), data, page, page.height)


def test_bytes_come_before_the_page_is_whole() -> None:
    """A page streams: most of the file is out before its last rows are in."""
    page = page_of(1000, 4000, Subsampling.S420)
    noise = random.Random(1).randbytes(page.row_bytes * 100)
    encoder = JpegEncoder(page, b"")
    _, coded = split(encoder.begin() + b"\xff\xd9")
    assert coded == b"", "the header, up to the start of the coded data, needs no pixels"
    before = sum(len(encoder.rows(noise)) for _ in range(40))
    assert before > 0
    rest = len(b"".join(encoder.end()))
    assert rest < before / 2


@pytest.mark.parametrize(("width", "height"), [(0, 10), (10, 0), (65536, 10), (10, 65536)])
def test_impossible_sizes_are_refused(width: int, height: int) -> None:
    """A side that JPEG's header cannot hold is refused before any byte is written."""
    with pytest.raises(ImagingError, match="lower resolution"):
        JfifEncoder(Page(width, height, ColorMode.RGB_24, RESOLUTION))


@pytest.mark.parametrize("color", [ColorMode.BLACK_AND_WHITE_1, ColorMode.GRAYSCALE_16, ColorMode.RGB_48])
def test_only_eight_bits_a_sample_are_taken(color: ColorMode) -> None:
    """Colours that JPEG cannot carry are refused (checklist 130)."""
    with pytest.raises(ImagingError, match=color.value):
        ExifEncoder(Page(10, 10, color, RESOLUTION))


def test_missing_and_surplus_rows_are_refused() -> None:
    """A file never has more or fewer rows than its header says."""
    page = page_of(8, 4, Subsampling.S444)
    short = JfifEncoder(page)
    short.rows(picture(8, 3, 3))
    with pytest.raises(ImagingError, match="1 rows of the page are missing"):
        short.end()
    long = JfifEncoder(page)
    with pytest.raises(ImagingError, match="More rows"):
        long.rows(picture(8, 5, 3))
    with pytest.raises(ImagingError, match="whole rows"):
        JfifEncoder(page).rows(b"123")


def test_a_jpeg_holds_one_page() -> None:
    """A second page is refused."""
    with pytest.raises(ImagingError, match="one page"):
        JfifEncoder(page_of(8, 4, Subsampling.S444)).next_page()


class Changing:
    """A compressor whose tables change from strip to strip."""

    def __init__(self) -> None:
        self._quality = 80

    def compress(self, data: bytes | bytearray, width: int, rows: int) -> bytes:
        self._quality += 1
        return PillowCompressor(Subsampling.GRAY, self._quality).compress(data, width, rows)


class Broken:
    """A compressor that delivers `answer`."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def compress(self, data: bytes | bytearray, width: int, rows: int) -> bytes:
        return self._answer


def test_strips_with_other_tables_are_refused() -> None:
    """Strips that do not share their tables would decode to noise without an error, so they end the file."""
    page = page_of(8, 24, Subsampling.GRAY)
    encoder = JpegEncoder(page, b"", Subsampling.GRAY, 8, Changing())

    def feed() -> bytes:
        return b"".join([encoder.rows(picture(8, 24, 1)), *encoder.end()])

    encoder.begin()
    with pytest.raises(ImagingError, match="tables"):
        feed()


@pytest.mark.parametrize("answer", [b"", b"\xff\xd8", b"\xff\xd8\xff\xd9", b"x" * 100, b"\xff\xd8\xff\xda\0\2\xff\xd9"])
def test_a_compressor_that_delivers_no_jpeg_is_noticed(answer: bytes) -> None:
    """What is no baseline JPEG is refused instead of being joined."""
    page = page_of(8, 8, Subsampling.GRAY)
    encoder = JpegEncoder(page, b"", Subsampling.GRAY, 8, Broken(answer))
    encoder.rows(picture(8, 8, 1))
    with pytest.raises(ImagingError, match="compressor"):
        encoder.end()


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_split_never_fails_otherwise(data: bytes) -> None:
    """Taking a strip apart raises ImagingError or nothing, whatever the bytes."""
    try:
        split(b"\xff\xd8" + data)
    except ImagingError:
        pass


@pytest.mark.parametrize("kind", COMPRESSORS)
def test_a_compressor_never_reads_behind_its_rows(kind: str) -> None:
    """Fewer bytes than rows are refused before native code sees them."""
    with pytest.raises(ValueError, match="3 rows"):
        make(kind, Subsampling.S444, 85).compress(b"123", 8, 3)
