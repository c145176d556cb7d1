"""The files of a scan."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.client.errors import ScanFailed
from bridge.client.pages import Pages, check_target
from bridge.errors import UsageError
from bridge.scanner.model import Format

JPEG = b"\xff\xd8\xff\xe0 and so on"


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """The usual umask."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def scan(pages: Pages, *images: bytes) -> None:
    """Keep one page for each of `images`."""
    for image in images:
        page = pages.begin()
        page.write(image)
        pages.keep(page)


def content(folder: Path) -> dict[str, bytes]:
    """Every file in `folder`."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_one_page(tmp_path: Path) -> None:
    """An only page gets the name that was asked for, over what was there before, with the usual rights."""
    target = tmp_path / "page.jpg"
    target.write_bytes(b"old")
    pages = Pages(target, Format.JFIF)

    scan(pages, JPEG)
    assert target.read_bytes() == b"old"
    pages.finish()

    assert content(tmp_path) == {"page.jpg": JPEG}
    assert target.stat().st_mode & 0o777 == 0o644
    assert (pages.saved, pages.size, pages.count) == ([target], len(JPEG), 1)


def test_several_pages(tmp_path: Path) -> None:
    """Of several pages each has a number, also the first, and a file with the bare name is left alone."""
    target = tmp_path / "page.jpg"
    target.write_bytes(b"old")
    pages = Pages(target, Format.JFIF)

    scan(pages, JPEG + b"1", JPEG + b"2", JPEG + b"3")
    pages.finish()

    assert content(tmp_path) == {
        "page.jpg": b"old",
        "page-001.jpg": JPEG + b"1",
        "page-002.jpg": JPEG + b"2",
        "page-003.jpg": JPEG + b"3",
    }
    assert [path.name for path in pages.saved] == ["page-001.jpg", "page-002.jpg", "page-003.jpg"]


def test_a_name_without_ending(tmp_path: Path) -> None:
    """The number goes to the end where there is no ending."""
    pages = Pages(tmp_path / "page", Format.JFIF)

    scan(pages, JPEG, JPEG)

    assert sorted(content(tmp_path)) == ["page-001", "page-002"]


def test_a_page_that_is_not_whole(tmp_path: Path) -> None:
    """A page that was not kept leaves nothing; those before it stay."""
    pages = Pages(tmp_path / "page.jpg", Format.JFIF)
    scan(pages, JPEG)
    pages.begin().write(JPEG)

    pages.drop()
    pages.drop()
    pages.finish()

    assert content(tmp_path) == {"page.jpg": JPEG}


@pytest.mark.parametrize(
    ("format", "data"),
    [
        (Format.JFIF, JPEG),
        (Format.EXIF, JPEG),
        (Format.PNG, b"\x89PNG\r\n\x1a\n..."),
        (Format.TIFF_SINGLE_G4, b"II*\0..."),
        (Format.TIFF_MULTI_UNCOMPRESSED, b"MM\0*..."),
        (Format.DIB, b"BM..."),
        (Format.DIB, b"\x28\0\0\0..."),
        (Format.PDF_A, b"%PDF-1.4"),
    ],
)
def test_files_that_are_what_they_should_be(tmp_path: Path, format: Format, data: bytes) -> None:
    """A file that begins as its format does is kept, however its bytes arrive."""
    pages = Pages(tmp_path / "page", format)
    page = pages.begin()
    for byte in data:
        page.write(bytes([byte]))
    pages.keep(page)
    pages.finish()

    assert content(tmp_path) == {"page": data}


@pytest.mark.parametrize(("data", "what"), [(b"", "an empty image"), (b"\x89PNG\r\n\x1a\n", "no image/jpeg")])
def test_files_that_are_not(tmp_path: Path, data: bytes, what: str) -> None:
    """An empty image, or one of another format, is no image."""
    pages = Pages(tmp_path / "page.jpg", Format.JFIF)
    page = pages.begin()
    page.write(data)

    with pytest.raises(ScanFailed, match=what):
        pages.keep(page)
    pages.drop()

    assert content(tmp_path) == {}


def test_a_full_disk(tmp_path: Path) -> None:
    """What cannot be written is told with the reason."""
    pages = Pages(tmp_path / "page.jpg", Format.JFIF)
    page = pages.begin()
    page.file.close()
    page.file = os.fdopen(os.open("/dev/full", os.O_WRONLY), "wb", buffering=0)

    with pytest.raises(ScanFailed, match="No space left on device"):
        page.write(JPEG)
    pages.drop()


def test_a_folder_that_vanished(tmp_path: Path) -> None:
    """A folder that is gone when the page begins is told."""
    pages = Pages(tmp_path / "gone" / "page.jpg", Format.JFIF)

    with pytest.raises(ScanFailed, match="no file can be made there"):
        pages.begin()


def test_where_files_can_go(tmp_path: Path) -> None:
    """A new file and an old one will do; a folder, a device and a folder that is missing will not."""
    (tmp_path / "old").write_text("")
    check_target(tmp_path / "new")
    check_target(tmp_path / "old")

    for wrong in (tmp_path, Path("/dev/null"), tmp_path / "old" / "page", tmp_path / "none" / "page"):
        with pytest.raises(UsageError):
            check_target(wrong)
    assert Path("/dev/null").is_char_device()


def test_a_numbered_name_that_is_taken_by_a_folder(tmp_path: Path) -> None:
    """A page is never put over something that is no file."""
    (tmp_path / "page-001.jpg").mkdir()
    pages = Pages(tmp_path / "page.jpg", Format.JFIF)

    with pytest.raises(UsageError):
        scan(pages, JPEG, JPEG)
