"""Pixels by libsane's `sane_read`, on the handle that python-sane opened.

python-sane has no call that reads a part of an image: its `snap` holds the page three times over
(feasibility-sane.md 1.1). So this module calls `sane_read` itself, and nothing else of libsane but
`sane_strstatus`: python-sane's exceptions carry that text and no status code, so the texts are fetched once to tell
the statuses apart.

The handle is the one field that python-sane's object has behind CPython's object header. Nothing promises that, so
`check_layout` and every `PixelReader` verify it and refuse to go on when it does not hold.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

from bridge.scanner.failure import ScanFailure
from bridge.scanner.protocol import Status

LIBRARY = "libsane.so.1"

STATUSES: tuple[Status | None, ...] = (
    None,
    Status.UNSUPPORTED,
    Status.CANCELLED,
    Status.DEVICE_BUSY,
    Status.INVALID,
    Status.END_OF_FILE,
    Status.JAMMED,
    Status.NO_DOCUMENTS,
    Status.COVER_OPEN,
    Status.IO_ERROR,
    Status.NO_MEMORY,
    Status.ACCESS_DENIED,
)
"""The meaning of SANE's status codes by number; 0 is success."""

MESSAGES: dict[Status, str] = {
    Status.UNSUPPORTED: "The scanner cannot do what was asked.",
    Status.CANCELLED: "The scan was cancelled.",
    Status.DEVICE_BUSY: "The scanner is in use by another program or not ready yet; try again later.",
    Status.INVALID: "The scanner refused a setting.",
    Status.END_OF_FILE: "The scanner ended the page without delivering a line of it.",
    Status.JAMMED: "Paper is jammed in the document feeder; clear it and scan again.",
    Status.NO_DOCUMENTS: "The document feeder has no more sheets.",
    Status.COVER_OPEN: "The scanner's cover is open; close it and scan again.",
    Status.IO_ERROR: "The scanner does not answer as it should; check its cable and power.",
    Status.NO_MEMORY: "There is not enough memory for this scan; choose a lower resolution.",
    Status.ACCESS_DENIED: "This user may not use the scanner; it must be in the group 'scanner'.",
}
"""What each status means, for a person."""

_HEADER = object.__basicsize__
_POINTER = ctypes.sizeof(ctypes.c_void_p)


class LayoutError(RuntimeError):
    """This python-sane keeps its handle in a way that is not known; reading by it could crash."""


def load_library() -> ctypes.CDLL:
    """libsane with the two calls that are used typed. Every call drops the interpreter's lock."""
    library = ctypes.CDLL(LIBRARY)
    library.sane_read.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(ctypes.c_int)]
    library.sane_read.restype = ctypes.c_int
    library.sane_strstatus.argtypes = [ctypes.c_int]
    library.sane_strstatus.restype = ctypes.c_char_p
    return library


def status_texts(library: ctypes.CDLL) -> dict[str, Status]:
    """The texts that python-sane's exceptions carry, with the status that each stands for."""
    texts = {}
    for code, status in enumerate(STATUSES):
        if status is not None:
            texts[(library.sane_strstatus(code) or b"").decode("latin-1")] = status
    return texts


def check_layout(device_type: type | None = None) -> None:
    """Check that python-sane's device object is CPython's object header and one pointer, as `PixelReader` needs.

    Before a device is open its type is not to be had; then only the interpreter is checked. Raises LayoutError.
    """
    if sys.implementation.name != "cpython":
        raise LayoutError(f"python-sane's handle can be read on CPython only, not on {sys.implementation.name}.")
    if device_type is None:
        return
    expected = _HEADER + _POINTER
    extras = device_type.__itemsize__ or device_type.__dictoffset__ or device_type.__weakrefoffset__
    if device_type.__basicsize__ != expected or extras:
        raise LayoutError(
            f"This python-sane keeps {device_type.__basicsize__} bytes for a device where {expected} were expected, "
            "so its handle cannot be found. Install the python3-sane of a supported Debian release."
        )


def handle_of(raw: Any) -> int:
    """The SANE_Handle inside python-sane's `raw` device, 0 when it is closed. Raises LayoutError."""
    check_layout(type(raw))
    return ctypes.c_void_p.from_address(id(raw) + _HEADER).value or 0


class PixelReader:
    """Reads what an open, started device delivers into one buffer that is used again and again.

    `raw` is python-sane's own device object (`SaneDev.dev`) and must stay open as long as this object is used.
    """

    def __init__(self, library: ctypes.CDLL, raw: Any, capacity: int) -> None:
        self._library = library
        self._handle = handle_of(raw)
        if not self._handle:
            raise LayoutError("The scanner's handle is empty although the device is open.")
        self._raw = raw
        self._storage = bytearray(capacity)
        self._keep = (ctypes.c_char * capacity).from_buffer(self._storage)
        self._address = ctypes.addressof(self._keep)
        self._count = ctypes.c_int(0)
        self._count_pointer = ctypes.byref(self._count)
        self.buffer = memoryview(self._storage).toreadonly()

    def read(self, start: int, length: int) -> int | None:
        """Read at most `length` bytes to position `start` of `buffer`.

        Returns how many came: 0 is legal and means "none yet"; None is the end of the frame. Raises ScanFailure
        for every other status.
        """
        if start < 0 or length < 1 or start + length > len(self._storage):
            raise ValueError(f"reading {length} bytes to {start} of a buffer of {len(self._storage)}")
        self._count.value = 0
        code = self._library.sane_read(self._handle, self._address + start, length, self._count_pointer)
        if code == 0:
            count = self._count.value
            if not 0 <= count <= length:
                raise ScanFailure(Status.IO_ERROR, f"The scanner's driver says it read {count} of {length} bytes.")
            return count
        status = STATUSES[code] if 0 < code < len(STATUSES) else Status.IO_ERROR
        if status is Status.END_OF_FILE:
            return None
        assert status is not None
        raise ScanFailure(status, MESSAGES[status])
