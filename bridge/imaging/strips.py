"""One horizontal strip of pixels as a JPEG of its own: by libturbojpeg, or by Pillow where that is missing.

Both use the fixed Huffman tables, so that strips of one quality can be joined (feasibility-sane.md 4.3).
"""

from __future__ import annotations

import ctypes
import io
from enum import Enum
from typing import Protocol

from bridge.imaging.encoder import ImagingError

LIBRARY = "libturbojpeg.so.0"


class Subsampling(Enum):
    """How colour is thinned out: not at all, to half the columns, or to half the columns and rows."""

    GRAY = "gray"
    S444 = "4:4:4"
    S422 = "4:2:2"
    S420 = "4:2:0"

    @property
    def unit_width(self) -> int:
        """Pixels that a coding unit (MCU) is wide."""
        return 16 if self in (Subsampling.S422, Subsampling.S420) else 8

    @property
    def unit_height(self) -> int:
        """Pixels that a coding unit is high; the rows of every strip but the last are a multiple of it."""
        return 16 if self is Subsampling.S420 else 8

    @property
    def channels(self) -> int:
        """Samples of a pixel that goes in."""
        return 1 if self is Subsampling.GRAY else 3


class StripCompressor(Protocol):
    """Turns packed rows into complete little JPEG files, all with the same tables."""

    def compress(self, data: bytes | bytearray, width: int, rows: int) -> bytes:
        """A JPEG of the first `rows` rows of `data`. Raises ImagingError."""


_PIXEL_FORMATS = {1: 6, 3: 0}
"""libturbojpeg's TJPF_GRAY and TJPF_RGB, by channels."""

_TURBO_SUBSAMPLINGS = {Subsampling.S444: 0, Subsampling.S422: 1, Subsampling.S420: 2, Subsampling.GRAY: 3}
_PILLOW_SUBSAMPLINGS = {Subsampling.S444: 0, Subsampling.S422: 1, Subsampling.S420: 2}

_NO_REALLOCATION = 1024
_ACCURATE_DCT = 4096


class TurboCompressor:
    """By libturbojpeg; other threads run on while it compresses."""

    def __init__(self, library: ctypes.CDLL, subsampling: Subsampling, quality: int) -> None:
        self._library = library
        self._subsampling = subsampling
        self._quality = quality
        self._handle = library.tjInitCompress()
        if not self._handle:
            raise ImagingError("libturbojpeg could not be started; there may be too little memory.")
        self._output = ctypes.create_string_buffer(1)

    def compress(self, data: bytes | bytearray, width: int, rows: int) -> bytes:
        """A JPEG of the first `rows` rows of `data`. Raises ImagingError."""
        channels = self._subsampling.channels
        if len(data) < width * rows * channels:
            raise ValueError(f"{len(data)} bytes for {rows} rows of {width} pixels")
        code = _TURBO_SUBSAMPLINGS[self._subsampling]
        needed = self._library.tjBufSize(width, rows, code)
        if needed > len(self._output):
            self._output = ctypes.create_string_buffer(needed)
        source = data if isinstance(data, bytes) else (ctypes.c_char * len(data)).from_buffer(data)
        output = ctypes.c_void_p(ctypes.addressof(self._output))
        size = ctypes.c_ulong(len(self._output))
        failed = self._library.tjCompress2(
            self._handle,
            source,
            width,
            width * channels,
            rows,
            _PIXEL_FORMATS[channels],
            ctypes.byref(output),
            ctypes.byref(size),
            code,
            self._quality,
            _NO_REALLOCATION | _ACCURATE_DCT,
        )
        if failed:
            text = (self._library.tjGetErrorStr2(self._handle) or b"").decode("latin-1")
            raise ImagingError(f"libturbojpeg refused a strip of {width} x {rows} pixels: {text}")
        return ctypes.string_at(self._output, size.value)

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._library.tjDestroy(self._handle)


class PillowCompressor:
    """By Pillow, everywhere it is."""

    def __init__(self, subsampling: Subsampling, quality: int) -> None:
        self._mode = "L" if subsampling is Subsampling.GRAY else "RGB"
        self._channels = subsampling.channels
        self._options: dict[str, int] = {"quality": quality}
        if subsampling is not Subsampling.GRAY:
            self._options["subsampling"] = _PILLOW_SUBSAMPLINGS[subsampling]

    def compress(self, data: bytes | bytearray, width: int, rows: int) -> bytes:
        """A JPEG of the first `rows` rows of `data`. Raises ImagingError."""
        from PIL import Image

        size = width * rows * self._channels
        if len(data) < size:
            raise ValueError(f"{len(data)} bytes for {rows} rows of {width} pixels")
        image = Image.frombuffer(self._mode, (width, rows), bytes(data[:size]), "raw", self._mode, 0, 1)
        output = io.BytesIO()
        try:
            image.save(output, "JPEG", **self._options)
        except OSError as error:
            raise ImagingError(f"Pillow refused a strip of {width} x {rows} pixels: {error}") from error
        return output.getvalue()


def load_turbo() -> ctypes.CDLL | None:
    """libturbojpeg with its calls typed; None where it is not installed or lacks one of them."""
    try:
        library = ctypes.CDLL(LIBRARY)
        library.tjInitCompress.argtypes = []
        library.tjInitCompress.restype = ctypes.c_void_p
        library.tjDestroy.argtypes = [ctypes.c_void_p]
        library.tjDestroy.restype = ctypes.c_int
        library.tjBufSize.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int]
        library.tjBufSize.restype = ctypes.c_ulong
        library.tjGetErrorStr2.argtypes = [ctypes.c_void_p]
        library.tjGetErrorStr2.restype = ctypes.c_char_p
        library.tjCompress2.argtypes = [
            ctypes.c_void_p,
            ctypes.c_char_p,
            ctypes.c_int,
            ctypes.c_int,
            ctypes.c_int,
            ctypes.c_int,
            ctypes.POINTER(ctypes.c_void_p),
            ctypes.POINTER(ctypes.c_ulong),
            ctypes.c_int,
            ctypes.c_int,
            ctypes.c_int,
        ]
        library.tjCompress2.restype = ctypes.c_int
    except (OSError, AttributeError):
        return None
    return library


_turbo = load_turbo()


def compressor_for(subsampling: Subsampling, quality: int) -> StripCompressor:
    """The best compressor that this machine has."""
    if _turbo is not None:
        return TurboCompressor(_turbo, subsampling, quality)
    return PillowCompressor(subsampling, quality)
