"""The files of one scan: written under another name, and renamed when a page is whole.

One page keeps the name that was asked for; of several, name.jpg becomes name-001.jpg, name-002.jpg and so on. Which of
the two it is shows only when a second page comes, so the first one waits for that.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from bridge.client.errors import ScanFailed
from bridge.errors import UsageError
from bridge.scanner.model import Format

_BEGINNINGS: dict[str, tuple[bytes, ...]] = {
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/tiff": (b"II*\0", b"MM\0*"),
    "image/bmp": (b"BM", b"\x28\0\0\0"),
    "application/pdf": (b"%PDF-",),
}
"""How a file of each kind begins; a dib may come without its file header (wsd-scan.md 14)."""

HEAD = 8
"""Bytes of a file that `_BEGINNINGS` may look at."""


@dataclass(slots=True)
class Page:
    """One file on its way; `size` is in bytes."""

    path: Path
    file: BinaryIO
    size: int = 0
    head: bytes = b""

    def write(self, data: bytes) -> None:
        """The next bytes. Raises ScanFailed when they cannot be written."""
        try:
            self.file.write(data)
        except OSError as error:
            raise ScanFailed(f"{self.path}: cannot be written: {error.strerror}") from error
        self.size += len(data)
        if len(self.head) < HEAD:
            self.head += data[: HEAD - len(self.head)]


@dataclass(slots=True)
class Pages:
    """The pages of one scan to `target`, which all have the format `format`."""

    target: Path
    format: Format
    saved: list[Path] = field(default_factory=list)
    size: int = 0
    count: int = 0
    _held: Page | None = None
    _open: Page | None = None

    def begin(self) -> Page:
        """A new page. Raises ScanFailed when no file can be made."""
        try:
            handle, name = tempfile.mkstemp(prefix=".scan-", suffix=".part", dir=self.target.parent)
        except OSError as error:
            raise ScanFailed(f"{self.target.parent}: no file can be made there: {error.strerror}") from error
        self._open = Page(Path(name), os.fdopen(handle, "wb"))
        return self._open

    def keep(self, page: Page) -> None:
        """`page` is whole. Raises ScanFailed when it is empty or no file of its format, or cannot be written."""
        if not page.head.startswith(_BEGINNINGS[self.format.media_type]):
            what = "an empty image" if not page.size else f"something that is no {self.format.media_type}"
            raise ScanFailed(f"the scanner delivered {what}")
        try:
            page.file.close()
            page.path.chmod(0o666 & ~_umask())
        except OSError as error:
            raise ScanFailed(f"{page.path}: cannot be written: {error.strerror}") from error
        self._open = None
        self.count += 1
        self.size += page.size
        if self.count == 1:
            self._held = page
            return
        if self._held is not None:
            self._name(self._held, self._numbered(1))
            self._held = None
        self._name(page, self._numbered(self.count))

    def finish(self) -> None:
        """No more pages come; an only page gets the name that was asked for."""
        if self._held is not None:
            self._name(self._held, self.target)
            self._held = None

    def drop(self) -> None:
        """Throw away the page that is not whole; those that are stay."""
        if self._open is not None:
            self._open.path.unlink(missing_ok=True)
            try:
                self._open.file.close()
            except OSError:
                pass  # the disk is full, and what was to be written is gone anyway
            self._open = None

    def _numbered(self, number: int) -> Path:
        return self.target.with_name(f"{self.target.stem}-{number:03d}{self.target.suffix}")

    def _name(self, page: Page, path: Path) -> None:
        check_target(path)
        try:
            page.path.replace(path)
        except OSError as error:
            raise ScanFailed(f"{path}: cannot be written: {error.strerror}; the page is in {page.path}") from error
        self.saved.append(path)


def check_target(path: Path) -> None:
    """Raise UsageError when no file can be put at `path`: better before a scan than after it."""
    if path.exists() and not path.is_file():
        raise UsageError(f"{path}: there is something that is no file; name another file")
    folder = path.parent
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"{folder}: no permission to write there")


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
