"""A push button at a pin of the board, by the kernel's GPIO character device, version 2 of its interface.

The structures and numbers are those of linux/gpio.h (Linux 5.10 and later); no library is needed for two ioctls, and
both Debian releases have different ones. The kernel takes out the bouncing of the contact and tells the time of each
change by the monotonic clock.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HEADER_CHIPS = ("pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1")
"""What the kernel calls the chips whose lines are the pins of a Raspberry Pi's header: up to 3, 4, and 5."""

CONSUMER = b"scanbridge"
DEBOUNCE_US = 20_000
"""How long a contact must be quiet until it counts, in microseconds."""

CHIP_INFO = struct.Struct("=32s32sI")
LINE_ATTRIBUTE = struct.Struct("=II8sQ")
LINE_CONFIG_HEAD = struct.Struct("=QI20x")
LINE_REQUEST_TAIL = struct.Struct("=II20xi")
LINE_EVENT = struct.Struct("=QIIII24x")
MAX_LINES, MAX_ATTRIBUTES = 64, 10
LINE_REQUEST_SIZE = MAX_LINES * 4 + 32 + LINE_CONFIG_HEAD.size + MAX_ATTRIBUTES * LINE_ATTRIBUTE.size + 32

FLAG_ACTIVE_LOW, FLAG_INPUT, FLAG_EDGE_RISING, FLAG_EDGE_FALLING, FLAG_BIAS_PULL_UP = (
    *(1 << 1, 1 << 2, 1 << 4, 1 << 5, 1 << 8),
)
ATTRIBUTE_DEBOUNCE = 3
EVENT_RISING = 1

_IOC_WRITE, _IOC_READ = 1, 2
_MAGIC = 0xB4


def _ioctl_number(direction: int, number: int, size: int) -> int:
    """How Linux numbers an ioctl (asm-generic/ioctl.h)."""
    return direction << 30 | size << 16 | _MAGIC << 8 | number


GET_CHIP_INFO = _ioctl_number(_IOC_READ, 0x01, CHIP_INFO.size)
GET_LINE = _ioctl_number(_IOC_READ | _IOC_WRITE, 0x07, LINE_REQUEST_SIZE)


class NoButton(Exception):
    """The pin cannot be used."""


@dataclass(frozen=True, slots=True)
class Change:
    """The button went down or up at a time in seconds of the monotonic clock."""

    down: bool
    at: float


class ButtonLine:
    """The changes of a button, read from the file `descriptor` of a line; whoever makes one hands it over."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        """What to wait for."""
        return self._descriptor

    def read(self) -> Iterator[Change]:
        """The changes since the last time; waits for one when there is none. Raises OSError."""
        data = os.read(self._descriptor, LINE_EVENT.size * 16)
        for nanoseconds, kind, _offset, _, _ in LINE_EVENT.iter_unpack(data):
            yield Change(kind == EVENT_RISING, nanoseconds / 1e9)

    def close(self) -> None:
        """Give the pin back."""
        os.close(self._descriptor)


def open_button(number: int, devices: Path = Path("/dev")) -> ButtonLine:
    """The button between GPIO `number` of the header and ground; the pin is pulled up by the chip itself.

    Raises NoButton when this board has no such header, or somebody else uses the pin.
    """
    for path in sorted(devices.glob("gpiochip*")):
        try:
            chip = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise NoButton(f"{path}: {error.strerror}") from error
        try:
            if _label(chip) in HEADER_CHIPS:
                return ButtonLine(_request(chip, number))
        except OSError as error:
            raise NoButton(f"GPIO {number} cannot be used: {error.strerror}") from error
        finally:
            os.close(chip)
    raise NoButton("this board has no GPIO header that the kernel knows")


def line_request(number: int) -> bytes:
    """The request for one line as an input with a pull-up resistor, low when pressed, both edges told."""
    flags = FLAG_INPUT | FLAG_ACTIVE_LOW | FLAG_BIAS_PULL_UP | FLAG_EDGE_RISING | FLAG_EDGE_FALLING
    offsets = struct.pack("=I", number).ljust(MAX_LINES * 4, b"\0")
    debounce = LINE_ATTRIBUTE.pack(ATTRIBUTE_DEBOUNCE, 0, struct.pack("=I", DEBOUNCE_US).ljust(8, b"\0"), 1)
    attributes = debounce.ljust(MAX_ATTRIBUTES * LINE_ATTRIBUTE.size, b"\0")
    config = LINE_CONFIG_HEAD.pack(flags, 1) + attributes
    return offsets + CONSUMER.ljust(32, b"\0") + config + LINE_REQUEST_TAIL.pack(1, 0, 0)


def _label(chip: int) -> str:
    info = bytearray(CHIP_INFO.size)
    fcntl.ioctl(chip, GET_CHIP_INFO, info)
    label: bytes = CHIP_INFO.unpack(info)[1]
    return label.rstrip(b"\0").decode("ascii", "replace")


def _request(chip: int, number: int) -> int:
    request = bytearray(line_request(number))
    fcntl.ioctl(chip, GET_LINE, request)
    descriptor: int = LINE_REQUEST_TAIL.unpack(request[-LINE_REQUEST_TAIL.size :])[2]
    return descriptor
