"""CCITT Group 4 (ITU-T T.6) of a page of any height, coded strip by strip.

libtiff does the coding, through Pillow, and only knows whole pictures. A row is coded by its differences from the row
above, so each strip is coded with the last row of the strip before it on top, and the bits of that row are cut off
again: what is left joins seamlessly to one picture, bit for bit the same as coded at once.
"""

from __future__ import annotations

import io
import struct

from bridge.imaging.ahead import CompressorThreads
from bridge.imaging.encoder import ImagingError, Page, Rows

STRIP_PIXELS = 1024 * 1024
"""About how many pixels are coded at once; libtiff's side takes a byte for each."""

END_BITS = 24
"""Length of the mark that ends a picture."""

_END_OF_BLOCK = 0x001001
_STRIP_OFFSETS, _STRIP_BYTE_COUNTS = 0x0111, 0x0117
_ONE_STRIP = 1 << 30


class FaxCoder:
    """Codes one page of one bit a pixel, beside whoever feeds it.

    `black` is the bit that is coded as black: 0 for what calls it black too, 1 where the reader takes 1 for black and
    is told that it is white (TIFF's BlackIsZero).
    """

    def __init__(self, page: Page, black: int, strip_rows: int | None = None) -> None:
        self._row_bytes = page.row_bytes
        self._strip_rows = strip_rows or max(1, STRIP_PIXELS // page.width)
        self._thread = CompressorThreads(_Joiner(page.width, page.row_bytes, black).code)
        self._strip = bytearray()

    def rows(self, data: Rows) -> bytes:
        """Take whole packed rows; the code that is ready by now. Raises ImagingError."""
        size = self._strip_rows * self._row_bytes
        ready = b""
        left = memoryview(data)
        while left:
            part = left[: size - len(self._strip)]
            self._strip += part
            left = left[len(part) :]
            if len(self._strip) == size:
                self._hand_over()
                ready += b"".join(self._thread.take())
        return ready

    def end(self) -> bytes:
        """The rest of the code and the mark of its end. Raises ImagingError."""
        if self._strip:
            self._hand_over()
        self._hand_over()
        return b"".join(self._thread.take(leave=0))

    def _hand_over(self) -> None:
        strip, self._strip = self._strip, bytearray()
        self._thread.submit(strip, len(strip) // self._row_bytes)


class _Joiner:
    """Codes strips and joins their bits; belongs to the coder's thread."""

    def __init__(self, width: int, row_bytes: int, black: int) -> None:
        self._width = width
        self._row_bytes = row_bytes
        self._raw_mode = "1" if black else "1;I"
        self._above = b""
        self._bits = 0
        self._count = 0

    def code(self, strip: bytearray, rows: int) -> bytes:
        """The whole bytes of code that are ready; a strip of no rows ends the page."""
        if not rows:
            self._join(_END_OF_BLOCK, END_BITS)
            self._join(0, -self._count % 8)
            return self._whole_bytes()
        bits, count = self._coded(self._above + strip)
        if self._above:
            known = self._coded(self._above)[1]
            count -= known
            bits &= (1 << count) - 1
        self._above = bytes(strip[-self._row_bytes :])
        self._join(bits, count)
        return self._whole_bytes()

    def _join(self, bits: int, count: int) -> None:
        self._bits = self._bits << count | bits
        self._count += count

    def _whole_bytes(self) -> bytes:
        kept = self._count % 8
        done = (self._bits >> kept).to_bytes(self._count // 8, "big")
        self._bits &= (1 << kept) - 1
        self._count = kept
        return done

    def _coded(self, rows: bytes) -> tuple[int, int]:
        """The code of `rows` as a number and its length in bits, without the mark of its end."""
        # Only files of this kind need Pillow.
        from PIL import Image

        size = (self._width, len(rows) // self._row_bytes)
        file = io.BytesIO()
        try:
            picture = Image.frombytes("1", size, rows, "raw", self._raw_mode)
            picture.save(file, "TIFF", compression="group4", strip_size=_ONE_STRIP)
        except OSError as error:
            raise ImagingError(f"libtiff refused a strip of {size[0]} x {size[1]} pixels: {error}") from error
        data = only_strip(file.getvalue())
        bits = int.from_bytes(data, "big")
        unused = (bits & -bits).bit_length() - 1
        if bits >> unused & (1 << END_BITS) - 1 != _END_OF_BLOCK:
            raise ImagingError("libtiff coded a strip without the mark of its end.")
        return bits >> unused + END_BITS, len(data) * 8 - unused - END_BITS


def only_strip(tiff: bytes) -> bytes:
    """The one strip of the one picture in a TIFF file. Raises ImagingError when it is something else."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2], "<")
    found: dict[int, int] = {}
    try:
        (directory,) = struct.unpack_from(f"{order}L", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, directory)
        for at in range(directory + 2, directory + 2 + 12 * count, 12):
            tag, kind, values = struct.unpack_from(f"{order}HHL", tiff, at)
            if tag in (_STRIP_OFFSETS, _STRIP_BYTE_COUNTS) and values == 1:
                (found[tag],) = struct.unpack_from(f"{order}{'H' if kind == 3 else 'L'}", tiff, at + 8)
        start, length = found[_STRIP_OFFSETS], found[_STRIP_BYTE_COUNTS]
    except (struct.error, KeyError) as error:
        raise ImagingError("libtiff made something else than a picture of one strip.") from error
    return tiff[start : start + length]
