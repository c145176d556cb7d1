"""Every format decoded by programs that share nothing with our encoders: at least two for each."""

from __future__ import annotations

import io
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL.TiffImagePlugin import ImageFileDirectory_v2

from bridge.imaging.encoder import Page
from bridge.scanner.model import ColorMode, Format
from tests.unit.imaging.decoders import by_djpeg
from tests.unit.imaging.decoders import by_pillow as jpeg_by_pillow
from tests.unit.imaging.fax_decoder import decode
from tests.unit.imaging.files import PATIENCE_S, Decoded, by_pillow, clean, read_pnm, run, run_on_file

FAX = (Format.TIFF_SINGLE_G4, Format.TIFF_MULTI_G4)
_INVERTED = bytes(255 - value for value in range(256))


def decodings(name: Format, page: Page, file: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """What each of several decoders makes of a file: the decoder's name, and the packed rows of every page.

    Raises AssertionError where a decoder complains, or sees another size, depth or number of channels.
    """
    for decoder, pictures in _decodings(name, page, file):
        yield decoder, [_checked(picture, page) for picture in pictures]


def _decodings(name: Format, page: Page, file: bytes) -> Iterator[tuple[str, list[Decoded]]]:
    bits = str(page.color.depth)
    if name in (Format.JFIF, Format.EXIF):
        yield "djpeg", [_jpeg(by_djpeg(file), page)]
        yield "Pillow", [_jpeg(jpeg_by_pillow(file), page)]
    elif name is Format.PNG:
        yield "libpng", read_pnm(run("pngtopnm", input=file))
        if page.color is ColorMode.RGB_48:
            yield "ImageMagick", read_pnm(run("convert", "png:-", "-depth", bits, "pnm:-", input=file))
        else:
            yield "Pillow", by_pillow(file)
    elif name is Format.DIB:
        yield "netpbm", read_pnm(run("bmptopnm", "-quiet", input=file))
        yield "Pillow", by_pillow(file)
    elif name is Format.PDF_A:
        assert b"No syntax or stream encoding errors" in run_on_file("qpdf", "--check", "{}", input=file)
        yield "poppler", [picture for image in _pdf_images(file) for picture in read_pnm(image)]
        if page.color.depth == 1:
            yield "our own decoder of T.6", [_fax(code, page) for code in _pdf_images(file, "-ccitt", ".ccitt")]
        else:
            yield "djpeg", [_jpeg(by_djpeg(jpeg), page) for jpeg in _pdf_images(file, "-j", ".jpg")]
    else:
        if name.multi_page or page.color is ColorMode.RGB_48:
            yield "ImageMagick", read_pnm(run_on_file("convert", "{}", "-depth", bits, "pnm:-", input=file))
        if not name.multi_page:
            yield "netpbm", read_pnm(run_on_file("tifftopnm", "-byrow", "-quiet", "{}", input=file))
        if name in FAX:
            yield "our own decoder of T.6", [_fax(code, page, 1) for code in _strips(file)]
        elif page.color is not ColorMode.RGB_48:
            yield "Pillow", by_pillow(file)
        else:
            yield "ours of uncompressed strips", _plain(file, page)


def _checked(picture: Decoded, page: Page) -> bytes:
    assert (picture.width, picture.height) == (page.width, page.height)
    data, channels = picture.data, picture.channels
    if channels > page.color.channels:
        # Some programs know no gray.
        assert data[0::3] == data[1::3] == data[2::3]
        data, channels = data[0::3], 1
    assert (channels, picture.depth) == (page.color.channels, page.color.depth)
    return data


def _jpeg(decoded: tuple[tuple[int, int], str, bytes], page: Page) -> Decoded:
    size, mode, data = decoded
    return Decoded(*size, {"L": 1, "RGB": 3}[mode], 8, data)


def _fax(code: bytes, page: Page, black: int = 0) -> Decoded:
    rows = decode(code, page.width)
    if not black:
        rows = rows.translate(_INVERTED)
    size = page.row_bytes
    data = b"".join(clean(rows[at : at + size], page) for at in range(0, len(rows), size))
    return Decoded(page.width, len(rows) // size, 1, 1, data)


def _plain(file: bytes, page: Page) -> list[Decoded]:
    """The strips of each page of an uncompressed TIFF, one behind the other, by Pillow's reader of tags."""
    found = []
    for tags in _directories(file):
        data = b"".join(file[start : start + length] for start, length in zip(tags[273], tags[279], strict=True))
        found.append(Decoded(tags[256], tags[257], tags[277], tags[258][0], data))
    return found


def _strips(file: bytes) -> list[bytes]:
    """The one strip of each page of a TIFF."""
    found = []
    for tags in _directories(file):
        (start,), (length,) = tags[273], tags[279]
        found.append(file[start : start + length])
    return found


def _directories(file: bytes) -> Iterator[dict[int, Any]]:
    """The tags of each page, read by Pillow without the pixels, which it need not know to decode."""
    head = file[:8]
    directory = ImageFileDirectory_v2(head)
    while directory.next:
        stream = io.BytesIO(file)
        stream.seek(directory.next)
        directory = ImageFileDirectory_v2(head)
        directory.load(stream)
        yield dict(directory)


def _pdf_images(pdf: bytes, option: str = "", suffix: str = "") -> list[bytes]:
    """The images of all pages by pdfimages, decoded or, with an option for it, as they are in the file."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "file.pdf")
        source.write_bytes(pdf)
        words = ["pdfimages", *([option] if option else []), str(source), str(Path(folder, "image"))]
        done = subprocess.run(words, capture_output=True, check=True, timeout=PATIENCE_S)
        assert done.stderr == b""
        return [path.read_bytes() for path in sorted(Path(folder).glob(f"image-*{suffix}"))]
