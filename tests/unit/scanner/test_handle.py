"""Reading pixels on python-sane's own handle, and the refusal of a python-sane that is laid out otherwise."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from bridge.scanner import handle
from bridge.scanner.handle import MESSAGES, STATUSES, LayoutError, PixelReader, check_layout, load_library, status_texts
from bridge.scanner.protocol import Status
from tests.unit.scanner.sane_process import run, virtual_config


class Larger:
    """An object with more than a header and a pointer, as another python-sane might have."""

    __slots__ = ("one", "three", "two")


class Weak:
    """An object of the right size whose one word is something else."""

    __slots__ = ("__weakref__",)


CONTRACT = """
import ctypes, sane
from bridge.scanner.handle import check_layout, handle_of, load_library, PixelReader
check_layout()
sane.init()
library = load_library()
library.sane_get_option_descriptor.restype = ctypes.c_void_p
library.sane_get_option_descriptor.argtypes = [ctypes.c_void_p, ctypes.c_int]
device = sane.open("test:0")
check_layout(type(device.dev))
first, second = handle_of(device.dev), handle_of(device.dev)
assert first and first == second
# libsane knows the handle: it describes the option by which every device begins.
assert library.sane_get_option_descriptor(first, 0)
other = sane.open("test:1")
assert handle_of(other.dev) and handle_of(other.dev) != first
device.close()
# python-sane empties its one field when it closes, so the field was the handle.
assert handle_of(device.dev) == 0
try:
    PixelReader(library, device.dev, 10)
except Exception as error:
    print(type(error).__name__)
"""

READ = """
import sane
from bridge.scanner.handle import PixelReader, load_library
sane.init()
device = sane.open("test:0")
device.mode, device.depth, device.resolution = "Gray", 8, 50
device.tl_x, device.tl_y, device.br_x, device.br_y = 0.0, 0.0, 51.0, 26.0
device.start()
_, last, (width, lines), depth, stride = device.get_parameters()
reader = PixelReader(load_library(), device.dev, 1000)
for start, length in ((-1, 5), (0, 0), (0, 1001), (999, 2), (1000, 1)):
    try:
        reader.read(start, length)
        print("accepted", start, length)
    except ValueError:
        pass
total, largest = 0, 0
while (count := reader.read(7, 993)) is not None:
    assert 0 <= count <= 993
    total += count
print(total == stride * lines, width, lines, reader.buffer.readonly, bytes(reader.buffer[:7]) == bytes(7))
"""

ERRORS = """
import sane
from bridge.scanner.failure import ScanFailure
from bridge.scanner.handle import PixelReader, load_library
sane.init()
names = ("UNSUPPORTED", "CANCELLED", "DEVICE_BUSY", "INVAL", "EOF", "JAMMED", "NO_DOCS", "COVER_OPEN", "IO_ERROR",
         "NO_MEM", "ACCESS_DENIED")
# A device for each and none closed: closing right after a failed read can dead-lock the backend.
devices = [sane.open(f"test:{number}") for number in range(len(names))]
for name, device in zip(names, devices):
    device.read_return_value = "SANE_STATUS_" + name
    device.start()
    reader = PixelReader(load_library(), device.dev, 1000)
    try:
        print(name, reader.read(0, 1000))
    except ScanFailure as failure:
        print(name, failure.status.value, failure.message)
"""


def test_the_handle_is_where_the_layout_says(tmp_path: Path) -> None:
    """On this python-sane the handle is the word behind the object header: libsane knows it, and closing empties it."""
    assert run(CONTRACT, virtual_config(tmp_path, number_of_devices="2")) == "LayoutError\n"


def test_reading_fills_the_buffer_and_nothing_else() -> None:
    """A read puts at most what was asked at its place; places outside the buffer are refused; the sum is the page."""
    assert run(READ) == "True 100 51 True True\n"


def test_every_status_of_sane_read_is_told(tmp_path: Path) -> None:
    """Each of SANE's statuses arrives as its own, with a sentence for people; the end of the frame is no error."""
    expected = ["EOF None"]
    names = ["UNSUPPORTED", "CANCELLED", "DEVICE_BUSY", "INVAL", "JAMMED", "NO_DOCS", "COVER_OPEN", "IO_ERROR"]
    names += ["NO_MEM", "ACCESS_DENIED"]
    statuses = [status for status in STATUSES if status not in (None, Status.END_OF_FILE)]
    for name, status in zip(names, statuses, strict=True):
        assert status is not None
        expected.append(f"{name} {status.value} {MESSAGES[status]}")
    assert sorted(run(ERRORS, virtual_config(tmp_path, number_of_devices="11")).splitlines()) == sorted(expected)


def test_the_texts_of_libsane_tell_the_statuses_apart() -> None:
    """No two statuses share a text, so python-sane's exceptions can be told apart by theirs."""
    texts = status_texts(load_library())
    assert set(texts.values()) == {status for status in STATUSES if status is not None}
    assert texts["Document feeder out of documents"] is Status.NO_DOCUMENTS


@pytest.mark.parametrize("kind", [Larger, Weak, int, dict])
def test_another_layout_is_refused(kind: type) -> None:
    """Where the object has anything else than a header and a pointer, nothing is read and the message says why."""
    with pytest.raises(LayoutError, match="supported Debian release"):
        check_layout(kind)


def test_another_interpreter_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The layout holds on CPython only."""
    monkeypatch.setattr(handle, "sys", SimpleNamespace(implementation=SimpleNamespace(name="pypy")))
    with pytest.raises(LayoutError, match="pypy"):
        check_layout()
    assert sys.implementation.name == "cpython"


def test_a_reader_of_a_strange_object_is_refused() -> None:
    """A reader never touches memory of an object that fails the check."""
    with pytest.raises(LayoutError):
        PixelReader(load_library(), Larger(), 10)
